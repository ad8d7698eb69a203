"""The entries of a folder of this machine: the files that can be uploaded, and what has to be left out."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.keys import fitting

LINKED_FOLDER = "link to a folder"
BROKEN_LINK = "broken link"
_NO_TARGET = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # of a link; a target without permission may be a file
_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True)
class LocalEntry:
    """A file of a folder, or something else in it; ``name`` is the path below the folder, with slashes."""

    path: Path
    name: str
    size: int = 0
    modified: float = 0.0  # seconds since the epoch
    left_out: str = ""  # what it is, if it is not a file

    @property
    def is_folder(self) -> bool:
        """Whether an unknown number of files is left out with it."""
        return self.left_out == LINKED_FOLDER

    def __str__(self) -> str:
        return f"{self.path} ({self.left_out})" if self.left_out else str(self.path)


def entries_below(folder: Path) -> Iterator[LocalEntry]:
    """Yield each file below a folder, and each entry that is left out. Raises ``OSError`` for what cannot be read.

    Links to folders are not followed: they may lead back to a folder above.
    """
    for where, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in folders:
            path = Path(where, name)
            if _is_link(path):
                yield LocalEntry(path, _name(path, folder), left_out=LINKED_FOLDER)
        for name in sorted(names):
            yield _entry(Path(where, name), folder)


def left_out_kind(path: Path) -> str:
    """Return what a path is if it is left out of an upload; empty for a regular file and a folder.

    Raises ``OSError`` for what cannot be read.
    """
    found = _stat(path)
    if found is None:
        return BROKEN_LINK
    if stat.S_ISDIR(found.st_mode):
        return LINKED_FOLDER if _is_link(path) else ""
    return _kind(found)


def require_regular(path: Path) -> None:
    """Raise :class:`BadRequest` for a pipe, socket or device: reading it could block forever."""
    if path.exists() and not path.is_dir() and not path.is_file():
        raise BadRequest(f"{path} is not a regular file.")


def _entry(path: Path, folder: Path) -> LocalEntry:
    name = _name(path, folder)
    found = _stat(path)
    if found is None:
        return LocalEntry(path, name, left_out=BROKEN_LINK)
    if kind := _kind(found):
        return LocalEntry(path, name, left_out=kind)
    return LocalEntry(path, fitting(name), found.st_size, found.st_mtime)


def _stat(path: Path) -> os.stat_result | None:
    """Return what a path is, or what a link leads to; None for a broken link."""
    try:
        return path.stat()
    except OSError as error:
        if error.errno in _NO_TARGET and path.is_symlink():
            return None
        raise


def _kind(found: os.stat_result) -> str:
    return "" if stat.S_ISREG(found.st_mode) else _KINDS.get(stat.S_IFMT(found.st_mode), "special file")


def _is_link(path: Path) -> bool:
    is_junction = getattr(path, "is_junction", None)  # of Windows; Python 3.12 and later
    return path.is_symlink() or (is_junction is not None and bool(is_junction()))


def _name(path: Path, folder: Path) -> str:
    return as_text(path.relative_to(folder))


def as_text(path: Path) -> str:
    """Return the path with slashes. Raises :class:`BadRequest` where it is not UTF-8, as keys have to be."""
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"The name {text!r} is not valid UTF-8, so it cannot be a key in S3.") from None
    return text


def _raise(error: OSError) -> None:
    raise error
