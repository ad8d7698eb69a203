"""``/objects/import-hf`` and ``/hub/repo``."""

from __future__ import annotations

import asyncio

from tornado import iostream, web

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.events import EventStream
from odhtec_jupyter.handlers.objects import ObjectsHandler
from odhtec_jupyter.models import HubRepo, ImportRequest
from odhtec_jupyter.transfers.events import INTERVAL
from odhtec_jupyter.transfers.imports import ImportPlan, plan_import, start_import
from odhtec_jupyter.transfers.state import FINAL, Transfer

REPO_TYPES = ("model", "dataset", "space")


class HubRepoHandler(OdhTecHandler):
    """``/hub/repo``"""

    @web.authenticated
    async def get(self) -> None:
        """What an import would bring."""
        name = self.get_query_argument("repo", "")
        if not name.strip():
            raise BadRequest("repo is missing.")
        repo: HubRepo = await self.call(
            self.services.hub.repo,
            name,
            repo_type=self.choice("repoType", "model", REPO_TYPES),
            revision=self.get_query_argument("revision", "") or "main",
            # In a header: a URL is logged on its way.
            token=self.request.headers.get("X-HF-Token"),
        )
        self.reply(repo)


class ImportHandler(ObjectsHandler):
    """``/objects/import-hf``; for GET the same address is a bucket called ``import-hf``."""

    @web.authenticated
    async def get(self) -> None:
        """List the bucket ``import-hf``."""
        await self.list_level("import-hf", "")

    @web.authenticated
    async def post(self) -> None:
        """Start an import; as an event stream when the caller asks for one."""
        request = self.body(ImportRequest)
        if "text/event-stream" in self.request.headers.get("Accept", ""):
            await self._stream(request)
            return
        plan = await self._plan(request)
        transfer = await start_import(self.services.transfers, self.services.hub, plan)
        self.reply(transfer.show(), 201)

    async def _plan(self, request: ImportRequest) -> ImportPlan:
        return await self.call(plan_import, self.services.hub, self.services.s3, request)

    async def _stream(self, request: ImportRequest) -> None:
        """The events of the seed documents. Closing the stream does not stop the transfer: the server owns it."""
        stream = EventStream(self)
        try:
            await stream.send({"status": "fetching-metadata"})
            try:
                plan = await self._plan(request)
            except OdhTecError as error:
                await stream.send({"status": "failed", "error": error.code, "message": str(error)})
            else:
                transfer = await start_import(self.services.transfers, self.services.hub, plan)
                await self._follow(stream, transfer)
            stream.close()
        except iostream.StreamClosedError:
            pass

    async def _follow(self, stream: EventStream, transfer: Transfer) -> None:
        told: dict[str, float] = {}
        while True:
            final = transfer.state in FINAL
            for file in transfer.files:
                if file.state == "queued":
                    continue
                progress = round(100 * file.bytes_done / file.size, 1) if file.size else 100.0
                if told.get(file.path) != progress and (file.state != "failed"):
                    told[file.path] = progress
                    await stream.send({"status": "uploading", "file": file.path, "progress": progress})
            if final:
                break
            await asyncio.sleep(INTERVAL)
        if transfer.state == "completed":
            await stream.send({"status": "completed", "id": transfer.id})
        else:
            code = transfer.error.code if transfer.error else "Cancelled"
            message = transfer.error.message if transfer.error else "The import was cancelled."
            await stream.send({"status": "failed", "id": transfer.id, "error": code, "message": message})
