"""Copying, moving, deleting and downloading of many objects for the file system, with as few transfers as possible."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from glob import has_magic
from os import PathLike
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.filesystem.base import ObjectFileSystem
from odhtec_jupyter.client.local.local_names import local_name
from odhtec_jupyter.client.local.saved_files import SavedFiles
from odhtec_jupyter.client.local.scan import LINKED_FOLDER, left_out_kind

MAX_NAMES_PER_REQUEST = 1000
Pair = tuple[str, str]


def copy(fs: ObjectFileSystem, source: Any, target: Any, recursive: bool, maxdepth: int | None, **options: Any) -> None:
    """Copy as ``AbstractFileSystem.copy`` does, with one transfer per folder or per selection of its files."""
    if recursive and maxdepth is None and isinstance(target, str) and is_folder(fs, source):
        transfer(fs, "copy", source, into(fs, source, target))
        return
    skips_missing = options.get("on_error") == "ignore" or (recursive and options.get("on_error") is None)
    recorder = _Recorder(fs)
    # fsspec itself decides which target each file has.
    AbstractFileSystem.copy(recorder, source, target, recursive=recursive, maxdepth=maxdepth, **options)
    for folder, into_folder, names in _by_folder(_files(fs, recorder.pairs)):
        try:
            _copy_names(fs, folder, into_folder, names)
        except FileNotFoundError:
            if not skips_missing:
                raise
            for name in names:  # one by one, to skip only the missing ones
                _copy_if_exists(fs, folder + name, into_folder + name)


def move(fs: ObjectFileSystem, source: Any, target: Any, recursive: bool, maxdepth: int | None) -> None:
    """Move one object or folder with one transfer; copy and delete anything else."""
    if source == target:
        return
    if isinstance(source, str) and maxdepth is None and not is_pattern(fs, source):
        if not (recursive and has_folder(fs, source)):
            with file_errors(source):
                fs.client.move(fs.uri(source), fs.uri(into(fs, source, target)), on_conflict="overwrite").wait(
                    progress=False
                )
            return
        if not fs.isfile(source):
            transfer(fs, "move", source, into(fs, source, target))
            return
    copy(fs, source, target, recursive, maxdepth, on_error="raise")
    delete(fs, source, recursive, maxdepth)


def delete(fs: ObjectFileSystem, paths: Any, recursive: bool, maxdepth: int | None) -> None:
    """Delete objects, and with ``recursive`` folders: down to ``maxdepth`` levels, or with everything in them."""
    for one in [paths] if isinstance(paths, str) else paths:
        path = fs._strip_protocol(one)
        for name in fs.glob(path) if is_pattern(fs, path) else [path]:
            is_file, is_above = fs.isfile(name), recursive and has_folder(fs, name)
            if not (is_file or is_above):
                raise FileNotFoundError(name)
            if is_file:
                fs.rm_file(name)
            if is_above and maxdepth is not None:
                for below in fs.find(name, maxdepth=maxdepth):
                    fs.rm_file(below)
            elif is_above:
                with file_errors(name):
                    fs.client.delete(f"s3://{name.rstrip('/')}/").wait(progress=False)


def get(fs: ObjectFileSystem, source: Any, local: Any, **options: Any) -> None:
    """Download as ``AbstractFileSystem.get`` does, but give every key a path of its own below the target folder."""
    AbstractFileSystem.get(_LocalNames(fs), source, local, **options)


def put(fs: ObjectFileSystem, local: Any, target: Any, recursive: bool, **options: Any) -> None:
    """Upload as ``AbstractFileSystem.put`` does, but leave out of folders and patterns what is not a file."""
    AbstractFileSystem.put(_RegularFiles(fs, local, recursive), local, target, recursive=recursive, **options)


def is_pattern(fs: ObjectFileSystem, path: str) -> bool:
    """Return whether a path is a pattern: it has wildcards, and no object has exactly this key."""
    return has_magic(path) and not fs.isfile(path)


def is_folder(fs: ObjectFileSystem, path: Any) -> bool:
    """Return whether a path names one folder."""
    return isinstance(path, str) and "/" in fs._strip_protocol(path) and not is_pattern(fs, path) and fs.isdir(path)


def has_folder(fs: ObjectFileSystem, path: str) -> bool:
    """Return whether anything is below a path. An object can have the same name."""
    path = fs._strip_protocol(path)
    if "/" not in path:
        return bool(fs.isdir(path))
    try:
        with file_errors(path):
            return fs._is_folder(path)
    except OSError:
        return False


def into(fs: ObjectFileSystem, source: str, target: str) -> str:
    """Return the target of a source: in a folder if ``target`` is one, unless the source ends in a slash."""
    path = str(fs._strip_protocol(target))
    if source.endswith("/") or not (target.endswith("/") or fs.isdir(path)):
        return path
    return f"{path}/{fs._strip_protocol(source).rpartition('/')[2]}"


def transfer(fs: ObjectFileSystem, action: str, source: str, target: str) -> None:
    """Copy or move a folder and everything in it."""
    run = fs.client.copy if action == "copy" else fs.client.move
    with file_errors(source):
        run(f"{fs.uri(source)}/", f"{fs.uri(target)}/", on_conflict="overwrite").wait(progress=False)


class _Recorder:
    """The file system for :meth:`AbstractFileSystem.copy`, which records the copies instead of making them."""

    def __init__(self, fs: ObjectFileSystem) -> None:
        self._fs = fs
        self.pairs: list[Pair] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def cp_file(self, source: str, target: str, **kwargs: Any) -> None:
        """Record a copy."""
        strip = self._fs._strip_protocol
        self.pairs.append((strip(source), strip(target)))


class _LocalNames:
    """The file system for :meth:`AbstractFileSystem.get`, with names that files of this machine can have."""

    def __init__(self, fs: ObjectFileSystem) -> None:
        self._fs = fs
        self._keys: dict[str, str] = {}
        self._saved_files = SavedFiles()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def expand_path(self, *args: Any, **kwargs: Any) -> list[str]:
        """Expand paths, and return them as paths of this machine."""
        self._keys = {local_name(path): path for path in self._fs.expand_path(*args, **kwargs)}
        return list(self._keys)

    def isdir(self, path: str) -> bool:
        """Return whether the object path is a folder."""
        return bool(self._fs.isdir(self._keys.get(path, path)))

    def get_file(self, path: str, local: Any, **kwargs: Any) -> None:
        """Download the object. Raises ``FileExistsError`` if its file is that of another object."""
        is_path = isinstance(local, str | PathLike)
        if is_path:
            with file_errors(str(local)):
                self._saved_files.check(Path(local))
        self._fs.get_file(self._keys.get(path, path), local, **kwargs)
        if is_path:
            self._saved_files.add(Path(local))


class _RegularFiles:
    """The file system for :meth:`AbstractFileSystem.put`, which skips special files that the caller did not name."""

    def __init__(self, fs: ObjectFileSystem, local: Any, recursive: bool) -> None:
        self._fs, self._recursive = fs, recursive
        self._named = set(map(_local_path, [local] if isinstance(local, str | PathLike) else local))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def put_file(self, local: Any, target: str, **options: Any) -> None:
        """Upload a file. Warns if it is left out."""
        kind = left_out_kind(Path(local))
        is_named = _local_path(local) in self._named and (kind != LINKED_FOLDER or self._recursive)
        if kind and not is_named:
            warnings.warn(f"{local} was not uploaded: it is a {kind}.", UserWarning, 2)
        else:
            self._fs.put_file(local, target, **options)


def _local_path(path: Any) -> str:
    return str(LocalFileSystem._strip_protocol(path))


def _files(fs: ObjectFileSystem, pairs: list[Pair]) -> list[Pair]:
    """Return the pairs without the folders, which fsspec lists in addition to the files in them."""
    above = {source[:at] for source, _ in pairs for at, letter in enumerate(source) if letter == "/"}
    return [pair for pair in pairs if pair[0] not in above or fs.isfile(pair[0])]


def _by_folder(pairs: list[Pair]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield source folders, target folders and the names that are copied from one to the other."""
    together: dict[Pair, list[str]] = defaultdict(list)
    for source, target in pairs:
        (folder, _, name), (into_folder, _, new_name) = source.rpartition("/"), target.rpartition("/")
        if name and name == new_name:  # the server copies names that are directly in a folder
            together[f"{folder}/", f"{into_folder}/"].append(name)
        else:
            yield source, target, [""]
    for (source, target), names in together.items():
        for start in range(0, len(names), MAX_NAMES_PER_REQUEST):
            yield source, target, names[start : start + MAX_NAMES_PER_REQUEST]


def _copy_names(fs: ObjectFileSystem, folder: str, target: str, names: list[str]) -> None:
    if len(names) == 1:
        fs.cp_file(folder + names[0], target + names[0])
        return
    with file_errors(folder):
        fs.client.copy(f"s3://{folder}", f"s3://{target}", names=names, on_conflict="overwrite").wait(progress=False)


def _copy_if_exists(fs: ObjectFileSystem, source: str, target: str) -> None:
    try:
        fs.cp_file(source, target)
    except FileNotFoundError:
        return
