"""Which files of a folder are meant: globs as huggingface_hub has them, for every kind of place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from odhtec_jupyter.errors import BadRequest

MAX_GLOBS = 200  # with wildcards: each is tried on each of very many paths
_ESCAPED = re.compile(r"\[([\[*?])\]")  # a wildcard that stands for itself


def chooser(include: Sequence[str] | None, exclude: Sequence[str] | None) -> Callable[[str], bool]:
    """A test whether a path (relative, with slashes) matches one of ``include`` (None: all) and none of ``exclude``.

    ``*`` also matches slashes; a pattern that ends in a slash takes all below that folder. Raises :class:`BadRequest`
    for too many patterns.
    """
    included = None if include is None else _matches_any(include)
    excluded = _matches_any(exclude or ())
    return lambda path: (included is None or included(path)) and not excluded(path)


def exact_pattern(path: str) -> str:
    """The pattern that matches this path alone; of a folder with its slash all below it."""
    return re.sub(r"[\[*?]", r"[\g<0>]", path)


def matcher(pattern: str) -> Callable[[str], object]:
    """What says of very many paths whether they match one pattern."""
    return re.compile(translate(_whole(pattern))).match


def _matches_any(patterns: Sequence[str]) -> Callable[[str], bool]:
    names: set[str] = set()  # files that were chosen one by one are patterns, too, and may be thousands
    globs = []
    for pattern in map(_whole, dict.fromkeys(patterns)):
        if any(one in _ESCAPED.sub("", pattern) for one in "*?["):
            globs.append(pattern)
        else:
            names.add(_ESCAPED.sub(r"\1", pattern))
    if len(globs) > MAX_GLOBS:
        raise BadRequest(f"include and exclude accept up to {MAX_GLOBS} patterns with wildcards each.")
    matchers = [matcher(glob) for glob in globs]
    return lambda path: path in names or any(matches(path) for matches in matchers)


def _whole(pattern: str) -> str:
    return f"{pattern}*" if pattern.endswith("/") else pattern
