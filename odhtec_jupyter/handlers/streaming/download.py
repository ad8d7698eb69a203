"""``/objects/download`` and ``/objects/view``: the content of an object, streamed."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from tornado import iostream, web

from odhtec_jupyter.errors import Cancelled, StoreError
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.streaming.client_socket import abort_connection, client_socket
from odhtec_jupyter.handlers.tornado_internals import count_content, counts_content, skip_transforms
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.http import http_date
from odhtec_jupyter.stores.s3.object import ObjectBody
from odhtec_jupyter.transfers.downloads.object_stream import ObjectStream, ReaderGone
from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth, Flow
from odhtec_jupyter.transfers.runtime.retry import CancelToken

PASSED_ON = ("Content-Range", "Last-Modified")
UNTYPED = {"", "binary/octet-stream", "application/octet-stream"}


class DownloadHandler(OdhTecHandler):
    """``/objects/download/:bucket/:key``"""

    audited = actions(GET="object.read")
    sends_content = True
    _stream: ObjectStream | None = None
    _length: int | None = None
    _passed = 0  # bytes that were sent through Tornado

    def initialize(self, services: Services) -> None:
        """Create the stop signal for the thread that reads."""
        super().initialize(services)
        self._stop = CancelToken()

    @web.authenticated
    async def get(self, bucket: str, key: str) -> None:
        """Send the content exactly as it is stored."""
        name = self.key(key)
        body = await self._open(bucket, name, head=False)
        if body is None:
            return
        content_type = self._describe(name, body)
        skip_transforms(self)
        services = self.services
        stream = ObjectStream(
            services.engine, self.store, bucket, name, body, self._stop, self._flow(bucket, name), self.version_id()
        )
        self._stream = stream
        connection: Any = self.request.connection
        try:
            await self.flush()  # sends the headers
            with client_socket(connection.stream, allowed=counts_content(connection)) as straight:
                async with aclosing(stream.views(straight)) as views:
                    async for view in views:
                        # Written to the connection, because RequestHandler.write would copy the view.
                        await connection.write(view)
                        self._passed += len(view)
                        self.services.note_activity()
        except (iostream.StreamClosedError, ReaderGone):
            self.failure = Cancelled("The client has disconnected.")
            return  # the reader has gone; that is its right
        except asyncio.CancelledError:
            abort_connection(self.request)  # if the server stops, the client must not wait for the rest
            return
        except Exception:
            # After a regular end of the chunks, the client would take the received bytes for the whole object.
            abort_connection(self.request)
            raise
        if stream.sent:
            count_content(connection, stream.sent)
        self.finish(set_content_type=content_type)

    def _flow(self, bucket: str, key: str) -> Flow:
        # One share for all ranges of an object that a client requests in parallel.
        return self.services.engine.bandwidth.flow(f"download/{bucket}/{key}")

    @web.authenticated
    async def head(self, bucket: str, key: str) -> None:
        """Send the headers of a GET."""
        name = self.key(key)
        body = await self._open(bucket, name, head=True)
        if body is not None:
            self.finish(set_content_type=self._describe(name, body))

    async def _open(self, bucket: str, key: str, *, head: bool) -> ObjectBody | None:
        """Open the object with the conditions of the request; None if the reply is already finished."""
        conditions, fallback = self._conditions()
        try:
            return await self._ask(bucket, key, head, conditions)
        except StoreError as error:
            if error.status == 412 and fallback is not None:
                # If-Range did not match: the client has an older object, so the whole new one is sent.
                return await self._ask(bucket, key, head, fallback)
            raise

    async def _ask(self, bucket: str, key: str, head: bool, conditions: dict[str, Any]) -> ObjectBody | None:
        try:
            return await self.call(self.store.open, bucket, key, head=head, **conditions)
        except StoreError as error:
            if error.status != 304:
                raise
            self.set_status(304)
            known = self.request.headers.get("If-None-Match", "")
            if known and "," not in known and known != "*":
                self.set_header("Etag", known)
            self.finish(set_content_type="text/plain")
            return None

    def _conditions(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return S3's parameters for the request's headers, and the ones to use if ``If-Range`` fails."""
        headers = self.request.headers
        version = self.version_id()
        plain: dict[str, Any] = {"VersionId": version} if version else {}
        if "If-None-Match" in headers:
            plain["IfNoneMatch"] = headers["If-None-Match"]
        if since := http_date(headers.get("If-Modified-Since", "")):
            plain["IfModifiedSince"] = since
        wanted = headers.get("Range", "")
        # For several ranges, other units and invalid ranges, the whole object is sent, as RFC 9110 allows.
        if not re.fullmatch(r"bytes=(\d+-\d*|-\d+)", wanted.strip()):
            return plain, None
        ranged = {**plain, "Range": wanted.strip()}
        known = headers.get("If-Range")
        if known is None:
            return ranged, None
        if '"' in known:
            return {**ranged, "IfMatch": known}, plain
        date = http_date(known)
        return ({**ranged, "IfUnmodifiedSince": date} if date else plain), plain

    def on_connection_close(self) -> None:
        """Stop reading because the client has disconnected."""
        super().on_connection_close()
        self._stop.set()

    def _describe(self, key: str, body: ObjectBody) -> str:
        """Set status and headers of the reply. Returns its content type."""
        self.set_status(body.status)
        for header in PASSED_ON:
            if value := body.headers.get(header.lower()):
                self.set_header(header, value)
        self._length = None if body.end is None else body.end - body.start
        if body.end is not None:  # otherwise the body is sent in chunks until S3's chunks end
            self.set_header("Content-Length", body.end - body.start)
        if etag := body.etag:
            self.set_header("Etag", etag)
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        content_type = self._content_type(key, body)
        self.set_header("Content-Type", content_type)
        self.set_header("Content-Disposition", disposition(self.DISPOSITION, key))
        return content_type

    DISPOSITION = "attachment"

    def _content_type(self, key: str, body: ObjectBody) -> str:
        return body.headers.get("content-type") or "application/octet-stream"

    @property
    def audit_bytes(self) -> int:
        """The bytes of the object that were sent."""
        return self._passed + (self._stream.sent if self._stream else 0)

    @property
    def is_complete(self) -> bool:
        """Whether the client has all bytes."""
        return self._stream is not None and self.audit_bytes == self._length

    def compute_etag(self) -> None:
        """Disable Tornado's ETag, because the ETag is that of S3."""


class ViewHandler(DownloadHandler):
    """``/objects/view/:bucket/:key``: inline, in a sandbox without access to this origin."""

    DISPOSITION = "inline"

    def _flow(self, bucket: str, key: str) -> Flow:
        return Bandwidth().flow()  # without the limit, as for other previews

    @property
    def content_security_policy(self) -> str:
        """Allow no scripts, forms and requests except for content in the object itself, and no frames of other sites.

        Our policy comes first: browsers use the first of two directives with the same name.
        """
        own = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"
        return f"{own}; {super().content_security_policy}"

    def _content_type(self, key: str, body: ObjectBody) -> str:
        stored = body.headers.get("content-type", "")
        kind = (mimetypes.guess_type(key)[0] or stored) if stored in UNTYPED else stored
        kind = kind or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") and "charset" not in kind else kind


def disposition(kind: str, key: str) -> str:
    """Return a Content-Disposition as in RFC 6266, with the last part of the key in ASCII and in full."""
    name = key.rstrip("/").rpartition("/")[2]
    if name in {"", ".", ".."}:
        name = "download"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
