"""Every error this package raises on purpose.

::

    OdhTecError                    500  InternalError
    ├── BadRequest                 400  InvalidRequest      what the caller sent cannot be used
    ├── Forbidden                  403  AccessDenied        the caller may not, or a token is wrong
    │   └── GatedRepository        403  GatedRepo           Hugging Face wants a licence accepted first
    ├── NotFound                   404  NotFound            no such transfer, repository, revision, …
    ├── SlowSender                 408  RequestTimeout      an upload stood still while others waited
    ├── Conflict                   409  Conflict            it is there already, or in the wrong state
    ├── TooLarge                   413  EntityTooLarge
    ├── Unreadable                 422  UnreadableContent   a preview cannot make sense of an object
    ├── TooManyRequests            429  TooManyRequests     the hub's rate limit
    ├── StoreError                 S3's own status and code (NoSuchBucket 404, AccessDenied 403, …; 502 for a 500)
    ├── WorkspaceError             500  the file system fails: DiskFull 507, WorkspaceBusy 503, DiskError 500
    ├── Unreachable                502  StoreUnreachable    host and reason are in the message
    ├── VerificationError          502  ChecksumMismatch    what arrived is not what was sent
    ├── NoServer                   503  NoServer            a kernel finds no Jupyter server, or none that answers
    └── Cancelled                  409  Cancelled           a transfer that was waited for was cancelled

An error carries the code and the HTTP status of its reply; ``str(error)`` is the sentence for the user. The
sentence never holds a secret or a path of the server. Retrying is decided by :attr:`OdhTecError.transient`.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)
_STDLIB = str(Path(os.__file__).parent)


MAX_FOREIGN = 500  # characters


def clipped(text: str, limit: int = MAX_FOREIGN) -> str:
    """What another side says, cut where it would no longer be a sentence: it may be of any length."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class OdhTecError(Exception):
    """An error with a code and an HTTP status; its text is shown to the user."""

    status = 500
    code = "InternalError"
    transient = False

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.status = status or type(self).status

    def _render_traceback_(self) -> list[str]:
        """What IPython shows below a cell: the user's own lines, and the sentence; not our inner workings."""
        frames = [frame for frame in traceback.extract_tb(self.__traceback__) if frame.line]
        own = [f for f in frames if not f.filename.startswith((_PACKAGE, _STDLIB)) and "-packages" not in f.filename]
        lines = [f"line {frame.lineno}: {frame.line}" for frame in own[-2:]]
        return [*lines, f"{type(self).__name__} ({self.code}): {self}"]


class BadRequest(OdhTecError):
    """The caller sent something that cannot be used; the message names the field."""

    status = 400
    code = "InvalidRequest"


class Forbidden(OdhTecError):
    """The caller, or the credentials in use, may not do this."""

    status = 403
    code = "AccessDenied"


class GatedRepository(Forbidden):
    """A Hugging Face repository whose licence must be accepted first."""

    code = "GatedRepo"


class NotFound(OdhTecError):
    """Something outside S3 that was named does not exist."""

    status = 404
    code = "NotFound"


class SlowSender(OdhTecError):
    """An upload held memory without sending while others waited for it."""

    status = 408
    code = "RequestTimeout"


class Conflict(OdhTecError):
    """The target exists already, or the thing is not in a state that allows the action."""

    status = 409
    code = "Conflict"


class TooLarge(OdhTecError):
    """More bytes than S3 (or a limit named in the message) takes."""

    status = 413
    code = "EntityTooLarge"


class Unreadable(OdhTecError):
    """An object is not what its name says, or takes more reading than a preview may do."""

    status = 422
    code = "UnreadableContent"


class TooManyRequests(OdhTecError):
    """The other side asked us to slow down."""

    status = 429
    code = "TooManyRequests"
    transient = True
    retry_after: float | None = None  # seconds, where the other side said


# Refusals (4xx) of S3 that the same request may not meet again: busy, or bytes lost or bent on the way.
_TRY_AGAIN = {"SlowDown", "RequestTimeout", "Throttling", "IncompleteBody", "BadDigest"}


class StoreError(OdhTecError):
    """S3 answered with an error; code and status are its own."""

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """Server-side failures, throttling and torn bodies are worth another try, refusals and a full store are not."""
        if self.status in {501, 507} or self.code in {"QuotaExceeded", "XMinioStorageFull", "PermanentRedirect"}:
            return False
        return self.status >= 500 or self.status == 429 or self.code in _TRY_AGAIN


class WorkspaceError(OdhTecError):
    """The file system of the workspace fails, which is not the caller's fault."""

    code = "WorkspaceError"

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """A full disk stays full; too many open files are fewer soon."""
        return self.status == 503


class Unreachable(OdhTecError):
    """No answer from the store, the hub or the proxy between."""

    status = 502
    code = "StoreUnreachable"
    transient = True


class VerificationError(OdhTecError):
    """Bytes that arrived differ from the bytes that were announced."""

    status = 502
    code = "ChecksumMismatch"


class NoServer(OdhTecError):
    """There is no Jupyter server to ask, it is not clear which one is meant, or it does not answer."""

    status = 503
    code = "NoServer"


class Cancelled(OdhTecError):
    """What was waited for has been cancelled."""

    status = 409
    code = "Cancelled"
