"""A file of the workspace as it is shown, and as it is read: by ranges, while it stays what it was."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from odhtec_jupyter.errors import Conflict, OdhTecError, VerificationError
from odhtec_jupyter.stores.source import Checksum
from odhtec_jupyter.stores.workspace.errors import uri, workspace_errors
from odhtec_jupyter.stores.workspace.root import WorkspaceRoot, pin_of, require_regular

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WorkspaceFile:
    """What is known about a file or folder; ``error`` says in a sentence why it cannot be read."""

    path: str
    size: int
    modified: datetime
    pin: str
    is_folder: bool = False
    error: str | None = None
    is_hidden: bool = False  # found in a folder, and not to be taken along


def shown(path: str, found: os.stat_result) -> WorkspaceFile:
    """A file or folder that was looked at."""
    folder = stat.S_ISDIR(found.st_mode)
    try:
        modified = _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000)
    except OverflowError:  # some file systems hold times that no calendar knows
        modified = _EPOCH
    return WorkspaceFile(path, 0 if folder else found.st_size, modified, pin_of(found), folder)


def hidden(path: str) -> WorkspaceFile:
    """An entry that is only named: a folder is not looked into."""
    return WorkspaceFile(path, 0, _EPOCH, "", is_folder=path.endswith("/"), is_hidden=True)


def unusable(path: str, error: OdhTecError) -> WorkspaceFile:
    """An entry that is reported, not dropped."""
    return WorkspaceFile(path, 0, _EPOCH, "", error=str(error))


class Descriptor:
    """A file descriptor that is closed when its last user is done: its number may mean another file then."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._users = 1
        self._open = True
        self._lock = threading.Lock()

    @contextmanager
    def use(self) -> Iterator[int]:
        """The number, which stays this file's while the context lasts."""
        with self._lock:
            if not self._open:
                raise OSError(errno.EBADF, "it has been closed")
            self._users += 1
        try:
            yield self._number
        finally:
            self._leave()

    def close(self) -> None:
        """Close it now, or when the last user leaves."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        self._leave()

    def __del__(self) -> None:
        # Whoever was cancelled while a thread opened it never gets it.
        self.close()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            last = not self._users
        if last:
            os.close(self._number)


class WorkspaceSource:
    """A file pinned to one content, read by ranges."""

    checksum: Checksum | None = None

    def __init__(self, root: WorkspaceRoot, path: str, size: int, pin: str) -> None:
        self.size = size
        self.path = path
        self._root = root
        self._pin = pin

    def open_range(self, start: int, end: int) -> WorkspaceRange:
        """Bytes ``start`` to ``end``. Raises :class:`VerificationError` when the file is another one by now."""
        with workspace_errors(self.path):
            segments = self._root.resolve(self.path)
            if not segments:
                raise Conflict("The root of the workspace is a folder, not a file.", code="IsAFolder")
            file = Descriptor(self._root.open(segments, os.O_RDONLY))
        reader = WorkspaceRange(self, file, start, end)
        try:
            with workspace_errors(self.path), file.use() as number:
                found = os.fstat(number)
                require_regular(found, self.path)
                self.compare(found)
        except BaseException:
            reader.close()
            raise
        return reader

    def compare(self, found: os.stat_result | None) -> None:
        """Raise when this is not what the source is pinned to."""
        if found is None or pin_of(found) != self._pin:
            raise VerificationError(f"{uri(self.path)} changed while it was being read.", code="SourceChanged")

    def compare_name(self) -> None:
        """The same for what the path leads to now."""
        self.compare(self._root.lstat(self._root.resolve(self.path)))


class WorkspaceRange:
    """An open range of a file. Its last bytes are given only when nothing has changed until then."""

    def __init__(self, source: WorkspaceSource, file: Descriptor, start: int, end: int) -> None:
        self._source = source
        self._file = file
        self._at = start
        self._end = end

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end."""
        wanted = buffer[: self._end - self._at]
        if not len(wanted):
            return 0
        with workspace_errors(self._source.path), self._file.use() as number:
            count = os.preadv(number, [wanted], self._at)
            self._at += count
            if not count or self._at == self._end:
                self._source.compare(os.fstat(number))
                self._source.compare_name()
        if not count:  # shorter than its own size: the file system is at fault
            raise VerificationError(
                f"{uri(self._source.path)} is shorter than its reported size.", code="SourceChanged"
            )
        return count

    def interrupt(self) -> None:
        """Nothing to do: a disk answers."""

    def close(self) -> None:
        """Close the file, when the thread that reads it is done."""
        self._file.close()
