"""``/objects/download`` and ``/objects/view``: an object's bytes, streamed."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from tornado import iostream, web

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.client_socket import break_off, client_socket
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.http import http_date
from odhtec_jupyter.stores.s3_object import ObjectBody
from odhtec_jupyter.transfers.downloads.object_stream import ObjectStream, ReaderGone
from odhtec_jupyter.transfers.runtime.retry import StopSign

PASSED_ON = ("Content-Range", "Last-Modified")
UNTYPED = {"", "binary/octet-stream", "application/octet-stream"}


class DownloadHandler(OdhTecHandler):
    """``/objects/download/:bucket/:key``"""

    sends_content = True

    def initialize(self, services: Services) -> None:
        """A sign for the thread that reads, beside what every handler has."""
        super().initialize(services)
        self._stop = StopSign()

    @web.authenticated
    async def get(self, bucket: str, key: str) -> None:
        """The bytes exactly as they are stored."""
        name = self.key(key)
        body = await self._open(bucket, name, head=False)
        if body is None:
            return
        self._describe(name, body)
        self._transforms = []  # the bytes go past them: what Jupyter may be told to compress would only say so
        services = self.services
        stream = ObjectStream(services.engine, services.s3, bucket, name, body, self._stop, self.version_id())
        connection: Any = self.request.connection
        try:
            await self.flush()  # the headers
            counts = isinstance(getattr(connection, "_expected_content_remaining", None), int)
            with client_socket(connection.stream, allowed=counts) as straight:
                async with aclosing(stream.views(straight)) as views:
                    async for view in views:
                        # To the connection: RequestHandler.write would copy the view.
                        await connection.write(view)
                        self.services.note_activity()
        except (iostream.StreamClosedError, ReaderGone):
            return  # the reader has gone; that is its right
        except asyncio.CancelledError:
            break_off(self.request)  # if it is the server that stops, the reader must not wait for the rest
            return
        except Exception:
            # A proper end of the chunks would make the reader take what has come for the whole object.
            break_off(self.request)
            raise
        if stream.sent:
            # What tornado has not seen go by it would miss at the end, and close the connection.
            connection._expected_content_remaining -= stream.sent
        self.finish(set_content_type=self._headers["Content-Type"])

    @web.authenticated
    async def head(self, bucket: str, key: str) -> None:
        """The headers of a GET."""
        name = self.key(key)
        body = await self._open(bucket, name, head=True)
        if body is not None:
            self._describe(name, body)
            self.finish(set_content_type=self._headers["Content-Type"])

    async def _open(self, bucket: str, key: str, *, head: bool) -> ObjectBody | None:
        """Ask S3 with the request's own conditions; None when that has answered the request already."""
        conditions, fallback = self._conditions()
        try:
            return await self._ask(bucket, key, head, conditions)
        except StoreError as error:
            if error.status == 412 and fallback is not None:
                # If-Range did not match: the range is of an older object, so all of the new one is sent.
                return await self._ask(bucket, key, head, fallback)
            raise

    async def _ask(self, bucket: str, key: str, head: bool, conditions: dict[str, Any]) -> ObjectBody | None:
        try:
            return await self.call(self.services.s3.open, bucket, key, head=head, **conditions)
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
        """S3's parameters for the request's headers, and those to fall back to when ``If-Range`` fails."""
        headers = self.request.headers
        version = self.version_id()
        plain: dict[str, Any] = {"VersionId": version} if version else {}
        if "If-None-Match" in headers:
            plain["IfNoneMatch"] = headers["If-None-Match"]
        if since := http_date(headers.get("If-Modified-Since", "")):
            plain["IfModifiedSince"] = since
        wanted = headers.get("Range", "")
        # Several ranges, other units and nonsense are answered with the whole object, as RFC 9110 allows.
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
        """The reader has gone: nothing more is read."""
        super().on_connection_close()
        self._stop.set()

    def _describe(self, key: str, body: ObjectBody) -> None:
        self.set_status(body.status)
        for header in PASSED_ON:
            if value := body.headers.get(header.lower()):
                self.set_header(header, value)
        if body.end is not None:  # else the body is sent in chunks, to where S3's own chunks end
            self.set_header("Content-Length", body.end - body.start)
        if etag := body.etag:
            self.set_header("Etag", etag)
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Type", self._content_type(key, body))
        self.set_header("Content-Disposition", disposition(self.DISPOSITION, key))

    DISPOSITION = "attachment"

    def _content_type(self, key: str, body: ObjectBody) -> str:
        return body.headers.get("content-type") or "application/octet-stream"

    def compute_etag(self) -> None:
        """The ETag is S3's; tornado must not hash what it sends."""


class ViewHandler(DownloadHandler):
    """``/objects/view/:bucket/:key``: inline, but never with a right to this origin."""

    DISPOSITION = "inline"

    @property
    def content_security_policy(self) -> str:
        """No script, no form, no request but for what stands in the object itself; and no frame of another site.

        Ours comes first: of a directive that is named twice, browsers take the first.
        """
        own = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"
        return f"{own}; {super().content_security_policy}"

    def _content_type(self, key: str, body: ObjectBody) -> str:
        stored = body.headers.get("content-type", "")
        kind = (mimetypes.guess_type(key)[0] or stored) if stored in UNTYPED else stored
        kind = kind or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") and "charset" not in kind else kind


def disposition(kind: str, key: str) -> str:
    """A Content-Disposition after RFC 6266: the key's last part, in ASCII and in full."""
    name = key.rstrip("/").rpartition("/")[2]
    if name in {"", ".", ".."}:
        name = "download"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
