"""Walking folders for fsspec, including those with an empty name: ``x//b.txt`` is ``b.txt`` in ``""`` in ``x``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from odhtec_jupyter.client.filesystem.base import ObjectFileSystem

Infos = dict[str, dict[str, Any]]
Level = tuple[str, Any, Any]


def walk(
    fs: ObjectFileSystem,
    path: str,
    maxdepth: int | None,
    topdown: bool,
    on_error: str | Callable[[OSError], object],
    detail: bool,
) -> Iterator[Level]:
    """Walk as ``AbstractFileSystem.walk`` does, which confuses a folder with an empty name with its parent."""
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth must be at least 1")
    try:
        folders, files = _level(fs, path)
    except OSError as error:
        if on_error == "raise":
            raise
        if callable(on_error):
            on_error(error)
        return
    names: Any = folders if detail else list(folders)
    level = (path, names, files if detail else list(files))
    if topdown:
        yield level
    if maxdepth is None or maxdepth > 1:
        for name in list(names) if topdown else list(folders):  # the caller may have removed some
            below = None if maxdepth is None else maxdepth - 1
            yield from walk(fs, folders[name]["name"] if path else name, below, topdown, on_error, detail)
    if not topdown:
        yield level


def _level(fs: ObjectFileSystem, path: str) -> tuple[Infos, Infos]:
    folders: Infos = {}
    files: Infos = {}
    for info in fs.list_level(path):
        name = info["name"].rpartition("/")[2]
        (folders if info["type"] == "directory" else files)[name] = info
    return folders, files


def with_empty_levels(fs: ObjectFileSystem, pattern: str, found: Infos, maxdepth: int | None) -> Infos:
    """Add to the results of a glob what its ``**`` or ``//`` matches in folders with an empty name."""
    try:
        from fsspec.utils import glob_translate
    except ImportError:  # before 2023.10
        return found
    root = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    matches = re.compile(glob_translate(pattern)).match
    more = {
        name: info
        for name, info in fs.find(root, maxdepth=maxdepth, withdirs=True, detail=True).items()
        if "//" in name and name not in found and matches(name if "//" in pattern else re.sub("/+", "/", name))
    }
    return dict(sorted({**found, **more}.items()))
