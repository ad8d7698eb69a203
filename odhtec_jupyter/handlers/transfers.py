"""``/transfers``: all users can see transfers, and reading never changes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from tornado import web

from odhtec_jupyter import models
from odhtec_jupyter.errors import BadRequest, NotFound
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import CONTENTS_RESOURCE, LARGE_BODY_BYTES, OdhTecHandler
from odhtec_jupyter.handlers.tornado_internals import UntrackedHandler
from odhtec_jupyter.models import ContinueRequest, TransferFiles, TransferList, TransferPlan, TransferRequest
from odhtec_jupyter.settings import check_secret
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.plan import check_locations, make_plan, plan_deletion, show_plan
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.transfer import Action, Options, Transfer
from odhtec_jupyter.uris import S3Uri, Uri, parse_uri

WORKSPACE = "workspace://"
STATES = ("", "queued", "running", "completed", "skipped", "failed", "cancelled")


class WorkspaceHandler(OdhTecHandler):
    """The base of handlers whose transfers read or write users' files, which are Jupyter's resource."""

    async def require_contents(self, action: Action, source: Uri, target: Uri | None) -> None:
        """Raise a 403 without permission for what a transfer does in the workspace.

        A target is also read: the plan shows which files exist there.
        """
        needed = []
        if source.scheme == "workspace":
            needed += ["read", "write"] if action == "move" else ["read"]
        if target is not None and target.scheme == "workspace":
            needed += ["read", "write"]
        for permission in dict.fromkeys(needed):
            await self.require_permission(permission, CONTENTS_RESOURCE)

    async def require_contents_of(self, transfer: Transfer) -> None:
        """Raise a 403 for a transfer that another user can have started."""
        await self.require_contents(transfer.action, transfer.source, transfer.target)

    async def sees_contents(self) -> bool:
        """Return whether this user can see the names of users' files."""
        return await self.has_permission("read", CONTENTS_RESOURCE)

    async def reply_transfer(self, transfer: Transfer) -> None:
        """Finish with a transfer that another user can have started."""
        self.reply(shown(transfer, sees_contents=await self.sees_contents()))


def shown(transfer: Transfer, *, sees_contents: bool) -> models.Transfer:
    """Return a transfer for the wire, without names of users' files if the user cannot see them."""
    full = transfer.show()
    hidden: dict[str, object] = {
        field: WORKSPACE for field in ("source", "target") if getattr(full, field).startswith(WORKSPACE)
    }
    if sees_contents or not hidden:
        return full
    if full.error:
        text = "You do not have permission to see the files of this transfer, which may be named in its error."
        hidden["error"] = models.Failure(code=full.error.code, message=text)
    return full.model_copy(update=hidden)


class TransfersHandler(UntrackedHandler, WorkspaceHandler):
    """``/transfers``"""

    audited = actions(POST="transfer.create")
    max_body = LARGE_BODY_BYTES

    @web.authenticated
    async def get(self) -> None:
        """List all transfers, newest first."""
        sees = await self.sees_contents()
        found = [shown(transfer, sees_contents=sees) for transfer in self.services.transfers.list()]
        self.reply(TransferList(transfers=found))

    @web.authenticated
    async def post(self) -> None:
        """Start a transfer, or show what it would do."""
        request = self.body(TransferRequest)
        name = self.connection_name
        source = parse_uri(request.source, "source", name)
        target = parse_uri(request.target, "target", name) if request.target else None
        self.concerns(lambda: [uri for uri in (target, source) if uri is not None])
        await self.require_contents(request.action, source, target)
        check_locations(request.action, source, target, request.names)
        services = self.services
        for place in (source, target):
            if place is not None and place.scheme == "workspace":
                services.workspace.require_visible(place.path)
        await self.call(services.connections.refresh)
        services.require_allowed(request.action, source, target)
        options = services.options(request, source, target)
        if isinstance(source, S3Uri) and request.action == "delete":
            exact = not source.is_folder
            options = replace(options, keys=[source.key] if exact else [], prefixes=[] if exact else [source.key])
        if request.dry_run:
            self.only_plans()
            stores = services.stores(request.token)
            is_stopped = self.gone.is_set
            call = self.call_hub if source.scheme == "hf" else self.call
            self.reply(await call(try_plan, stores, request.action, source, target, options, is_stopped))
            return
        transfer = services.transfers.new(request.action, source, target, options, user=self.username)
        check_secret(request.token, "token")
        self.transfer = transfer
        await services.transfers.start(transfer)
        services.give_token(transfer, request.token)  # after starting: tokens of unknown transfers are deleted
        self.reply(transfer.show(), 201)


def try_plan(
    stores: Stores, action: Action, source: Uri, target: Uri | None, options: Options, is_stopped: Callable[[], bool]
) -> TransferPlan:
    """Return what a transfer would do. Blocks."""
    if target is None:
        assert isinstance(source, S3Uri)
        selection = Selection(source.bucket, options.keys, options.prefixes)
        return plan_deletion(stores.s3_of(source), selection, is_stopped=is_stopped)
    return show_plan(make_plan(stores, action, source, target, options, is_stopped))


class TransferHandler(UntrackedHandler, WorkspaceHandler):
    """``/transfers/:id``"""

    audited = actions(DELETE="transfer.remove")

    @web.authenticated
    async def get(self, transfer_id: str) -> None:
        """Return one transfer."""
        await self.reply_transfer(self.services.transfers.get(transfer_id))

    @web.authenticated
    async def delete(self, transfer_id: str) -> None:
        """Remove a finished transfer from the list."""
        self.concerns_transfer(transfer_id)
        await self.services.transfers.remove(transfer_id)
        self.set_status(204)
        self.finish()


class TransferFilesHandler(UntrackedHandler, WorkspaceHandler):
    """``/transfers/:id/files``"""

    @web.authenticated
    async def get(self, transfer_id: str) -> None:
        """List some of its files."""
        state = self.choice("state", "", STATES)
        offset = self.number("offset", 0, least=0, most=2**53)
        limit = self.number("limit", 100, least=1, most=1000)
        transfer = self.services.transfers.get(transfer_id)
        if "workspace" in transfer.schemes:
            await self.require_permission("read", CONTENTS_RESOURCE)  # these are names of users' files
        files = transfer.files
        wanted = [file for file in files if file.state == state] if state else files
        window = [file.show() for file in wanted[offset : offset + limit]]
        self.reply(TransferFiles(files=window, total=len(wanted), offset=offset))


class PauseHandler(WorkspaceHandler):
    """``/transfers/:id/pause``"""

    audited = actions(POST="transfer.pause")

    @web.authenticated
    async def post(self, transfer_id: str) -> None:
        """Pause the transfer."""
        self.concerns_transfer(transfer_id)
        await self.reply_transfer(await self.services.transfers.pause(transfer_id))


class ResumeHandler(WorkspaceHandler):
    """``/transfers/:id/resume``"""

    audited = actions(POST="transfer.resume")

    @web.authenticated
    async def post(self, transfer_id: str) -> None:
        """Resume the transfer."""
        self.concerns_transfer(transfer_id)
        transfer = self.services.transfers.get(transfer_id)
        await self.require_contents_of(transfer)
        self.require_allowed(transfer)
        self.take_token(transfer_id)
        self.reply((await self.services.transfers.resume(transfer_id)).show())

    def require_allowed(self, transfer: Transfer) -> None:
        """Raise a 403 for a transfer that the policy does not allow: an earlier server can have started it."""
        with suppress(NotFound, BadRequest):  # of its connection, which the transfer then waits for
            self.services.require_allowed(transfer.action, transfer.source, transfer.target)

    def take_token(self, transfer_id: str) -> None:
        """Store the token in the body, if there is one."""
        request = self.body(ContinueRequest) if self.has_body else ContinueRequest()
        self.services.give_token(self.services.transfers.get(transfer_id), request.token)


class RetryHandler(ResumeHandler):
    """``/transfers/:id/retry``"""

    audited = actions(POST="transfer.retry")

    @web.authenticated
    async def post(self, transfer_id: str) -> None:
        """Retry the failed files."""
        self.concerns_transfer(transfer_id)
        transfer = self.services.transfers.get(transfer_id)
        await self.require_contents_of(transfer)
        self.require_allowed(transfer)
        self.take_token(transfer_id)
        self.reply((await self.services.transfers.retry(transfer_id)).show())


class CancelHandler(WorkspaceHandler):
    """``/transfers/:id/cancel``"""

    audited = actions(POST="transfer.cancel")

    @web.authenticated
    async def post(self, transfer_id: str) -> None:
        """Cancel the transfer and remove unfinished files."""
        self.concerns_transfer(transfer_id)
        await self.reply_transfer(await self.services.transfers.cancel(transfer_id))
