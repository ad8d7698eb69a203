"""``/objects/upload``: streamed bodies, one raw object or a form with many."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, Protocol, cast

from tornado import iostream, web

from odhtec_jupyter.errors import Conflict, OdhTecError, StoreError
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.form import FormFiles
from odhtec_jupyter.handlers.objects import ObjectHandler
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import StoredObject, UploadReply
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.transfers.multipart import StreamedUpload
from odhtec_jupyter.transfers.names import free_key
from odhtec_jupyter.transfers.parts import MAX_OBJECT
from odhtec_jupyter.transfers.target import Target

FORM_CHUNK = 128 * 1024
STRAIGHT_CHUNK = 1024 * 1024
POLICIES = ("fail", "skip", "overwrite", "rename")
# Content types that clients send when they know nothing about the file.
MEANINGLESS = {"", "application/octet-stream", "application/x-www-form-urlencoded"}


class Sink(Protocol):
    """Where a request's body goes."""

    async def write(self, data: bytes) -> None:
        """Take bytes; returning late is the back-pressure."""
        ...

    def abort(self) -> Coroutine[Any, Any, None]:
        """Leave nothing behind; may be called twice."""
        ...


def content_type(key: str, told: str | None) -> str:
    """What the sender told, unless that says nothing; then what the name suggests."""
    if told and told.split(";")[0].strip().lower() not in MEANINGLESS:
        return told
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def choose_target(store: S3Store, bucket: str, key: str, told: str | None, on_conflict: str) -> Target | None:
    """Where the object goes; None when it is there and is to be skipped. Blocks.

    Raises :class:`Conflict` when it is there and ``on_conflict`` is ``fail``, 404 when the bucket is not.
    """
    target = Target(store, bucket, key, content_type=content_type(key, told), if_absent=on_conflict != "overwrite")
    try:
        present = store.head(bucket, key)
    except StoreError as error:
        if error.status != 403 or on_conflict != "overwrite":
            raise
        return target  # may write without being allowed to look
    if present is None or on_conflict == "overwrite":
        return target
    if on_conflict == "fail":
        raise Conflict(f"{key} exists in {bucket}: choose whether to overwrite, skip or rename.")
    return free_key(target) if on_conflict == "rename" else None


@web.stream_request_body
class UploadHandler(OdhTecHandler):
    """``/objects/upload/:bucket/:key``"""

    _sink: Sink | None = None

    async def prepare(self, **options: Any) -> None:
        """Everything that can be refused is refused here, before the first byte of the body."""
        await super().prepare(**options)
        if self._finished or self.request.method not in {"POST", "PUT"}:
            return
        self._connection = cast(Any, self.request.connection)  # tornado's HTTP1Connection
        self._connection.set_max_body_size(2 * MAX_OBJECT)  # a form is more than its files
        self._policy = self.choice("onConflict", "overwrite", POLICIES)
        bucket: str = self.path_kwargs["bucket"]
        key = self.key(self.path_kwargs["key"]) if self.path_kwargs.get("key") else ""
        if self.request.method == "PUT":
            if not key:
                raise web.HTTPError(405)
            await self._expect_object(bucket, key)
        else:
            await self._expect_form(bucket, key)
        if self._sink is not None:
            self.services.unfinished.add(self._sink.abort)

    async def _expect_object(self, bucket: str, key: str) -> None:
        told = self.request.headers.get("Content-Type")
        target = await self.call(choose_target, self.services.s3, bucket, key, told, self._policy)
        if target is None:
            self.reply(UploadReply(uploaded=[], skipped=[key], errors=[]))
            return
        length = self.request.headers.get("Content-Length")
        self._target = target
        self._sink = self._upload = StreamedUpload(
            self.services.engine, target, size=int(length) if length else None, on_failure=self._lost
        )
        # Neither this nor the form's chunk size is public in tornado; without them all works, at twice the cost.
        if length and hasattr(self._connection, "_read_fixed_body"):
            self._connection._read_fixed_body = self._receive_straight

    async def _expect_form(self, bucket: str, prefix: str) -> None:
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        if hasattr(self._connection, "params"):
            self._connection.params = copy(self._connection.params)  # all connections share one
            self._connection.params.chunk_size = self._connection.stream.read_chunk_size = FORM_CHUNK
        await self.call(self._require_bucket, bucket)
        services = self.services
        length = self.request.headers.get("Content-Length")

        async def open_file(name: str, told: str | None, at_most: int | None) -> StreamedUpload | None:
            key = fitting(prefix + name)
            target = await self.call(choose_target, services.s3, bucket, key, told, self._policy)
            if target is None:
                return None
            return StreamedUpload(services.engine, target, size=None, at_most=at_most, on_failure=self._lost)

        self._sink = self._form = FormFiles(
            self.request.headers.get("Content-Type", ""),
            open_file,
            prefix=prefix,
            length=int(length) if length else None,
        )

    def _require_bucket(self, bucket: str) -> None:
        try:
            self.services.s3.list_objects(bucket, "", max_keys=1, token=None)
        except StoreError as error:
            if error.status != 403:  # may write without being allowed to list
                raise

    async def data_received(self, chunk: bytes) -> None:
        """Hand the bytes on."""
        if not self._finished and self._sink is not None:
            async with self._refusing(self._sink):
                await self._sink.write(chunk)
                self.services.note_activity()

    async def _receive_straight(self, length: int, delegate: Any) -> None:
        """In the place of tornado's own loop: the socket's bytes go into the part's memory without a copy between."""
        stream = self._connection.stream

        async def read(room: memoryview) -> int:
            count: int = await stream.read_into(room, partial=True)
            return count

        async with self._refusing(self._upload):
            while length and not self._finished:
                length -= await self._upload.receive(read, min(length, STRAIGHT_CHUNK))
                self.services.note_activity()
                await asyncio.sleep(0)  # a quick sender must not keep the loop to itself
        while length:  # refused: what still comes is dropped until the connection is closed
            length -= len(await stream.read_bytes(min(length, FORM_CHUNK), partial=True))

    @asynccontextmanager
    async def _refusing(self, sink: Sink) -> AsyncIterator[None]:
        """Reply to an error while the body comes in: let go, it would reset the connection without a reply."""
        try:
            yield
        except iostream.StreamClosedError:
            raise  # the sender has gone: tornado tells on_connection_close
        except OdhTecError as error:
            await sink.abort()
            self.refuse(error)
        except asyncio.CancelledError:
            await sink.abort()
            if not self._finished:
                raise
        except Exception:
            self.log.exception("An upload failed.")
            await sink.abort()
            self.refuse(OdhTecError("Something unexpected went wrong; the server's log has the details."))

    @web.authenticated
    async def put(self, bucket: str, key: str) -> None:
        """One raw body has come in whole: make it the object."""
        etag = await self._upload.finish()
        target = self._target
        self.reply(StoredObject(bucket=bucket, key=target.key, size=self._upload.received, ETag=etag), 201)

    @web.authenticated
    async def post(self, bucket: str, key: str = "") -> None:
        """A form has come in whole; each of its files was stored when it ended."""
        try:
            reply = self._form.finish()
        except OdhTecError:
            await self._form.abort()  # the file that was coming in when the form broke off
            raise
        self.reply(reply, 207 if reply.errors else 201)

    def on_connection_close(self) -> None:
        """The sender has gone in the middle; nothing of what it sent stays."""
        super().on_connection_close()
        self._drop()

    def on_finish(self) -> None:
        """The reply is sent: the server has nothing to drop any more when it stops."""
        super().on_finish()
        if self._sink is not None:
            self.services.unfinished.discard(self._sink.abort)

    def _lost(self, error: OdhTecError) -> None:
        """The upload failed between two chunks: tell the sender while it sends, or while it stands still."""
        self.refuse(error)
        self._drop()

    def _drop(self) -> None:
        if self._sink is not None:
            self.services.unfinished.discard(self._sink.abort)
            # Held by the services: nobody awaits a request whose connection is closed.
            self.services.keep(self._sink.abort())


class TopUploadHandler(UploadHandler, ObjectHandler):
    """``/objects/upload/:bucket``; for GET and DELETE the same address is a key in a bucket called ``upload``."""

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """List a folder of the bucket ``upload``."""
        await self.list_level("upload", bucket)

    @web.authenticated
    async def delete(self, bucket: str) -> None:
        """Delete from the bucket ``upload``."""
        await self.delete_key("upload", bucket)
