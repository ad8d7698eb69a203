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
    ├── TooManyRequests            429  TooManyRequests     the hub's rate limit
    ├── StoreError                 S3's own status and code (NoSuchBucket 404, AccessDenied 403, …)
    ├── Unreachable                502  StoreUnreachable    host and reason are in the message
    └── VerificationError          502  ChecksumMismatch    what arrived is not what was sent

An error carries the code and the HTTP status of its reply; ``str(error)`` is the sentence for the user. The
sentence never holds a secret or a path of the server. Retrying is decided by :attr:`OdhTecError.transient`.
"""

from __future__ import annotations


class OdhTecError(Exception):
    """An error with a code and an HTTP status; its text is shown to the user."""

    status = 500
    code = "InternalError"
    transient = False

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.status = status or type(self).status


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


class TooManyRequests(OdhTecError):
    """The other side asked us to slow down."""

    status = 429
    code = "TooManyRequests"
    transient = True
    retry_after: float | None = None  # seconds, where the other side said


class StoreError(OdhTecError):
    """S3 answered with an error; code and status are its own."""

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """Server-side failures and throttling are worth another try, refusals are not."""
        return self.status >= 500 or self.status == 429 or self.code in {"SlowDown", "RequestTimeout", "Throttling"}


class Unreachable(OdhTecError):
    """No answer from the store, the hub or the proxy between."""

    status = 502
    code = "StoreUnreachable"
    transient = True


class VerificationError(OdhTecError):
    """Bytes that arrived differ from the bytes that were announced."""

    status = 502
    code = "ChecksumMismatch"
