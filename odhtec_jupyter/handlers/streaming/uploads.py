"""``/uploads``: resumable uploads in small requests, which can be repeated."""

from __future__ import annotations

from typing import Any

from tornado import web

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.streaming.streamed_body import StreamedBodyHandler
from odhtec_jupyter.handlers.tornado_internals import UntrackedHandler
from odhtec_jupyter.models import UploadRequest
from odhtec_jupyter.transfers.journal.upload_record import UploadRecord
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_pieces import PartInPieces
from odhtec_jupyter.uris import DEFAULT_CONNECTION, S3Uri


class UploadsHandler(UntrackedHandler, OdhTecHandler):
    """``/uploads``"""

    audited = actions(POST="upload.start")

    @web.authenticated
    async def get(self) -> None:
        """List unfinished uploads, newest first."""
        self.reply(self.services.uploads.show_all(self.connection_name))

    @web.authenticated
    async def post(self) -> None:
        """Start an upload, or find the one to resume."""
        request = self.body(UploadRequest)
        self.concerns(lambda: [S3Uri(request.bucket, request.key, self.connection_name)])
        upload, resumed = await self.services.uploads.begin(request, self.connection_name)
        self.concerns(lambda: [S3Uri(upload.bucket, upload.key, self.connection_name)])
        self.reply(upload, 200 if resumed else 201)


class KnownUploadHandler(OdhTecHandler):
    """The base of handlers of one upload, whose ID does not tell its object."""

    async def prepare(self, **options: Any) -> None:
        """Find the object before the upload ends."""
        if record := self.services.uploads.find(self.path_kwargs["upload_id"]):
            self.record = record
            self.concerns(lambda: [S3Uri(record.bucket, record.key, record.connection)])
        await super().prepare(**options)

    record: UploadRecord | None = None

    @property
    def audit_connection(self) -> str:
        """The connection of the upload."""
        return (self.record.connection or DEFAULT_CONNECTION) if self.record else super().audit_connection


class UploadSessionHandler(UntrackedHandler, KnownUploadHandler):
    """``/uploads/:id``"""

    audited = actions(DELETE="upload.abort")

    @web.authenticated
    async def get(self, upload_id: str) -> None:
        """Return one upload with its parts."""
        self.reply(await self.services.uploads.show(upload_id))

    @web.authenticated
    async def delete(self, upload_id: str) -> None:
        """Discard an upload and its parts."""
        await self.services.uploads.drop(upload_id)
        self.set_status(204)
        self.finish()


class PartHandler(KnownUploadHandler, StreamedBodyHandler):
    """``/uploads/:id/:part``"""

    audited = actions(PUT="upload.part")
    _accepted = 0  # bytes

    async def prepare(self, **options: Any) -> None:
        """Refuse everything that can be refused here, before the first byte of the body."""
        await super().prepare(**options)
        if self.replied or self.request.method != "PUT":
            return
        number: str = self.path_kwargs["part"]
        if not (number.isascii() and number.isdigit() and len(number) <= 5):
            raise BadRequest("part must be a number from 1 to 10000.")
        uploads, upload_id = self.services.uploads, self.path_kwargs["upload_id"]
        self._part: IncomingPart | PartInPieces
        if self.get_query_argument("offset", None) is None:
            self._part = await uploads.receive(upload_id, int(number), self.content_length, self.lost)
        else:
            offset = self.number("offset", 0, least=0, most=MAX_OBJECT)
            self._part = await uploads.receive_piece(upload_id, int(number), offset, self.content_length, self.lost)
        self.expect_straight(self._part)

    @web.authenticated
    async def put(self, upload_id: str, part: str) -> None:
        """Store the part after its last piece was received."""
        stored = await self._part.finish()
        self._accepted = self.content_length or 0
        if stored is not None:
            self.reply(stored)
            return
        self.set_status(204)
        self.finish()

    @property
    def audit_bytes(self) -> int:
        """The bytes of the part, or of the piece of it, that were received."""
        return self._accepted


class CompleteHandler(KnownUploadHandler):
    """``/uploads/:id/complete``"""

    audited = actions(POST="upload.complete")
    _size: int | None = None

    @web.authenticated
    async def post(self, upload_id: str) -> None:
        """Complete the upload, which makes the object visible."""
        overwrite = self.choice("onConflict", "fail", ("fail", "overwrite")) == "overwrite"
        stored = await self.services.uploads.complete(upload_id, overwrite=overwrite)
        self._size = stored.size
        self.reply(stored, 201)

    @property
    def audit_bytes(self) -> int | None:
        """The size of the stored object."""
        return self._size
