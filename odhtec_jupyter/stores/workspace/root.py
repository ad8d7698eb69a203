"""Paths of the workspace: which file a path means, and that it is never outside the root.

Links are resolved first. The result is then opened folder by folder without following links, so that a link created in
the meantime has no effect. Names are bytes throughout, without locale and normalization.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from odhtec_jupyter.errors import BadRequest, Conflict, Forbidden
from odhtec_jupyter.stores.workspace.errors import uri

Segments = tuple[bytes, ...]

# Passing through a folder does not require permission to list it, if the system distinguishes the two.
_PASS = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
LIST = os.O_DIRECTORY | os.O_RDONLY


def split(path: str) -> Segments:
    """Return the names in a path of the workspace. Raises :class:`BadRequest` for an invalid path."""
    if path.startswith("/"):
        raise _outside(path)
    names = path.removesuffix("/").split("/") if path else []
    if ".." in names:
        raise _outside(path)
    for name in names:
        if name in {"", "."} or "\0" in name:
            raise BadRequest(f"{uri(path)!r} is not a path: it has an empty name, a single dot or a NUL character.")
    try:
        return tuple(name.encode() for name in names)
    except UnicodeEncodeError:
        raise BadRequest(f"{uri(path)!a} is not a path: it cannot be encoded as UTF-8.") from None


def _outside(path: str) -> Forbidden:
    return Forbidden(f"{uri(path)!r} is outside the workspace.", code="OutsideWorkspace")


class WorkspaceRoot:
    """The root folder, which no path leaves."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(os.fsencode(root))

    def resolve(self, path: str, names: Sequence[bytes] | None = None) -> Segments:
        """Return the path from the root after following links; ``names`` where it is known as bytes only."""
        if names is None:
            names = split(path)
        found = os.path.realpath(os.path.join(self._root, *names))
        if found == self._root:
            return ()
        below = self._root.rstrip(b"/") + b"/"
        if not found.startswith(below):
            raise _outside(path)
        return tuple(found.removeprefix(below).split(b"/"))

    def resolve_name(self, path: str) -> Segments:
        """Return the same without following a link at the end: the name itself is meant."""
        names = split(path)
        if not names:
            raise Conflict("The root of the workspace is a folder, not a file.", code="IsAFolder")
        return (*self.resolve(path, names[:-1]), names[-1])

    def has_link(self, names: Sequence[bytes]) -> bool:
        """Return whether there is a link of this name, wherever it leads."""
        return os.path.islink(os.path.join(self._root, *names))

    @contextmanager
    def folder(self, segments: Segments, *, created: list[Segments] | None = None) -> Iterator[int]:
        """Open a folder for use as ``dir_fd``. Missing folders are created if ``created`` is a list to record them."""
        at = os.open(self._root, LIST)
        try:
            for depth, name in enumerate(segments, 1):
                try:
                    below = os.open(name, _PASS, dir_fd=at)
                except FileNotFoundError:
                    if created is None:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=at)
                        created.append(segments[:depth])
                    below = os.open(name, _PASS, dir_fd=at)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    def lstat(self, segments: Segments) -> os.stat_result | None:
        """Return the entry at a resolved path; None if there is none."""
        try:
            with self.folder(segments[:-1]) as folder:
                return lstat_in(folder, segments[-1]) if segments else os.fstat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, segments: Segments, flags: int) -> int:
        """Open the file at a resolved path, without waiting for the other end of a pipe."""
        with self.folder(segments[:-1]) as folder:
            return os.open(segments[-1], flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)


def lstat_in(folder: int, name: bytes) -> os.stat_result | None:
    """Return the entry ``name`` in an open folder; None if there is none."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def pin_of(found: os.stat_result) -> str:
    """Return what identifies a content: ``size-mtime_ns-inode``. Renaming keeps it, writing changes it."""
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Return whether two entries are the same file."""
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def require_regular(found: os.stat_result, path: str) -> None:
    """Raise :class:`Conflict` for everything that is not a regular file."""
    if stat.S_ISDIR(found.st_mode):
        raise Conflict(f"{uri(path)} is a folder, not a file.", code="IsAFolder")
    if stat.S_ISLNK(found.st_mode):
        raise Conflict(f"{uri(path)} is a broken link.", code="BrokenLink")
    if not stat.S_ISREG(found.st_mode):
        raise Conflict(f"{uri(path)} is a pipe, socket or device, not a file.", code="SpecialFile")
