"""Translation of file system errors to errors of this package, which never contain a path of the server."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from odhtec_jupyter.errors import BadRequest, Conflict, Forbidden, NotFound, OdhTecError, TooLarge, WorkspaceError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ELOOP, errno.EBUSY, errno.ETXTBSY}
_LATER = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT}


def uri(path: str) -> str:
    """Return ``workspace://path``, which names a file in messages."""
    return f"workspace://{path}"


@contextmanager
def workspace_errors(path: str) -> Iterator[None]:
    """Translate every :class:`OSError`, naming the path that the user knows."""
    try:
        yield
    except OSError as error:
        raise workspace_error(error, path) from error


def workspace_error(error: OSError, path: str) -> OdhTecError:
    """Return the error of this package for an :class:`OSError`."""
    name, number = uri(path), error.errno
    if number in _FULL:
        return WorkspaceError(
            f"There is no space left for {name}. Free some space or raise the quota, then retry.",
            code="DiskFull",
        )
    if number == errno.EROFS:
        return Forbidden(
            f"{name} is on a read-only file system. Make it writable or choose another folder, then retry.",
            code="ReadOnly",
        )
    if number in _REFUSED:
        return Forbidden(f"Permission denied for {name}. Check its permissions.")
    if number == errno.ENOENT:
        return NotFound(f"{name} no longer exists.")
    if number == errno.ENAMETOOLONG:
        return BadRequest(f"{name} is too long for the workspace's file system.", code="NameTooLong")
    if number == errno.EILSEQ:
        return BadRequest(f"{name} is not a valid name on the workspace's file system.")
    if number == errno.EFBIG:
        return TooLarge(f"{name} is too large for the workspace's file system.")
    if number in _IN_THE_WAY:
        return Conflict(f"{name} cannot be used: {_reason(error)}.")
    if number in _LATER:
        return WorkspaceError(
            f"{name} cannot be read or written at the moment: {_reason(error)}.", code="WorkspaceBusy"
        )
    if number == errno.EIO:
        return WorkspaceError(f"Disk error at {name}: {_reason(error)}.", code="DiskError")
    return WorkspaceError(f"File system error at {name}: {_reason(error)}.")


def _reason(error: OSError) -> str:
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]
