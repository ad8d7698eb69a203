"""``/objects/import-hf``, ``/hub/repo`` and ``/hub/refs``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from tornado import iostream, web

from odhtec_jupyter.errors import BadRequest, Forbidden, NotFound, OdhTecError
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import LARGE_BODY_BYTES, OdhTecHandler
from odhtec_jupyter.handlers.events import EventStream
from odhtec_jupyter.handlers.objects import ObjectsHandler
from odhtec_jupyter.models import ImportRequest
from odhtec_jupyter.settings import check_secret
from odhtec_jupyter.transfers.events import EVENT_INTERVAL_SECONDS
from odhtec_jupyter.transfers.jobs.jobs import apply_plan
from odhtec_jupyter.transfers.planning.hub_import import ImportPlan, dry_run_import, plan_import
from odhtec_jupyter.transfers.runtime.retry import Retries
from odhtec_jupyter.transfers.transfer import FINAL, Transfer
from odhtec_jupyter.uris import S3Uri

T = TypeVar("T")
MAX_ATTEMPTS = 3
MAX_DELAY_SECONDS = 10.0  # between two attempts
REPO_TYPES = ("model", "dataset", "space")


async def ask_hub(handler: OdhTecHandler, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a blocking call to the hub, with few retries because a user is waiting."""
    retries = Retries(MAX_ATTEMPTS, MAX_DELAY_SECONDS)
    while True:
        try:
            return await handler.call_hub(function, *args, **kwargs)
        except OdhTecError as error:
            if handler.gone.is_set():
                raise
            await retries.sleep(error)


class HubRepoHandler(OdhTecHandler):
    """``/hub/repo``"""

    @web.authenticated
    async def get(self) -> None:
        """Show what an import would copy."""
        revision = self.get_query_argument("revision", "") or "main"
        more = {"revision": revision, "is_stopped": self.gone.is_set, **self.how()}
        self.reply(await ask_hub(self, self.services.hub.repo, self.repo(), **more))

    def repo(self) -> str:
        """Return the requested repository."""
        name: str = self.get_query_argument("repo", "")
        if not name.strip():
            raise BadRequest("repo is required.")
        return name

    def how(self) -> dict[str, Any]:
        """Return its type and the token to use."""
        return {
            "repo_type": self.choice("repoType", "model", REPO_TYPES),
            # In a header, because URLs are logged.
            "token": self.request.headers.get("X-HF-Token"),
        }


class HubRefsHandler(HubRepoHandler):
    """``/hub/refs``"""

    @web.authenticated
    async def get(self) -> None:
        """List its branches and tags."""
        self.reply(await ask_hub(self, self.services.hub.refs, self.repo(), **self.how()))


class ImportHandler(ObjectsHandler):
    """``/objects/import-hf``; for GET the same address is a bucket called ``import-hf``."""

    audited = actions(POST="hub.import")

    max_body = LARGE_BODY_BYTES

    @web.authenticated
    async def get(self) -> None:
        """List the bucket ``import-hf``."""
        await self.list_level("import-hf", "")

    @web.authenticated
    async def post(self) -> None:
        """Start an import, with an event stream as reply if requested; or show what it would do."""
        request = self.body(ImportRequest)
        self.concerns(lambda: [S3Uri(request.bucket, request.prefix or "", self.connection_name)])
        await self._require_allowed(request)
        if request.dry_run:
            self.only_plans()
            self.reply(await self._ask(dry_run_import, request))
            return
        if "text/event-stream" in self.request.headers.get("Accept", ""):
            await self._stream(request)
            return
        self.reply((await self._start(await self._ask(plan_import, request), request.token)).show(), 201)

    async def _require_allowed(self, request: ImportRequest) -> None:
        """Raise :class:`PolicyDenied` before an event stream starts, whose status is 200. The plan finds the rest."""
        with suppress(BadRequest, NotFound, Forbidden):
            self.store.require_bucket(request.bucket)
            self.store.require_writable()
        with suppress(BadRequest):
            await self.call_hub(self.services.hub.address, request.repo, request.repo_type, request.revision)

    async def _ask(self, look: Callable[..., T], request: ImportRequest) -> T:
        services = self.services
        check_secret(request.token, "token")
        target = S3Uri(request.bucket, request.prefix or "", self.connection_name)
        stores, options = services.stores(request.token), services.options(request, target)
        self.store.require_writable()
        return await ask_hub(self, look, stores, request, options, self.gone.is_set, connection=self.connection_name)

    async def _start(self, plan: ImportPlan, token: str | None) -> Transfer:
        services = self.services
        transfer = services.transfers.new("import", plan.source, plan.target, plan.options, user=self.username)
        self.transfer = transfer
        self.concerns(lambda: (plan.target, plan.source))
        await apply_plan(transfer, list(plan.files))
        await services.transfers.start(transfer)
        services.give_token(transfer, token)  # after starting: tokens of unknown transfers are deleted
        return transfer

    async def _stream(self, request: ImportRequest) -> None:
        """Send the events of the import. Closing the stream does not stop the transfer, which belongs to the server."""
        stream = EventStream(self)
        try:
            await stream.send({"status": "fetching-metadata"})
            try:
                plan = await self._ask(plan_import, request)
            except OdhTecError as error:
                self.failure = error
                await stream.send({"status": "failed", "error": error.code, "message": str(error)})
            else:
                transfer = await self._start(plan, request.token)
                await self._follow(stream, transfer)
            stream.close()
        except iostream.StreamClosedError:
            pass

    async def _follow(self, stream: EventStream, transfer: Transfer) -> None:
        reported: dict[str, float] = {}
        while True:
            final = transfer.state in FINAL
            for file in transfer.files:
                if file.state == "queued" or file.what == "remove":
                    continue
                progress = round(100 * file.bytes_done / file.size, 1) if file.size else 100.0
                if reported.get(file.path) != progress and (file.state != "failed"):
                    reported[file.path] = progress
                    await stream.send({"status": "uploading", "file": file.path, "progress": progress})
            if final:
                break
            await asyncio.sleep(EVENT_INTERVAL_SECONDS)
        if transfer.state == "completed":
            await stream.send({"status": "completed", "id": transfer.id})
        else:
            code = transfer.error.code if transfer.error else "Cancelled"
            message = transfer.error.message if transfer.error else "The import was cancelled."
            await stream.send({"status": "failed", "id": transfer.id, "error": code, "message": message})
