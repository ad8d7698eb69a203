"""Which files of a folder are meant: globs as huggingface_hub has them, for every kind of place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase, translate


def wanted(path: str, include: Sequence[str] | None, exclude: Sequence[str] | None) -> bool:
    """Whether a path (relative, with slashes) matches one of ``include`` (None: all) and none of ``exclude``.

    ``*`` also matches slashes; a pattern that ends in a slash takes all below that folder.
    """
    if include is not None and not any(fnmatchcase(path, _whole(pattern)) for pattern in include):
        return False
    return not any(fnmatchcase(path, _whole(pattern)) for pattern in exclude or ())


def matcher(pattern: str) -> Callable[[str], object]:
    """What says of very many paths whether they match one pattern."""
    return re.compile(translate(_whole(pattern))).match


def _whole(pattern: str) -> str:
    return f"{pattern}*" if pattern.endswith("/") else pattern
