"""The base of all handlers: permissions, connections, reading bodies, and replies to exceptions."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, ClassVar, TypeVar

from jupyter_server.utils import ensure_async
from pydantic import BaseModel, ValidationError
from tornado import web

from odhtec_jupyter.errors import BadRequest, Cancelled, OdhTecError, TooLarge
from odhtec_jupyter.handlers.audited import AuditedHandler
from odhtec_jupyter.keys import decode_key
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.uris import DEFAULT_CONNECTION, named

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
AUTH_RESOURCE = "odhtec"
SETTINGS_RESOURCE = "odhtec-settings"  # connections decide where the objects of all users go
LINKS_RESOURCE = "odhtec-links"  # links work for people without an account
CONTENTS_RESOURCE = "contents"  # Jupyter's resource for users' files
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KIB = 1024
LARGE_BODY_BYTES = 2048 * KIB  # for a body that lists keys, names or patterns
# Each unknown field becomes an error object that is a hundred times as large as its text. The largest valid body
# is an import that removes a thousand objects of other revisions, with four fields each.
MAX_FIELDS = 5000
# A million tiny lists take seconds to parse, too. A valid body has a few lists with 10,000 strings each.
MAX_VALUES = 50_000
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_LIMITS = ((b":", MAX_FIELDS, "fields"), (b"[{", MAX_FIELDS, "lists and objects"), (b",", MAX_VALUES, "values"))


@web.stream_request_body
class OdhTecHandler(AuditedHandler):
    """The base of all handlers. A request without permission ends in :meth:`prepare`, before its body is read."""

    connection_name = ""  # of the request, as it is in URIs
    auth_resource: ClassVar[str] = AUTH_RESOURCE
    #: Whether a GET replies with stored content, which a page on another port of this host could load as a script.
    sends_content: ClassVar[bool] = False
    max_body: ClassVar[int] = 64 * KIB  # bytes
    replied = False  # whether the reply is finished

    @property
    def knows_conditions(self) -> bool:
        """Whether a write request supports ``If-Match`` and ``If-None-Match``."""
        return False

    @property
    def auth_resources(self) -> tuple[str, ...]:
        """The resources of Jupyter's authorizer that this request requires, all of them."""
        return (AUTH_RESOURCE,)

    async def require_permission(self, action: str, resource: str) -> None:
        """Raise a 403 that names the missing permission unless Jupyter's authorizer allows it."""
        if self.current_user is None:
            raise web.HTTPError(403)
        if not await self.has_permission(action, resource):
            raise web.HTTPError(403, f"You do not have permission to {action} “{resource}” on this Jupyter server.")

    async def has_permission(self, action: str, resource: str) -> bool:
        """Return whether Jupyter's authorizer allows it."""
        user = self.current_user
        return user is not None and bool(
            await ensure_async(self.authorizer.is_authorized(self, user, action, resource))
        )

    def initialize(self, services: Services) -> None:
        """Store the services that the routes were built with."""
        self.services = services
        self.gone = threading.Event()  # set when the client disconnects, for threads that work for it
        self._received = bytearray()
        self.prepare_audit()

    async def prepare(self, **options: Any) -> None:
        """Check authentication and permissions here, because the decorators of the verbs run after a streamed body."""
        await super().prepare(**options)
        if self.replied or self.request.method == "OPTIONS":
            return
        action = "read" if self.request.method in READ_METHODS else "write"
        for resource in self.auth_resources:
            await self.require_permission(action, resource)
        if action == "write" and not self.knows_conditions:
            for name in ("If-Match", "If-None-Match"):
                if name in self.request.headers:  # ignoring it would look like a condition that is met
                    raise BadRequest(f"{name} is only supported for the upload of one object.")
        if self.sends_content and self.request.method in {"GET", "HEAD"}:
            self.check_xsrf_cookie()  # as Jupyter's /files: requires a token, the XSRF value or our Referer
        await self._find_connection(self.get_query_argument("connection", DEFAULT_CONNECTION))
        self.limit_body()

    async def _find_connection(self, name: str) -> None:
        """Find the connection of the request. Raises :class:`NotFound`."""
        self.connection_name = named(name)
        registry = self.services.connections
        # The default connection is found when it is used: settings are shown although it cannot be used.
        self._connection = None if registry.is_immediate(name) else await self.call(registry.find, name)

    @property
    def store(self) -> S3Store:
        """The S3 store of the request's connection. Raises :class:`BadRequest` if the connection cannot be used."""
        return self.services.store(self._connection) if self._connection else self.services.s3

    def limit_body(self) -> None:
        """Refuse a body that is too large by its announced length, before it is read."""
        length = self.request.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and (len(length) > 16 or int(length) > self.max_body):
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request body can have up to {self.max_body // KIB} KiB. Split it into several requests.")

    async def data_received(self, chunk: bytes) -> None:
        """Store the body, which can come without its length."""
        if self.replied:
            return
        if len(self._received) + len(chunk) > self.max_body:
            self.refuse(self._too_large())
            return
        self._received += chunk

    def on_connection_close(self) -> None:
        """Tell the threads of this request that the client has disconnected."""
        super().on_connection_close()
        self.gone.set()

    def set_default_headers(self) -> None:
        """Prevent other origins from loading a reply as an image or a script: other ports can read the XSRF cookie."""
        super().set_default_headers()
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    # --- requests -------------------------------------------------------------------------------------------------

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a short blocking call in a thread, with priority over transfers."""
        return await self._in_thread(self.services.calls, partial(function, *args, **kwargs))

    async def call_hub(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a call to the hub in a thread, unless the client disconnects before it starts."""
        return await self._in_thread(self.services.hub_calls, self._unless_gone(partial(function, *args, **kwargs)))

    async def call_interactive(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a call whose result a user waits for, unless the client disconnects before it starts.

        Transfers give way for a moment, because the user probably continues to browse.
        """
        try:
            return await self.call(self._unless_gone(partial(function, *args, **kwargs)))
        finally:
            interactive_priority.note_browsing()

    def _unless_gone(self, function: Callable[[], T]) -> Callable[[], T]:
        def unless_gone() -> T:
            if self.gone.is_set():  # while the call waited for a thread
                raise Cancelled("The client has disconnected.")
            return function()

        return unless_gone

    async def _in_thread(self, threads: Executor, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        with interactive_priority.request():
            return await loop.run_in_executor(threads, function)

    def body(self, model: type[Model]) -> Model:
        """Return the JSON body as a wire model. Raises :class:`BadRequest` naming the field."""
        text = self._received
        _require_few(text)
        try:
            # Not in a thread: the parser holds the interpreter's lock, so the event loop would wait anyway.
            return model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadRequest(f"{field}: {first['msg']}." if field else f"{first['msg']}.") from None

    @property
    def has_body(self) -> bool:
        """Whether the body has anything but white space."""
        return bool(self._received.strip())

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return an integer of the query. Raises :class:`BadRequest` naming it."""
        text = self.get_query_argument(name, None)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
            raise BadRequest(f"{name} must be a number from {least} to {most}.")
        return int(text)

    def text(self, name: str) -> str | None:
        """Return a text of the query exactly as it was sent.

        ``get_query_argument`` would replace control characters by spaces. Raises :class:`BadRequest` naming the
        argument if it is not UTF-8.
        """
        values = self.request.query_arguments.get(name)
        try:
            return values[-1].decode() if values else None
        except UnicodeDecodeError:
            raise BadRequest(f"{name} must be UTF-8.") from None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of several words of the query. Raises :class:`BadRequest` naming it."""
        text: str = self.get_query_argument(name, default)
        if text not in choices:
            raise BadRequest(f"{name} must be one of {', '.join(choices)}.")
        return text

    def flag(self, name: str) -> bool:
        """Return ``true`` or ``false`` of the query; default: false. Raises :class:`BadRequest` naming it."""
        return self.choice(name, "false", ("true", "false")) == "true"

    def version_id(self) -> str | None:
        """Return the version in the query. An empty one is refused, because it must not mean the newest version."""
        version: str | None = self.get_query_argument("versionId", None, strip=False)
        if version is not None and not version.strip():
            raise BadRequest("versionId must not be empty.")
        return version

    @staticmethod
    def key(segment: str) -> str:
        """Return the object key in a path segment."""
        return decode_key(segment)

    # --- replies --------------------------------------------------------------------------------------------------

    def reply(self, model: BaseModel, status: int = 200) -> None:
        """Finish with a wire model as JSON."""
        self.set_status(status)
        self.finish(model.model_dump_json(by_alias=True))

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Finish the reply and set :attr:`replied`."""
        finished = super().finish(*args, **kwargs)
        self.replied = True
        return finished

    def refuse(self, error: OdhTecError) -> None:
        """Finish with an error where raising is not possible: while a streamed body is received."""
        if not self.replied:
            self.set_status(error.status)
            self.set_header("Connection", "close")
            self.failure = error
            self.finish(_error_body(error.code, str(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Reply to an exception with code and message, never with a traceback. All error replies are made here."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        code, message = self.code_of(status_code), _MESSAGES.get(status_code, "")
        if isinstance(error, OdhTecError):
            status_code, code, message = error.status, error.code, str(error)
        elif isinstance(error, web.HTTPError) and status_code < 500:
            message = error.log_message or message or str(error.reason or code)
        self.set_status(status_code)
        # Headers that the verb has set for its own reply do not apply to an error.
        for header in ("Content-Length", "Content-Range", "Content-Disposition", "Content-Encoding", "Etag"):
            self.clear_header(header)
        self.finish(_error_body(code, message or "Unexpected error. Details are in the server log."))

    @staticmethod
    def code_of(status: int) -> str:
        """Return the code of an error that has only a status."""
        return _CODES.get(status, "InternalError")

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Log our own errors at debug level only, because they are replies to the caller."""
        if isinstance(value, OdhTecError):
            self.failure = value
            self.log.debug("%s %s: %s %s", self.request.method, self.request.path, value.code, value)
        else:
            super().log_exception(kind, value, trace)


def _require_few(text: bytearray) -> None:
    """Raise :class:`BadRequest` for JSON that would take long to parse, however short it is."""
    bare: bytes | None = None
    for signs, most, what in _LIMITS:
        if sum(text.count(sign) for sign in signs) > most:
            bare = _STRINGS.sub(b"", text) if bare is None else bare  # strings can contain many
            if sum(bare.count(sign) for sign in signs) > most:
                raise BadRequest(f"The request body has more than {most} {what}.")


def _error_body(code: str, message: str) -> str:
    return json.dumps({"error": code, "message": message})


_CODES = {
    400: "InvalidRequest",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "EntityTooLarge",
}
_MESSAGES = {
    403: "You do not have permission to do this.",
    404: "This address does not exist.",
    405: "This address does not support this method.",
}
