"""``/objects/upload``: streamed bodies, one object or a form with many files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tornado import web

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.objects import ObjectHandler
from odhtec_jupyter.handlers.streaming.form import FormFiles
from odhtec_jupyter.handlers.streaming.streamed_body import CHUNK_BYTES, StreamedBodyHandler
from odhtec_jupyter.handlers.tornado_internals import set_chunk_size
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import StoredObject, UploadReply
from odhtec_jupyter.transfers.targets.kept_tags import keep_tags
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.write_condition import WriteCondition
from odhtec_jupyter.transfers.uploads.streamed_upload import StreamedUpload
from odhtec_jupyter.transfers.uploads.upload_target import choose_target, conditional_target
from odhtec_jupyter.uris import S3Uri

POLICIES = ("fail", "skip", "overwrite", "rename")


class UploadHandler(StreamedBodyHandler):
    """``/objects/upload/:bucket/:key``"""

    audited = actions(POST="object.write", PUT="object.write")
    _stored: Sequence[StoredObject] = ()

    @property
    def knows_conditions(self) -> bool:
        """Whether it is the upload of one object."""
        return self.request.method == "PUT"

    async def prepare(self, **options: Any) -> None:
        """Refuse everything that can be refused here, before the first byte of the body."""
        await super().prepare(**options)
        if self.replied or self.request.method not in {"POST", "PUT"}:
            return
        self._policy = self.choice("onConflict", "overwrite", POLICIES)
        self.store.require_writable()
        bucket: str = self.path_kwargs["bucket"]
        self.store.require_bucket(bucket)
        key = self.key(self.path_kwargs["key"]) if self.path_kwargs.get("key") else ""
        if self.request.method == "PUT":
            if not key:
                raise web.HTTPError(405)
            self.store.policy.require_size(self.content_length)
            await self._expect_object(bucket, key)
        else:
            await self._expect_form(bucket, key)

    async def _expect_object(self, bucket: str, key: str) -> None:
        content_type = self.request.headers.get("Content-Type")
        condition = WriteCondition.of(self.request.headers)
        target: S3Target | None
        if condition is not None:
            if self.get_query_argument("onConflict", "overwrite") != "overwrite":
                raise BadRequest("onConflict cannot be combined with If-Match or If-None-Match.")
            target = await self.call(conditional_target, self.store, bucket, key, content_type, condition)
        else:
            target = await self.call(choose_target, self.store, bucket, key, content_type, self._policy)
        if target is None:
            self.reply(UploadReply(uploaded=[], skipped=[key], errors=[]))
            return
        self._target = target
        self._upload = StreamedUpload(self.services.engine, target, size=self.content_length, on_failure=self.lost)
        self.expect_straight(self._upload)

    async def _expect_form(self, bucket: str, prefix: str) -> None:
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        set_chunk_size(self.connection, CHUNK_BYTES)
        await self.call(self._require_bucket, bucket)
        services = self.services

        async def open_file(name: str, content_type: str | None, at_most: int | None) -> StreamedUpload | None:
            key = fitting(prefix + name)
            target = await self.call(choose_target, self.store, bucket, key, content_type, self._policy)
            if target is None:
                return None
            return StreamedUpload(services.engine, target, size=None, at_most=at_most, on_failure=self.lost)

        self._form = FormFiles(
            self.request.headers.get("Content-Type", ""),
            open_file,
            prefix=prefix,
            length=self.content_length,
        )
        # The client can disconnect after some of the files, which then are stored.
        reply = self._form.reply
        self._stored = reply.uploaded

        def named() -> list[str]:
            keys = [*(one.key for one in reply.uploaded), *reply.skipped, *(one.Key for one in reply.errors)]
            return keys or [prefix]

        self.concerns(lambda: (S3Uri(bucket, one, self.connection_name) for one in named()), lambda: len(named()))
        self.expect(self._form)

    def _require_bucket(self, bucket: str) -> None:
        try:
            self.store.list_objects(bucket, "", max_keys=1, token=None)
        except StoreError as error:
            if error.status != 403:  # there can be permission to write but not to list
                raise

    @web.authenticated
    async def put(self, bucket: str, key: str) -> None:
        """Complete the object after its body was received."""
        etag = await self._upload.finish()
        target = self._target
        self.concerns(lambda: [S3Uri(bucket, target.key, self.connection_name)])
        if target.headers:
            await self.call(keep_tags, target)
        self._stored = [StoredObject(bucket=bucket, key=target.key, size=self._upload.received, ETag=etag)]
        self.reply(self._stored[0], 201)

    @web.authenticated
    async def post(self, bucket: str, key: str = "") -> None:
        """Reply after a form was received; each of its files was stored at its end."""
        try:
            reply = self._form.finish()
        except OdhTecError:
            await self._form.abort()  # drops the last file of an incomplete form
            raise
        self.failure = reply.errors[0].Code if reply.errors else None
        self.reply(reply, 207 if reply.errors else 201)

    @property
    def audit_bytes(self) -> int:
        """The bytes of the objects that were stored."""
        return sum(one.size for one in self._stored)


class TopUploadHandler(UploadHandler, ObjectHandler):
    """``/objects/upload/:bucket``; for GET and DELETE the same address is a key in a bucket called ``upload``."""

    audited = actions(DELETE="object.delete", POST="object.write", PUT="object.write")

    @property
    def audit_place(self) -> tuple[str, str]:
        """The bucket, or the key in the bucket ``upload``."""
        bucket: str = self.path_kwargs["bucket"]
        return ("upload", bucket) if self.request.method == "DELETE" else (bucket, "")

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """List a folder of the bucket ``upload``."""
        await self.list_level("upload", bucket)

    @web.authenticated
    async def delete(self, bucket: str) -> None:
        """Delete from the bucket ``upload``."""
        await self.delete_key("upload", bucket)
