"""``/transfers``: anyone may look, looking changes nothing."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.models import TransferFiles, TransferList

STATES = ("", "queued", "running", "completed", "skipped", "failed", "cancelled")


class TransfersHandler(OdhTecHandler):
    """``/transfers``"""

    _track_activity = False

    @web.authenticated
    async def get(self) -> None:
        """All, newest first."""
        self.reply(TransferList(transfers=[transfer.show() for transfer in self.services.transfers.list()]))


class TransferHandler(OdhTecHandler):
    """``/transfers/:id``"""

    _track_activity = False

    @web.authenticated
    async def get(self, transfer_id: str) -> None:
        """One of them."""
        self.reply(self.services.transfers.get(transfer_id).show())

    @web.authenticated
    async def delete(self, transfer_id: str) -> None:
        """Forget a finished one."""
        self.services.transfers.remove(transfer_id)
        self.set_status(204)
        self.finish()


class TransferFilesHandler(OdhTecHandler):
    """``/transfers/:id/files``"""

    _track_activity = False

    @web.authenticated
    async def get(self, transfer_id: str) -> None:
        """A window of its files."""
        state = self.choice("state", "", STATES)
        offset = self.number("offset", 0, least=0, most=2**53)
        limit = self.number("limit", 100, least=1, most=1000)
        files = self.services.transfers.get(transfer_id).files
        wanted = [file for file in files if file.state == state] if state else files
        window = [file.show() for file in wanted[offset : offset + limit]]
        self.reply(TransferFiles(files=window, total=len(wanted), offset=offset))


class CancelHandler(OdhTecHandler):
    """``/transfers/:id/cancel``"""

    @web.authenticated
    async def post(self, transfer_id: str) -> None:
        """Stop it and leave nothing half-written."""
        transfer = await self.services.transfers.cancel(transfer_id)
        self.reply(transfer.show())
