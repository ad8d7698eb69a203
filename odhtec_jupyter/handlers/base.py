"""What every handler does: who may, which connection, how a body is read, and how an error becomes a reply."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, ClassVar, TypeVar

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from pydantic import BaseModel, ValidationError
from tornado import web

from odhtec_jupyter.errors import BadRequest, Cancelled, OdhTecError, TooLarge
from odhtec_jupyter.keys import decode_key
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.interactive_priority import courtesy

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
AUTH_RESOURCE = "odhtec"
SETTINGS_RESOURCE = "odhtec-settings"  # connections: whoever writes them decides where everyone's objects go
LINKS_RESOURCE = "odhtec-links"  # links that work for people without any account here
CONTENTS_RESOURCE = "contents"  # Jupyter's own name for users' files
READING = frozenset({"GET", "HEAD", "OPTIONS"})
KIB = 1024
LARGE_BODY = 2048 * KIB  # bytes of a body that lists keys, names or patterns
# Each field that a model does not know becomes an error object, a hundred times as large as its text. No body has more
# than an import with a thousand objects of other revisions to remove, with four fields each.
MAX_FIELDS = 5000
# A million tiny lists take seconds, too. No body has more than a few lists with 10,000 strings each.
MAX_VALUES = 50_000
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_LIMITS = ((b":", MAX_FIELDS, "fields"), (b"[{", MAX_FIELDS, "lists and objects"), (b",", MAX_VALUES, "values"))


@web.stream_request_body
class OdhTecHandler(APIHandler):
    """Base of all handlers; a request without the right to it ends in :meth:`prepare`, before any of its body."""

    services: Services
    auth_resource: ClassVar[str] = AUTH_RESOURCE
    #: Whether a GET replies with what is stored, which a page of another port of this host could load as a script.
    sends_content: ClassVar[bool] = False
    max_body: ClassVar[int] = 64 * KIB  # bytes

    @property
    def knows_conditions(self) -> bool:
        """Whether a request that writes looks at ``If-Match`` and ``If-None-Match``."""
        return False

    @property
    def auth_resources(self) -> tuple[str, ...]:
        """The resources of Jupyter's authorizer that this request needs, all of them."""
        return (AUTH_RESOURCE,)

    async def require_permission(self, action: str, resource: str) -> None:
        """Ask Jupyter's authorizer. Raises a 403 that names what is not allowed."""
        if self.current_user is None:
            raise web.HTTPError(403)
        if not await self.has_permission(action, resource):
            raise web.HTTPError(403, f"You do not have permission to {action} “{resource}” on this Jupyter server.")

    async def has_permission(self, action: str, resource: str) -> bool:
        """Whether Jupyter's authorizer allows it."""
        user = self.current_user
        return user is not None and bool(
            await ensure_async(self.authorizer.is_authorized(self, user, action, resource))
        )

    def initialize(self, services: Services) -> None:
        """Take the services the routes were built with."""
        self.services = services
        self.gone = threading.Event()  # set when the client has gone, for threads that look something up for it
        self._received = bytearray()

    async def prepare(self, **options: Any) -> None:
        """Authenticate and authorise every verb here: the verbs' own decorators run after a streamed body."""
        await super().prepare(**options)
        if self._finished or self.request.method == "OPTIONS":
            return
        action = "read" if self.request.method in READING else "write"
        for resource in self.auth_resources:
            await self.require_permission(action, resource)
        if action == "write" and not self.knows_conditions:
            for name in ("If-Match", "If-None-Match"):
                if name in self.request.headers:  # passed over, it would be taken for one that holds
                    raise BadRequest(f"{name}: conditions are known for the upload of one object only.")
        if self.sends_content and self.request.method in {"GET", "HEAD"}:
            self.check_xsrf_cookie()  # as Jupyter's own /files does: a token, the XSRF cookie's value, or our Referer
        self.services.require_connection(self.get_query_argument("connection", "default"))
        self.limit_body()

    def limit_body(self) -> None:
        """Refuse a body by its announced length, before any of it is read."""
        length = self.request.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and (len(length) > 16 or int(length) > self.max_body):
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body of this request can have at most {self.max_body // KIB} KiB. Send it in several.")

    async def data_received(self, chunk: bytes) -> None:
        """Keep the body, which may come without its length."""
        if self._finished:
            return
        if len(self._received) + len(chunk) > self.max_body:
            self.refuse(self._too_large())
            return
        self._received += chunk

    def on_connection_close(self) -> None:
        """What is looked up for this client need not be found any more."""
        super().on_connection_close()
        self.gone.set()

    def set_default_headers(self) -> None:
        """No other origin may load a reply as an image or a script: pages of other ports can read the XSRF cookie."""
        super().set_default_headers()
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    # --- requests -------------------------------------------------------------------------------------------------

    async def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a short blocking call in a thread, before what the transfers do."""
        return await self._in_thread(self.services.calls, partial(function, *args, **kwargs))

    async def call_hub(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """The same for a call that asks the hub, unless the client leaves before its turn."""
        return await self._in_thread(self.services.hub_calls, self._unless_gone(partial(function, *args, **kwargs)))

    async def look(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """The same for what somebody wants to see, and who will want to see more."""
        try:
            return await self.call(self._unless_gone(partial(function, *args, **kwargs)))
        finally:
            courtesy.looked()

    def _unless_gone(self, function: Callable[[], T]) -> Callable[[], T]:
        def unless_gone() -> T:
            if self.gone.is_set():  # while it waited for a thread
                raise Cancelled("The client has gone.")
            return function()

        return unless_gone

    async def _in_thread(self, threads: Executor, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        with courtesy.asked():
            return await loop.run_in_executor(threads, function)

    def body(self, model: type[Model]) -> Model:
        """The JSON body as a wire model. Raises :class:`BadRequest` naming the field."""
        text = self._received
        _require_few(text)
        try:
            # Not in a thread: the parser keeps the interpreter's lock, so the loop would wait all the same.
            return model.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadRequest(f"{field}: {first['msg']}." if field else f"{first['msg']}.") from None

    @property
    def has_body(self) -> bool:
        """Whether anything but white space came with the request."""
        return bool(self._received.strip())

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number of the query. Raises :class:`BadRequest` naming it."""
        text = self.get_query_argument(name, None)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
            raise BadRequest(f"{name} must be a number from {least} to {most}.")
        return int(text)

    def text(self, name: str) -> str | None:
        """A text of the query exactly as it was sent; ``get_query_argument`` makes spaces of control characters.

        Raises :class:`BadRequest` naming it where it is not UTF-8.
        """
        values = self.request.query_arguments.get(name)
        try:
            return values[-1].decode() if values else None
        except UnicodeDecodeError:
            raise BadRequest(f"{name} is not UTF-8.") from None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One word of the query out of several. Raises :class:`BadRequest` naming it."""
        text: str = self.get_query_argument(name, default)
        if text not in choices:
            raise BadRequest(f"{name} must be one of {', '.join(choices)}.")
        return text

    def flag(self, name: str) -> bool:
        """``true`` or ``false`` of the query, false by default. Raises :class:`BadRequest` naming it."""
        return self.choice(name, "false", ("true", "false")) == "true"

    def version_id(self) -> str | None:
        """The version that the query names. An empty one is refused: it must not mean the object itself."""
        version: str | None = self.get_query_argument("versionId", None, strip=False)
        if version is not None and not version.strip():
            raise BadRequest("versionId is empty.")
        return version

    @staticmethod
    def key(segment: str) -> str:
        """The object key of a path segment."""
        return decode_key(segment)

    # --- replies --------------------------------------------------------------------------------------------------

    def reply(self, model: BaseModel, status: int = 200) -> None:
        """Finish with a wire model as JSON."""
        self.set_status(status)
        self.finish(model.model_dump_json(by_alias=True))

    def refuse(self, error: OdhTecError) -> None:
        """Finish with an error where raising is not possible: while a streamed body comes in."""
        if not self._finished:
            self.set_status(error.status)
            self.set_header("Connection", "close")
            self.finish(_error_body(error.code, str(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one place where an exception becomes a reply: code and sentence, never a traceback."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        code, message = _CODES.get(status_code, "InternalError"), _MESSAGES.get(status_code, "")
        if isinstance(error, OdhTecError):
            status_code, code, message = error.status, error.code, str(error)
        elif isinstance(error, web.HTTPError) and status_code < 500:
            message = error.log_message or message or str(error.reason or code)
        self.set_status(status_code)
        # Whatever the verb had set for its own reply does not fit an error.
        for header in ("Content-Length", "Content-Range", "Content-Disposition", "Content-Encoding", "Etag"):
            self.clear_header(header)
        self.finish(_error_body(code, message or "Something unexpected went wrong; the server's log has the details."))

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Errors made on purpose are the caller's news, not the log's."""
        if isinstance(value, OdhTecError):
            self.log.debug("%s %s: %s %s", self.request.method, self.request.path, value.code, value)
        else:
            super().log_exception(kind, value, trace)


def _require_few(text: bytearray) -> None:
    """Raise :class:`BadRequest` for JSON that would take long to parse, however short it is."""
    bare: bytes | None = None
    for signs, most, what in _LIMITS:
        if sum(text.count(sign) for sign in signs) > most:
            bare = _STRINGS.sub(b"", text) if bare is None else bare  # keys may hold many
            if sum(bare.count(sign) for sign in signs) > most:
                raise BadRequest(f"The body has more than {most} {what}.")


def _error_body(code: str, message: str) -> str:
    return json.dumps({"error": code, "message": message})


_CODES = {
    400: "InvalidRequest",
    403: "AccessDenied",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "EntityTooLarge",
}
_MESSAGES = {
    403: "You are not allowed to do this here.",
    404: "There is nothing at this address.",
    405: "This address does not know that method.",
}
