"""Files of the workspace: their description, and reading them by ranges while they do not change."""

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
    """The description of a file or folder; ``error`` says why it cannot be read."""

    path: str
    size: int
    modified: datetime
    pin: str
    is_folder: bool = False
    error: str | None = None
    is_hidden: bool = False  # found in a folder and hidden, so it is left out


def shown(path: str, found: os.stat_result) -> WorkspaceFile:
    """Return the description of a file or folder."""
    folder = stat.S_ISDIR(found.st_mode)
    try:
        modified = _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000)
    except OverflowError:  # some file systems have times outside of the calendar
        modified = _EPOCH
    return WorkspaceFile(path, 0 if folder else found.st_size, modified, pin_of(found), folder)


def hidden(path: str) -> WorkspaceFile:
    """Return a hidden entry, which is only named: a hidden folder is not read."""
    return WorkspaceFile(path, 0, _EPOCH, "", is_folder=path.endswith("/"), is_hidden=True)


def unusable(path: str, error: OdhTecError) -> WorkspaceFile:
    """Return an entry that cannot be read and is reported instead of left out."""
    return WorkspaceFile(path, 0, _EPOCH, "", error=str(error))


class Descriptor:
    """A file descriptor that is closed after its last use, because its number is reused for other files."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._users = 1
        self._open = True
        self._lock = threading.Lock()

    @contextmanager
    def use(self) -> Iterator[int]:
        """Return the number, which refers to this file while the context lasts."""
        with self._lock:
            if not self._open:
                raise OSError(errno.EBADF, "it has been closed")
            self._users += 1
        try:
            yield self._number
        finally:
            self._leave()

    def close(self) -> None:
        """Close it now, or after its last use."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        self._leave()

    def __del__(self) -> None:
        # A caller that was cancelled while a thread opened the file never receives it.
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
    is_local = True

    def __init__(self, root: WorkspaceRoot, path: str, size: int, pin: str) -> None:
        self.size = size
        self.path = path
        self._root = root
        self._pin = pin

    def open_range(self, start: int, end: int) -> WorkspaceRange:
        """Open bytes ``start`` to ``end``. Raises :class:`VerificationError` if the file has changed."""
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
        """Raise an error unless this is the content that the source is pinned to."""
        if found is None or pin_of(found) != self._pin:
            raise VerificationError(f"{uri(self.path)} changed while it was being read.", code="SourceChanged")

    def compare_name(self) -> None:
        """Raise an error unless the path still leads to that content."""
        self.compare(self._root.lstat(self._root.resolve(self.path)))


class WorkspaceRange:
    """An open range of a file. Its last bytes are returned only if nothing has changed."""

    def __init__(self, source: WorkspaceSource, file: Descriptor, start: int, end: int) -> None:
        self._source = source
        self._file = file
        self._at = start
        self._end = end

    def readinto(self, buffer: memoryview) -> int:
        """Read up to ``len(buffer)`` bytes; 0 at the end."""
        wanted = buffer[: self._end - self._at]
        if not len(wanted):
            return 0
        with workspace_errors(self._source.path), self._file.use() as number:
            count = os.preadv(number, [wanted], self._at)
            self._at += count
            if not count or self._at == self._end:
                self._source.compare(os.fstat(number))
                self._source.compare_name()
        if not count:  # shorter than its own size, which is an error of the file system
            raise VerificationError(
                f"{uri(self._source.path)} is shorter than its reported size.", code="SourceChanged"
            )
        return count

    def interrupt(self) -> None:
        """Do nothing: reading from a disk does not wait for another host."""

    def close(self) -> None:
        """Close the file after the thread that reads it is done."""
        self._file.close()
