"""``/uploads``: resumable uploads in small requests, each of which may be sent again."""

from __future__ import annotations

from typing import Any

from tornado import web

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.streamed_body import StreamedBodyHandler
from odhtec_jupyter.models import UploadRequest
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_pieces import PartInPieces


class UploadsHandler(OdhTecHandler):
    """``/uploads``"""

    _track_activity = False

    @web.authenticated
    async def get(self) -> None:
        """Unfinished ones, newest first."""
        self.reply(self.services.uploads.show_all())

    @web.authenticated
    async def post(self) -> None:
        """Begin one, or find the one that is to go on."""
        upload, goes_on = await self.services.uploads.begin(self.body(UploadRequest))
        self.reply(upload, 200 if goes_on else 201)


class UploadSessionHandler(OdhTecHandler):
    """``/uploads/:id``"""

    _track_activity = False

    @web.authenticated
    async def get(self, upload_id: str) -> None:
        """One of them, with its parts."""
        self.reply(await self.services.uploads.show(upload_id))

    @web.authenticated
    async def delete(self, upload_id: str) -> None:
        """Drop it with its parts."""
        await self.services.uploads.drop(upload_id)
        self.set_status(204)
        self.finish()


class PartHandler(StreamedBodyHandler):
    """``/uploads/:id/:part``"""

    async def prepare(self, **options: Any) -> None:
        """Everything that can be refused is refused here, before the first byte of the body."""
        await super().prepare(**options)
        if self._finished or self.request.method != "PUT":
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
        """The part, or a piece of it, has come in whole: store the part when it was the last."""
        stored = await self._part.finish()
        if stored is not None:
            self.reply(stored)
            return
        self.set_status(204)
        self.finish()


class CompleteHandler(OdhTecHandler):
    """``/uploads/:id/complete``"""

    @web.authenticated
    async def post(self, upload_id: str) -> None:
        """Make the object visible."""
        overwrite = self.choice("onConflict", "fail", ("fail", "overwrite")) == "overwrite"
        self.reply(await self.services.uploads.complete(upload_id, overwrite=overwrite), 201)
