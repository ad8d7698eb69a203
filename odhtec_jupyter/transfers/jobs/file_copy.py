"""The copy of one file of a transfer. It can run again: completed work is not repeated."""

from __future__ import annotations

import operator
from datetime import timedelta

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.stores.s3.wire.etag import is_dated
from odhtec_jupyter.stores.source import RangedSource, pin_text
from odhtec_jupyter.transfers.copying.copy_file import copy_file
from odhtec_jupyter.transfers.copying.copy_whole import copy_whole
from odhtec_jupyter.transfers.copying.ranges import fill
from odhtec_jupyter.transfers.copying.server_side_copy import copy_in_store, is_one_request
from odhtec_jupyter.transfers.locations.s3_location import S3Location
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE, plan
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.kept_tags import keep_tags
from odhtec_jupyter.transfers.targets.pending_multipart import MAX_CLOCK_SKEW_SECONDS
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.target import Target
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile


class FileCopy:
    """The copy of one file, from its current state."""

    def __init__(self, engine: Engine, stores: Stores, transfer: Transfer, file: TransferFile) -> None:
        self._engine = engine
        self._stores = stores
        self._transfer = transfer
        self._file = file
        self._source, self._target = stores.at(file.source), stores.writable(file.target)
        self._stop = CancelToken()

    async def run(self) -> None:
        """Copy the file, and delete its source if the transfer is a move. Raises :class:`OdhTecError`."""
        engine, transfer, file, stop = self._engine, self._transfer, self._file, self._stop
        if file.what == "remove source":
            existing = await engine.attempt(stop, self._target.stat)
            if existing is None or existing.error or existing.size != (file.size or 0):
                file.what = "create"  # deleted or changed since it was copied
            else:
                file.add(existing.size)
        if file.what != "remove source":
            if transfer.resumed and self._source.can_change:
                await self._refresh_source()
            overwritten = transfer.resumed and transfer.action == "sync" and file.what == "overwrite"
            if overwritten and await self._is_older():
                await self._drop_pending()
                file.skip()
                return
            await self._copy_bytes()
        if transfer.action == "move":
            # In the journal first: if the server were killed after the deletion, the source would seem to be missing.
            file.what = "remove source"
            file.transition_to("running")
            await engine.journal.written()
            folder = transfer.source.path if transfer.source.is_folder else None
            moved = self._stores.writable(file.source)
            await engine.attempt(stop, lambda: moved.delete(file.pin, folder=folder))

    async def _copy_bytes(self) -> None:
        engine, file, stop, verify = self._engine, self._file, self._stop, self._transfer.options.verify
        source, target, size = self._source, self._target, file.size or 0
        if isinstance(target, S3Location):
            target.store.policy.require_size(size)
        # Between connections, the store of the target has no right to read the source.
        if isinstance(source, S3Location) and isinstance(target, S3Location) and source.store is target.store:
            if await self._copy_in_store(source, target):
                return
            file.add(-file.bytes_done)  # the store copied some parts and then refused one
        # A partial file of an earlier run is continued by copy_file.
        fresh = engine.pending_writes.of(file.owner) is None
        if size <= target.whole_up_to and fresh and not (file.target.is_folder and target.host is None):
            await copy_whole(engine, size, self._ends, verify=verify, on_bytes=file.add, owner=file.owner)
            return
        bytes_of_source, to = await engine.in_thread(stop, self._open)
        if to is not None:  # otherwise it is a folder, which exists now
            await copy_file(engine, bytes_of_source, to, verify=verify, on_bytes=file.add, owner=file.owner)
            await self._keep_tags(to)

    async def _keep_tags(self, target: Target) -> None:
        if isinstance(target, S3Target):
            await self._engine.attempt(self._stop, lambda: keep_tags(target))

    @property
    def _if_absent(self) -> bool:
        if self._file.what == "refuse":  # and tried again by the user
            return True
        return self._file.what != "overwrite" and self._transfer.options.on_conflict != "overwrite"

    def _open(self) -> tuple[RangedSource, Target | None]:
        """Return the source and the target of the bytes; no target for a folder, which is created. Blocks."""
        size, pin = self._file.size or 0, self._file.pin
        bytes_of_source = self._source.source(size, pin)
        to = self._target.target(
            self._source, size, pin, if_absent=self._if_absent, planned_earlier=self._transfer.resumed
        )
        return bytes_of_source, to

    def _ends(self) -> tuple[RangedSource, Target]:
        bytes_of_source, to = self._open()
        assert to is not None
        return bytes_of_source, to

    async def _copy_in_store(self, source: S3Location, target: S3Location) -> bool:
        """Copy within the store; return False if it cannot.

        A copy cannot be recognized after its reply was lost: the existing object that S3 then reports can be the copy
        itself. So its bytes are compared with the source.
        """
        engine, file, stop = self._engine, self._file, self._stop
        size, pin = file.size or 0, pin_text(file.pin)
        if is_one_request(size) and not self._transfer.resumed:
            to = S3Target(target.store, target.uri.bucket, target.uri.key, if_absent=self._if_absent)
        else:
            _, opened = await engine.in_thread(stop, self._open)
            assert isinstance(opened, S3Target)
            to = opened
        try:
            done = await copy_in_store(engine, source.uri, size, pin, to, on_bytes=file.add, owner=file.owner)
        except StoreError as error:
            if error.code != "PreconditionFailed":
                raise
            existing = await engine.attempt(stop, target.stat)
            if existing is None or existing.size != size:
                raise
            if (existing.pin != pin or is_dated(pin)) and not await self._same_bytes(
                source.source(size, pin), target.source(size, existing.pin)
            ):
                raise
            file.add(size - file.bytes_done)
            done = True
        if done:
            await self._keep_tags(to)
        return done

    async def _same_bytes(self, one: RangedSource, other: RangedSource) -> bool:
        engine, stop, flow = self._engine, self._stop, self._engine.bandwidth.flow(self._file.owner.share)
        with await engine.budget.lease(PART_SIZE, "copy") as lease:
            half = PART_SIZE // 2
            for part in plan(one.size, half):
                first, second = lease.view[: part.size], lease.view[half : half + part.size]
                await engine.in_thread(stop, fill, one, part, first, stop, flow)
                await engine.in_thread(stop, fill, other, part, second, stop, flow)
                if await engine.in_thread(stop, operator.ne, first, second):
                    return False
        return True

    async def _refresh_source(self) -> None:
        """Use the current content of the source; if it has changed, drop the parts of the old content."""
        file = self._file
        now = await self._engine.attempt(self._stop, self._source.stat)
        if now is None:
            raise StoreError(f"{file.source} no longer exists.", code="NoSuchKey")
        if now.error:
            raise now.error
        if now.pin != file.pin:
            await self._drop_pending()
            file.change_source(now.size, now.pin)
            file.transition_to("running")  # so that the journal knows which content the parts are of

    async def _is_older(self) -> bool:
        """Return whether the target was written after the sync was requested, and after its source."""
        ours, existing = await self._engine.attempt(self._stop, lambda: (self._source.stat(), self._target.stat()))
        if existing is None or existing.modified is None:
            return False
        if ours and ours.modified and ours.modified >= existing.modified:
            return False
        return existing.modified > self._transfer.created_at - timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)

    async def _drop_pending(self) -> None:
        if entry := self._engine.pending_writes.of(self._file.owner):
            self._engine.pending_writes.orphan(entry)  # so that it is not continued if it cannot be dropped now
            await self._stores.writable(entry.uri).drop(self._engine, entry)
