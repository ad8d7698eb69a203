"""The server's errors as the exceptions that Python's file functions and fsspec raise."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from odhtec_jupyter.errors import OdhTecError

_KINDS: dict[int, tuple[type[OSError], int]] = {
    403: (PermissionError, errno.EACCES),
    404: (FileNotFoundError, errno.ENOENT),
    409: (FileExistsError, errno.EEXIST),
    412: (FileExistsError, errno.EEXIST),
}
# Errors about the server, a transfer or concurrent changes, not about a file.
_NOT_ABOUT_FILES = {
    *("NoExtension", "NoSuchConnection", "NoSuchTransfer", "NoSuchUpload", "NeedsToken", "NeedsConnection"),
    *("Cancelled", "SourceChanged", "OtherConnection", "MissingParts", "InUse", "VersioningSuspended"),
    *("BucketNotEmpty", "ConditionalRequestConflict", "OperationAborted"),
}


@contextmanager
def file_errors(name: str) -> Iterator[None]:
    """Make errors in the block also FileNotFoundError, FileExistsError or PermissionError where these apply.

    The exception keeps its class, code and status.
    """
    try:
        yield
    except OdhTecError as error:
        kind = _KINDS.get(error.status)
        if kind is None or isinstance(error, OSError) or error.code in _NOT_ABOUT_FILES:
            raise
        text = str(error) if name in str(error) else f"{name}: {error}"
        raise _file_error(type(error), text, error.code, error.status).with_traceback(error.__traceback__) from None


def _file_error(kind: type[OdhTecError], text: str, code: str, status: int) -> OdhTecError:
    both: type[OdhTecError] = _both(kind, status)  # type: ignore[arg-type]
    error = both(text, code=code, status=status)
    error.errno = _KINDS[status][1]  # type: ignore[attr-defined]
    return error


@cache
def _both(kind: type[OdhTecError], status: int) -> type[OdhTecError]:
    """Return a class that derives from both; created once for each pair."""

    def reduce(error: OdhTecError) -> tuple[object, ...]:
        return (_file_error, (kind, str(error), error.code, status))

    os_error = _KINDS[status][0]
    return type(kind.__name__, (kind, os_error), {"__module__": kind.__module__, "__reduce__": reduce})
