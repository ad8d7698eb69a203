"""The files that a download has saved, so that no object replaces another one of the same download.

Disks of macOS and Windows take ``A.txt`` and ``a.txt`` for the same file, some take other spellings of a letter for the
same name, and a link makes two folders one. Only the disk itself knows, so files are compared by their identity there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import RLock

from odhtec_jupyter.errors import Conflict

Identity = tuple[int, int]  # device and inode


class SavedFiles:
    """Thread-safe. Hold :attr:`lock` from :meth:`check` until the file has its name and :meth:`add` was called."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._paths: dict[Identity, Path] = {}

    def check(self, path: Path) -> None:
        """Raise :class:`Conflict` if this path is the file of another object."""
        with self.lock:
            found = _identity(path)
            other = self._paths.get(found[0], path) if found is not None else path
            if found is None or other == path or _inode(other) != found[0]:
                return  # a disk reuses the inode of a saved file that was deleted in the meantime
            if found[1] == 1 or _folded(other) == _folded(path):
                raise Conflict(
                    f"{path} and {other} are the same file on this disk. To keep both, set on_conflict to rename "
                    "(on the command line --on-conflict rename).",
                    code="FileExists",
                )

    def add(self, path: Path) -> None:
        """Remember a file that holds an object now. Raises :class:`Conflict` as :meth:`check`."""
        with self.lock:
            self.check(path)
            found = _identity(path)
            if found is not None:
                self._paths[found[0]] = path


def _identity(path: Path) -> tuple[Identity, int] | None:
    """Return the identity of a regular file and how many names it has; None for anything else."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return ((found.st_dev, found.st_ino), found.st_nlink) if stat.S_ISREG(found.st_mode) else None


def _inode(path: Path) -> Identity | None:
    found = _identity(path)
    return found[0] if found is not None else None


def _folded(path: Path) -> str:
    # A hard link has another name; the same name in another spelling is the same file.
    return str(path).casefold()
