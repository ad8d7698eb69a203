"""``/objects/upload``: streamed bodies, one raw object or a form with many."""

from __future__ import annotations

from copy import copy
from typing import Any

from tornado import web

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError
from odhtec_jupyter.handlers.form import FormFiles
from odhtec_jupyter.handlers.objects import ObjectHandler
from odhtec_jupyter.handlers.streamed_body import CHUNK, StreamedBodyHandler
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import StoredObject, UploadReply
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.write_condition import WriteCondition
from odhtec_jupyter.transfers.uploads.streamed_upload import StreamedUpload
from odhtec_jupyter.transfers.uploads.upload_target import choose_target, conditional_target, keep_tags

POLICIES = ("fail", "skip", "overwrite", "rename")


class UploadHandler(StreamedBodyHandler):
    """``/objects/upload/:bucket/:key``"""

    @property
    def knows_conditions(self) -> bool:
        """A raw body does."""
        return self.request.method == "PUT"

    async def prepare(self, **options: Any) -> None:
        """Everything that can be refused is refused here, before the first byte of the body."""
        await super().prepare(**options)
        if self._finished or self.request.method not in {"POST", "PUT"}:
            return
        self._policy = self.choice("onConflict", "overwrite", POLICIES)
        bucket: str = self.path_kwargs["bucket"]
        key = self.key(self.path_kwargs["key"]) if self.path_kwargs.get("key") else ""
        if self.request.method == "PUT":
            if not key:
                raise web.HTTPError(405)
            await self._expect_object(bucket, key)
        else:
            await self._expect_form(bucket, key)

    async def _expect_object(self, bucket: str, key: str) -> None:
        told = self.request.headers.get("Content-Type")
        condition = WriteCondition.of(self.request.headers)
        target: S3Target | None
        if condition is not None:
            if self.get_query_argument("onConflict", "overwrite") != "overwrite":
                raise BadRequest("onConflict: If-Match and If-None-Match say already what happens when the key exists.")
            target = await self.call(conditional_target, self.services.s3, bucket, key, told, condition)
        else:
            target = await self.call(choose_target, self.services.s3, bucket, key, told, self._policy)
        if target is None:
            self.reply(UploadReply(uploaded=[], skipped=[key], errors=[]))
            return
        self._target = target
        self._upload = StreamedUpload(self.services.engine, target, size=self.content_length, on_failure=self.lost)
        self.expect_straight(self._upload)

    async def _expect_form(self, bucket: str, prefix: str) -> None:
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        if hasattr(self.connection, "params"):  # not public in tornado
            self.connection.params = copy(self.connection.params)  # all connections share one
            self.connection.params.chunk_size = self.connection.stream.read_chunk_size = CHUNK
        await self.call(self._require_bucket, bucket)
        services = self.services

        async def open_file(name: str, told: str | None, at_most: int | None) -> StreamedUpload | None:
            key = fitting(prefix + name)
            target = await self.call(choose_target, services.s3, bucket, key, told, self._policy)
            if target is None:
                return None
            return StreamedUpload(services.engine, target, size=None, at_most=at_most, on_failure=self.lost)

        self._form = FormFiles(
            self.request.headers.get("Content-Type", ""),
            open_file,
            prefix=prefix,
            length=self.content_length,
        )
        self.expect(self._form)

    def _require_bucket(self, bucket: str) -> None:
        try:
            self.services.s3.list_objects(bucket, "", max_keys=1, token=None)
        except StoreError as error:
            if error.status != 403:  # may write without being allowed to list
                raise

    @web.authenticated
    async def put(self, bucket: str, key: str) -> None:
        """One raw body has come in whole: make it the object."""
        etag = await self._upload.finish()
        target = self._target
        await self.call(keep_tags, target)
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
