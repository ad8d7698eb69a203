"""Glob patterns for files, as in huggingface_hub, for all kinds of locations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from odhtec_jupyter.errors import BadRequest

MAX_GLOBS = 200  # with wildcards, because each is compared with very many paths
_ESCAPED = re.compile(r"\[([\[*?])\]")  # an escaped wildcard


def chooser(include: Sequence[str] | None, exclude: Sequence[str] | None) -> Callable[[str], bool]:
    """Return a test whether a path (relative, with slashes) matches ``include`` (None: all) and not ``exclude``.

    ``*`` also matches slashes. A pattern with a trailing slash matches everything below that folder. Raises
    :class:`BadRequest` for too many patterns.
    """
    included = None if include is None else _matches_any(include)
    excluded = _matches_any(exclude or ())
    return lambda path: (included is None or included(path)) and not excluded(path)


def exact_pattern(path: str) -> str:
    """Return the pattern that matches only this path, or everything below it if it is a folder."""
    return re.sub(r"[\[*?]", r"[\g<0>]", path)


def matcher(pattern: str) -> Callable[[str], object]:
    """Return a function that tests very many paths against one pattern."""
    return re.compile(translate(_whole(pattern))).match


def _matches_any(patterns: Sequence[str]) -> Callable[[str], bool]:
    names: set[str] = set()  # individually selected files are patterns, too, and can be thousands
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
