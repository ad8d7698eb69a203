"""What the audit records of requests: handlers declare what they do with what, and this emits at the end of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar

from jupyter_server.base.handlers import APIHandler
from tornado import iostream, web

from odhtec_jupyter.audit.event import MAX_URIS, AuditAction, AuditEvent, Result
from odhtec_jupyter.audit.transfers import location_count, locations
from odhtec_jupyter.errors import Cancelled, OdhTecError
from odhtec_jupyter.handlers.tornado_internals import is_receiving
from odhtec_jupyter.keys import decode_key
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import CONNECTION_NAME, DEFAULT_CONNECTION, S3Uri, Uri, named

ABANDONED_SECONDS = 5.0  # that a verb has to end after its client has disconnected


def actions(**by_method: AuditAction) -> Mapping[str, AuditAction]:
    """Return the actions of a handler by HTTP method."""
    return MappingProxyType(by_method)


class AuditedHandler(APIHandler):
    """The base of handlers whose requests are events of the audit.

    A handler names the action of each of its methods in :attr:`audited`. Where the path does not tell what a request
    concerns, its verb calls :meth:`concerns`. Requests without a user are not recorded.
    """

    services: Services
    #: By HTTP method. Methods that are not named here read lists or metadata only, and are not recorded.
    audited: ClassVar[Mapping[str, AuditAction]] = actions()
    #: The settings that the handler is about.
    setting: ClassVar[str | None] = None

    def prepare_audit(self) -> None:
        """Create the fields; nothing is built before the end of a request."""
        self.failure: BaseException | str | None = None  # what ended the request, or the code of a part that failed
        self.transfer: Transfer | None = None  # the one that the request concerns
        self._concerns: Callable[[], Iterable[Uri]] | None = None
        self._concern_count: Callable[[], int] | None = None
        self._is_recorded = self._only_plans = self._is_explicit = False

    def concerns(self, uris: Callable[[], Iterable[Uri]], count: Callable[[], int] | None = None) -> None:
        """Keep a function that returns what the request concerns, which is called only if the audit is on.

        ``count`` returns the number of locations where there can be more than the audit records.
        """
        self._concerns, self._concern_count = uris, count

    def concerns_transfer(self, transfer_id: str) -> None:
        """Record the transfer with this ID, if there is one."""
        self.transfer = self.services.transfers.find(transfer_id)

    def only_plans(self) -> None:
        """Record nothing, because the request is a dry run."""
        self._only_plans = True

    @property
    def username(self) -> str:
        """The name of the user, empty without one."""
        user = getattr(self, "_current_user", None)  # reading current_user would authenticate again
        return str(getattr(user, "username", "") or "")

    @property
    def audit_place(self) -> tuple[str, str]:
        """The bucket and the encoded key in the path of the request."""
        found = self.path_kwargs
        return found.get("bucket") or "", found.get("key") or found.get("prefix") or ""

    @property
    def audit_bytes(self) -> int | None:
        """The bytes of content that were sent or stored; None if the request has none."""
        return None

    @property
    def is_complete(self) -> bool:
        """Whether all of the content was sent, although the client has closed the connection before the reply ended."""
        return False

    @property
    def audit_connection(self) -> str:
        """The name of the connection, empty for one that cannot be a name: it can be a key that was pasted there."""
        values = self.request.query_arguments.get("connection") or [DEFAULT_CONNECTION.encode()]
        name = values[-1].decode("utf-8", "replace").strip()
        return name if CONNECTION_NAME.fullmatch(name) else ""

    # --- the end of a request -------------------------------------------------------------------------------------

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Finish the reply, and note whether a verb did that: Tornado also finishes what a verb has left."""
        self._is_explicit = bool(args or kwargs) or self.get_status() in {204, 304}
        return super().finish(*args, **kwargs)

    def on_finish(self) -> None:
        """Record the request."""
        super().on_finish()
        self._record()

    def on_connection_close(self) -> None:
        """Record a request whose client has disconnected before its body was received, so that no verb will run."""
        receiving = is_receiving(self.request)
        super().on_connection_close()
        if receiving:
            self._record()
        elif self.request.method == "GET":
            # Tornado can forget the last write, so that the verb never continues. Nothing is sent any more.
            asyncio.get_running_loop().call_later(ABANDONED_SECONDS, self._record)

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Note the error that has ended the request: the headers of another status can be sent already."""
        if self.failure is None:  # otherwise an error of Tornado, because the reply is not complete
            self.failure = value
        super().log_exception(kind, value, trace)

    def _record(self) -> None:
        action = self.audited.get(self.request.method or "")
        if action is None or self._is_recorded or self._only_plans:
            return
        self._is_recorded = True
        self.services.audit.emit(lambda: self._event(action))

    def _event(self, action: AuditAction) -> AuditEvent | None:
        if not self.username:
            return None
        transfer, where = self.transfer, self._concerns
        if where is not None:
            uris = list(islice(where(), MAX_URIS))
            count = self._concern_count() if self._concern_count else len(uris)
        elif transfer is not None:
            uris, count = list(islice(locations(transfer), MAX_URIS)), location_count(transfer)
        else:
            uris = self._path_uris()
            count = len(uris)
        result, status, code = self._result()
        return AuditEvent(
            user=self.username,
            action=action,
            result=result,
            uris=uris,
            uri_count=count,
            connection=self.audit_connection or None,
            status=status,
            code=code,
            bytes=self.audit_bytes,
            setting=self.setting,
            transfer_id=transfer.id if transfer else self.path_kwargs.get("transfer_id", "")[:64] or None,
            transfer_action=transfer.action if transfer else None,
        )

    def _path_uris(self) -> list[Uri]:
        bucket, segment = self.audit_place
        if not bucket:
            return []
        try:
            key = decode_key(segment) if segment else ""
        except OdhTecError:
            key = ""  # such a request is refused
        return [S3Uri(bucket, key, named(self.audit_connection))]

    def _result(self) -> tuple[Result, int | None, str | None]:
        """Return the result with the status and the code of the error."""
        failure, status = self.failure, self.get_status()
        if self.is_complete:
            return "success", status, None
        if isinstance(failure, iostream.StreamClosedError | Cancelled):
            return "cancelled", None, None
        if isinstance(failure, str):
            return "failed", status, failure
        if failure is not None:
            code = "InternalError"
            status = 500
            if isinstance(failure, OdhTecError):
                status, code = failure.status, failure.code
            elif isinstance(failure, web.HTTPError):
                status, code = failure.status_code, self.code_of(failure.status_code)
            return ("denied" if status in {401, 403} else "failed"), status, code
        if not self._is_explicit and self.transfer is None:
            return "cancelled", None, None  # the verb has ended without a reply, because its client has gone
        return "success", status, None

    @staticmethod
    def code_of(status: int) -> str:
        """Return the code of an error of Tornado's, which has only a status."""
        raise NotImplementedError
