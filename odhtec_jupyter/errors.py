"""Every error that this package raises on purpose, and the one registry of their codes.

::

    OdhTecError                 500  InternalError UnexpectedReply S3RequestFailed
    │                           502  HubError NotS3 ReplyTooLarge
    ├── BadRequest              400  InvalidRequest InvalidKey KeyTooLongError NameTooLong
    │                           411  MissingContentLength
    ├── Forbidden               403  Forbidden NoCredentials NoToken InvalidToken HubForbidden OutsideWorkspace
    │   │                            HiddenFile ReadOnly
    │   └── GatedRepository     403  GatedRepo
    ├── PolicyDenied            403  PolicyDenied
    ├── NotFound                404  NotFound NoSuchConnection NoSuchTransfer NoSuchUpload NoSuchVersion RepoNotFound
    │                                RevisionNotFound EntryNotFound HubEndpointMissing NoExtension
    ├── SlowSender              408  RequestTimeout
    ├── Conflict                409  Conflict FileExists InUse MissingParts OtherConnection VersioningSuspended
    │                                NeedsToken NeedsConnection IsAFolder NotAFolder NotReadable NameNotUtf8
    │                                SpecialFile PartialFileGone BrokenLink LinkLoop LinkedFolder
    ├── TooLarge                413  EntityTooLarge ProxyBodyLimit
    ├── Unreadable              422  UnreadableContent
    ├── TooManyRequests         429  TooManyRequests
    ├── StoreError              400  BadRequest InvalidArgument InvalidBucketName InvalidTag MetadataTooLarge BadDigest
    │                                IncompleteBody ExpiredToken ExpiredTokenException TokenRefreshRequired
    │                           403  AccessDenied AllAccessDisabled AccountProblem InvalidObjectState
    │                                InvalidAccessKeyId RequestTimeTooSkewed SignatureDoesNotMatch
    │                           404  NoSuchBucket NoSuchKey
    │                           405  MethodNotAllowed
    │                           409  BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty OperationAborted
    │                           412  PreconditionFailed
    │                           416  InvalidRange
    │                           501  NotImplemented
    │                           502  PermanentRedirect InvalidListing InvalidReply NoContentLength NoETag WrongDigest
    │                           503  ServiceUnavailable SlowDown TemporaryRedirect Throttling
    │                           507  QuotaExceeded XMinioStorageFull
    ├── WorkspaceError          500  WorkspaceError DiskError
    │                           503  WorkspaceBusy
    │                           507  DiskFull
    ├── Unreachable             502  StoreUnreachable HubUnreachable BadGateway TornBody
    │   └── ProxyError          502  ProxyError
    ├── VerificationError       502  ChecksumMismatch SourceChanged
    ├── NoServer                503  NoServer SeveralServers
    └── Cancelled               409  Cancelled

An error carries the code and the HTTP status of its reply; ``str(error)`` is the sentence for the user. The sentence
never contains a secret or a path of the server. :attr:`OdhTecError.transient` decides whether a request is retried.

:data:`CODES` maps each code to its class and status. The server replies with code and status, and the client makes the
same error of them (:func:`error_for`). Codes that S3 sends and that are not listed above arrive as :class:`StoreError`
with the status that S3 sent.
"""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import NamedTuple

_PACKAGE = str(Path(__file__).parent)
_STDLIB = str(Path(os.__file__).parent)


MAX_FOREIGN = 500  # characters of a text that a store or a hub sent


def clipped(text: str, limit: int = MAX_FOREIGN) -> str:
    """Return a text of another service, cut after ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class OdhTecError(Exception):
    """An error with a code and an HTTP status; its text is shown to the user.

    The status is the one that :data:`CODES` has for the code, unless ``status`` says otherwise.
    """

    status = 500
    code = "InternalError"
    transient = False

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        registered = CODES.get(self.code)
        self.status = status or (registered.status if registered else type(self).status)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows below a cell: the user's own lines and the message, without frames of libraries."""
        frames = [frame for frame in traceback.extract_tb(self.__traceback__) if frame.line]
        own = [f for f in frames if not f.filename.startswith((_PACKAGE, _STDLIB)) and "-packages" not in f.filename]
        lines = [f"line {frame.lineno}: {frame.line}" for frame in own[-2:]]
        return [*lines, f"{type(self).__name__} ({self.code}): {self}"]


class BadRequest(OdhTecError):
    """The caller sent something that cannot be used; the message names the field."""

    status = 400
    code = "InvalidRequest"


class Forbidden(OdhTecError):
    """The user, or the credentials in use, do not have permission. S3's own refusal is a :class:`StoreError`."""

    status = 403
    code = "Forbidden"


class PolicyDenied(OdhTecError):
    """The administrator of this server does not allow it; the message names the trait."""

    status = 403
    code = "PolicyDenied"


class GatedRepository(Forbidden):
    """A Hugging Face repository whose terms must be accepted first."""

    code = "GatedRepo"


class NotFound(OdhTecError):
    """A named transfer, upload, connection, version, repository or file does not exist."""

    status = 404
    code = "NotFound"


class SlowSender(OdhTecError):
    """An upload held memory without sending while other uploads waited for it."""

    status = 408
    code = "RequestTimeout"


class Conflict(OdhTecError):
    """The target exists already, or is in a state that does not allow the action."""

    status = 409
    code = "Conflict"


class TooLarge(OdhTecError):
    """More bytes than S3, or a limit named in the message, allows."""

    status = 413
    code = "EntityTooLarge"


class Unreadable(OdhTecError):
    """A preview cannot read the object as its format, or would have to read too much of it."""

    status = 422
    code = "UnreadableContent"


class TooManyRequests(OdhTecError):
    """The hub's rate limit is reached."""

    status = 429
    code = "TooManyRequests"
    transient = True
    retry_after: float | None = None  # seconds, where the hub sent them


# Refusals (4xx) of S3 that can succeed when the request is repeated: a busy store, or bytes damaged on the way.
_TRY_AGAIN = {"SlowDown", "RequestTimeout", "Throttling", "IncompleteBody", "BadDigest"}


class StoreError(OdhTecError):
    """S3 refused a request, with S3's own code and status, or sent a reply that cannot be used."""

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """Whether a retry can help: after failures of the store, throttling and damaged bodies, not if it is full."""
        if self.status in {501, 507} or self.code in {"QuotaExceeded", "XMinioStorageFull", "PermanentRedirect"}:
            return False
        return self.status >= 500 or self.status == 429 or self.code in _TRY_AGAIN


class WorkspaceError(OdhTecError):
    """The file system of the workspace failed, which is not the caller's fault."""

    code = "WorkspaceError"

    @property
    def transient(self) -> bool:  # type: ignore[override]
        """Whether a retry can help: a full disk stays full, but open files get closed."""
        return self.status == 503


class Unreachable(OdhTecError):
    """The store, the hub or a proxy did not answer; the message names the host and the reason."""

    status = 502
    code = "StoreUnreachable"
    transient = True


class ProxyError(Unreachable):
    """The proxy is not configured correctly, or refuses the connection."""

    code = "ProxyError"
    transient = False


class VerificationError(OdhTecError):
    """The received bytes differ from the announced bytes."""

    status = 502
    code = "ChecksumMismatch"


class NoServer(OdhTecError):
    """A kernel or a command found no Jupyter server, or several, or got no answer from it."""

    status = 503
    code = "NoServer"


class Cancelled(OdhTecError):
    """A transfer or a request was cancelled while it was waited for."""

    status = 409
    code = "Cancelled"


class Registered(NamedTuple):
    """The class and the HTTP status of a code."""

    kind: type[OdhTecError]
    status: int


_REGISTRY: tuple[tuple[type[OdhTecError], int, tuple[str, ...]], ...] = (
    (OdhTecError, 500, ("InternalError", "UnexpectedReply", "S3RequestFailed")),
    (OdhTecError, 502, ("HubError", "NotS3", "ReplyTooLarge")),
    (BadRequest, 400, ("InvalidRequest", "InvalidKey", "KeyTooLongError", "NameTooLong")),
    (BadRequest, 411, ("MissingContentLength",)),
    (Forbidden, 403, ("Forbidden", "NoCredentials", "NoToken", "InvalidToken", "HubForbidden")),
    (Forbidden, 403, ("OutsideWorkspace", "HiddenFile", "ReadOnly")),
    (GatedRepository, 403, ("GatedRepo",)),
    (PolicyDenied, 403, ("PolicyDenied",)),
    (NotFound, 404, ("NotFound", "NoSuchConnection", "NoSuchTransfer", "NoSuchUpload", "NoSuchVersion")),
    (NotFound, 404, ("RepoNotFound", "RevisionNotFound", "EntryNotFound", "HubEndpointMissing", "NoExtension")),
    (SlowSender, 408, ("RequestTimeout",)),
    (Conflict, 409, ("Conflict", "FileExists", "InUse", "MissingParts", "OtherConnection", "VersioningSuspended")),
    (Conflict, 409, ("NeedsToken", "NeedsConnection")),
    (Conflict, 409, ("IsAFolder", "NotAFolder", "NotReadable", "NameNotUtf8", "SpecialFile", "PartialFileGone")),
    (Conflict, 409, ("BrokenLink", "LinkLoop", "LinkedFolder")),
    (Cancelled, 409, ("Cancelled",)),
    (TooLarge, 413, ("EntityTooLarge", "ProxyBodyLimit")),
    (Unreadable, 422, ("UnreadableContent",)),
    (TooManyRequests, 429, ("TooManyRequests",)),
    (WorkspaceError, 500, ("WorkspaceError", "DiskError")),
    (WorkspaceError, 503, ("WorkspaceBusy",)),
    (WorkspaceError, 507, ("DiskFull",)),
    (Unreachable, 502, ("StoreUnreachable", "HubUnreachable", "BadGateway", "TornBody")),
    (ProxyError, 502, ("ProxyError",)),
    (VerificationError, 502, ("ChecksumMismatch", "SourceChanged")),
    (NoServer, 503, ("NoServer", "SeveralServers")),
    # What S3 refuses, with the status that its API reference lists: a failure that ended a transfer has no status.
    (StoreError, 400, ("BadRequest", "InvalidArgument", "InvalidBucketName", "InvalidTag", "MetadataTooLarge")),
    (StoreError, 400, ("BadDigest", "IncompleteBody", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")),
    (StoreError, 403, ("AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidObjectState")),
    (StoreError, 403, ("InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch")),
    (StoreError, 404, ("NoSuchBucket", "NoSuchKey")),
    (StoreError, 405, ("MethodNotAllowed",)),
    (StoreError, 409, ("BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "OperationAborted")),
    (StoreError, 412, ("PreconditionFailed",)),
    (StoreError, 416, ("InvalidRange",)),
    (StoreError, 501, ("NotImplemented",)),
    (StoreError, 503, ("ServiceUnavailable", "SlowDown", "TemporaryRedirect", "Throttling")),
    (StoreError, 507, ("QuotaExceeded", "XMinioStorageFull")),
    # Replies of a store that cannot be used; PermanentRedirect is its 301 without a region.
    (
        StoreError,
        502,
        ("PermanentRedirect", "InvalidListing", "InvalidReply", "NoContentLength", "NoETag", "WrongDigest"),
    ),
)
CODES: dict[str, Registered] = {code: Registered(kind, status) for kind, status, codes in _REGISTRY for code in codes}
# S3 sends these too, with another status.
_ALSO_OF_S3 = {"EntityTooLarge", "InternalError", "InvalidToken", "RequestTimeout"}


def error_for(code: str, message: str, status: int | None = None) -> OdhTecError:
    """Return the error of a code, with the class that :data:`CODES` has for it; without one it is of S3.

    ``status`` is that of the reply, None for a failure that ended a transfer.
    """
    registered = CODES.get(code)
    if registered and not (code in _ALSO_OF_S3 and status not in {None, registered.status}):
        return registered.kind(message, code=code, status=status)
    if status is None and re.fullmatch(r"Status[45]\d\d", code):
        status = int(code.removeprefix("Status"))
    return StoreError(message, code=code, status=status)
