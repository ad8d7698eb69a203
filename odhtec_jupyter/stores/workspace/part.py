"""Unfinished files of the workspace: written under a hidden name and renamed when they are complete."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress

from odhtec_jupyter.errors import BadRequest, Conflict, NotFound
from odhtec_jupyter.stores.workspace.errors import uri, workspace_errors
from odhtec_jupyter.stores.workspace.file import Descriptor, WorkspaceFile, shown
from odhtec_jupyter.stores.workspace.root import (
    LIST,
    Segments,
    WorkspaceRoot,
    lstat_in,
    pin_of,
    require_regular,
    same_file,
)

# The suffix of unfinished files, `.name.token.…`. Such names are never listed and cannot be written to.
PART = ".odhtec-part"
_PART_NAME = re.compile(rb"\..+\.[A-Za-z0-9_-]{1,64}" + re.escape(PART.encode()), re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def is_part(name: bytes) -> bool:
    """Return whether a name is that of one of our unfinished files."""
    return _PART_NAME.fullmatch(name) is not None


def part_name(name: bytes, token: str, longest: int) -> bytes:
    """Return the name of the unfinished file for ``name``; with a digest where ``name`` must be shortened."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token has letters, digits, - and _ only, at most 64")
    end = f".{token}{PART}".encode()
    if len(name) + len(end) + 1 > longest:
        digest = b"~" + hashlib.sha256(name).hexdigest()[:16].encode()
        cut = name[: longest - len(end) - len(digest) - 1].decode(errors="ignore").encode()
        name = cut + digest
    return b"." + name + end


class PartialFile:
    """An unfinished file with a hidden name beside its target; :meth:`publish` completes it."""

    def __init__(self, root: WorkspaceRoot, path: str, part: Segments, number: int, created: Sequence[str]) -> None:
        self.path = path
        self.created_folders = tuple(created)
        self._root = root
        self._part = part
        self._file = Descriptor(number)
        self._mine = os.fstat(number)
        self._is_synced = False

    @property
    def pin(self) -> str:
        """The :attr:`WorkspaceFile.pin` of the file after :meth:`publish`, if nothing more is written."""
        with workspace_errors(self.path), self._file.use() as number:
            return pin_of(os.fstat(number))

    def write_at(self, offset: int, view: memoryview) -> None:
        """Write all of ``view``. Threads can write different ranges in parallel."""
        self._is_synced = False
        with workspace_errors(self.path), self._file.use() as number:
            while len(view):
                count = os.pwrite(number, view, offset)
                if not count:
                    raise OSError(errno.EIO, "nothing could be written")
                offset, view = offset + count, view[count:]

    def read_into(self, offset: int, view: memoryview) -> int:
        """Read back what was written; fewer bytes than requested only at the end."""
        done = 0
        with workspace_errors(self.path), self._file.use() as number:
            while done < len(view) and (count := os.preadv(number, [view[done:]], offset + done)):
                done += count
        return done

    def sync(self) -> None:
        """Wait until the disk has stored what was written."""
        self._is_synced = True
        with workspace_errors(self.path), self._file.use() as number:
            os.fsync(number)

    def publish(self, *, if_absent: bool, sync_folder: bool = True) -> WorkspaceFile:
        """Rename the file to its target in one step. With ``if_absent``, raises :class:`Conflict` if the target exists.

        The file gets the permissions of the file it replaces. Repeating a successful call has no effect. Without
        ``sync_folder``, the new name is lost if the machine crashes before :meth:`sync_folder`.
        """
        part, name = self._part[-1], self._part_target()
        with workspace_errors(self.path), self._file.use() as number, self._root.folder(self._part[:-1]) as folder:
            mine = os.fstat(number)
            there = lstat_in(folder, name)
            if there is None or not same_file(there, mine):
                self._require_part(folder, mine)
                if there is not None:
                    self._may_replace(folder, name, there, if_absent)
                    if stat.S_ISREG(there.st_mode):
                        with suppress(PermissionError):  # some file systems do not have permissions
                            os.fchmod(number, stat.S_IMODE(there.st_mode) & 0o777)
                if not self._is_synced:
                    os.fsync(number)
                if if_absent:
                    self._name_if_absent(folder, part, name)
                else:
                    os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            _unlink(folder, part)
            if sync_folder:
                _sync_folder(folder)
            found = os.fstat(number)
        with workspace_errors(self.path):
            now = self._root.lstat(self._root.resolve_name(self.path))
        if now is None or not same_file(now, found):
            raise Conflict(f"{uri(self.path)} was moved or replaced while it was being written.")
        return shown(self.path, found)

    @property
    def folder(self) -> Segments:
        """The folder that the file is in."""
        return self._part[:-1]

    def sync_folder(self) -> None:
        """Wait until the disk has stored the names in the folder."""
        with workspace_errors(self.path), self._root.folder(self._part[:-1]) as folder:
            _sync_folder(folder)

    def drop(self) -> None:
        """Delete the unfinished file, and the folders that were created for it if they are empty."""
        self.close()
        with (
            workspace_errors(self.path),
            suppress(FileNotFoundError),
            self._root.folder(self._part[:-1]) as folder,
        ):
            there = lstat_in(folder, self._part[-1])
            if there is not None and same_file(there, self._mine):
                _unlink(folder, self._part[-1])
        _remove_empty(self._root, [self._root.resolve_name(path) for path in self.created_folders])

    def close(self) -> None:
        """Close the file; what was written is kept for :meth:`WorkspaceStore.reopen`."""
        self._file.close()

    def _part_target(self) -> bytes:
        return self.path.rpartition("/")[2].encode()

    def _require_part(self, folder: int, mine: os.stat_result) -> None:
        there = lstat_in(folder, self._part[-1])
        if there is None or not same_file(there, mine):
            raise Conflict(
                f"The unfinished file for {uri(self.path)} was moved or deleted. Retry to write it again.",
                code="PartialFileGone",
            )

    def _may_replace(self, folder: int, name: bytes, there: os.stat_result, if_absent: bool) -> None:
        if if_absent:
            raise exists(self.path)
        if stat.S_ISLNK(there.st_mode):  # replaces the link itself, but never a link to a folder
            with suppress(OSError):
                there = os.stat(name, dir_fd=folder)
        if stat.S_ISDIR(there.st_mode):
            require_regular(there, self.path)

    def _name_if_absent(self, folder: int, part: bytes, name: bytes) -> None:
        try:
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise exists(self.path) from None
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            # Not atomic, because this file system has no atomic way.
            if lstat_in(folder, name) is not None:
                raise exists(self.path) from None
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)


def exists(path: str) -> Conflict:
    """Return the error for a file that was created in the meantime."""
    return Conflict(f"{uri(path)} already exists: it was created in the meantime.", code="FileExists")


def begin_part(root: WorkspaceRoot, path: str, token: str) -> PartialFile:
    """Create an empty unfinished file beside ``path``, with the folders it needs."""
    segments = _target(root, path)
    created: list[Segments] = []
    try:
        with workspace_errors(path):
            part, number = _create(root, path, segments, token, created)
    except BaseException:
        _remove_empty(root, created)
        raise
    folders = [b"/".join(one).decode(errors="replace") for one in created]
    # A folder whose name is not UTF-8 cannot be recorded, so folders created in it are kept.
    return PartialFile(root, path, (*segments[:-1], part), number, [one for one in folders if "\ufffd" not in one])


def _create(
    root: WorkspaceRoot, path: str, segments: Segments, token: str, created: list[Segments]
) -> tuple[bytes, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    for left in reversed(range(5)):
        try:
            with root.folder(segments[:-1], created=created) as folder:
                there = lstat_in(folder, segments[-1])
                mode = 0o666  # the system applies the umask
                if there is not None and stat.S_ISDIR(there.st_mode):
                    require_regular(there, path)
                if there is not None and stat.S_ISREG(there.st_mode):  # never wider than those of the file it replaces
                    mode = stat.S_IMODE(there.st_mode) & 0o666 | 0o600
                longest = _longest(folder)
                if len(segments[-1]) > longest:
                    raise OSError(errno.ENAMETOOLONG, "the name is too long")
                part = part_name(segments[-1], token, longest)
                return part, os.open(part, flags, mode, dir_fd=folder)
        except FileNotFoundError:  # another file, for which the folder was created, is being dropped
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def _longest(folder: int) -> int:
    return os.fstatvfs(folder).f_namemax or 255


def _remove_empty(root: WorkspaceRoot, folders: Sequence[Segments]) -> None:
    for segments in reversed(folders):
        with suppress(OSError), root.folder(segments[:-1]) as folder:
            os.rmdir(segments[-1], dir_fd=folder)


def reopen_part(root: WorkspaceRoot, path: str, token: str, created: Sequence[str]) -> PartialFile | None:
    """Reopen the file that :func:`begin_part` created in an earlier run; None if it does not exist."""
    segments = _target(root, path)
    try:
        with workspace_errors(path), root.folder(segments[:-1]) as folder:
            part = part_name(segments[-1], token, _longest(folder))
            number = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            try:
                mine, there = os.fstat(number), lstat_in(folder, segments[-1])
                require_regular(mine, path)
                # A second link is ours if the process ended within publish(); any other must not change.
                if mine.st_nlink > 1 and not (there and same_file(there, mine)):
                    _unlink(folder, part)
                    os.close(number)
                    return None
            except BaseException:
                os.close(number)
                raise
    except NotFound:
        return None
    return PartialFile(root, path, (*segments[:-1], part), number, created)


def _target(root: WorkspaceRoot, path: str) -> Segments:
    with workspace_errors(path):
        segments = root.resolve_name(path)
    if path.endswith("/"):
        raise BadRequest(f"{uri(path)} names a folder, not a file.")
    if is_part(segments[-1]):
        raise BadRequest(f"{uri(path)}: names that end in {PART} are reserved for unfinished files.")
    return segments


def _unlink(folder: int, name: bytes) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _sync_folder(folder: int) -> None:
    """Make a rename durable; some file systems do not support this for folders."""
    with suppress(OSError):
        number = os.open(".", LIST, dir_fd=folder)
        try:
            os.fsync(number)
        finally:
            os.close(number)
