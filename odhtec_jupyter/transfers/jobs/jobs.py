"""The work of a running transfer: it plans its files and copies each of them, or deletes.

Everything can run again: completed work is not repeated.
"""

from __future__ import annotations

import asyncio
import logging
import operator
from datetime import timedelta
from typing import Protocol

from odhtec_jupyter.errors import Conflict, OdhTecError, StoreError
from odhtec_jupyter.stores.s3.wire.etag import is_dated
from odhtec_jupyter.stores.source import RangedSource, pin_text
from odhtec_jupyter.transfers.copying.copy_file import copy_file
from odhtec_jupyter.transfers.copying.ranges import fill
from odhtec_jupyter.transfers.copying.server_side_copy import copy_in_store
from odhtec_jupyter.transfers.jobs.deletion import delete_all
from odhtec_jupyter.transfers.locations.location import Location, WritableLocation
from odhtec_jupyter.transfers.locations.s3_location import S3Location
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.plan import Planned, make_plan, require_no_conflict
from odhtec_jupyter.transfers.planning.remaining import ObjectChanged, remove_unchanged
from odhtec_jupyter.transfers.runtime.engine import Engine, together
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE, plan
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import MAX_CLOCK_SKEW_SECONDS
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.target import Target
from odhtec_jupyter.transfers.transfer import Needs, Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from odhtec_jupyter.uris import HubUri, S3Uri

FILES_BEFORE_YIELD = 200  # files that are handled before other tasks of the event loop run
MAX_SLOTS = 64  # the highest limit that the settings allow


class TransferBlocked(Conflict):
    """The transfer cannot continue until ``needs`` is available again."""

    def __init__(self, message: str, needs: Needs) -> None:
        super().__init__(message, code="NeedsToken" if needs == "token" else "NeedsConnection")
        self.needs: Needs = needs


class StoreFinder(Protocol):
    """A function that finds the stores of a transfer."""

    def __call__(self, transfer: Transfer) -> Stores:
        """Return the current stores if the transfer was started with them. Raises :class:`TransferBlocked`."""
        ...


class Jobs:
    """The work of all transfers."""

    def __init__(self, engine: Engine, find_stores: StoreFinder, *, log: logging.Logger) -> None:
        self._engine = engine
        self._find_stores = find_stores
        self._log = log

    async def run(self, transfer: Transfer) -> None:
        """Do the remaining work of a transfer. Raises :class:`OdhTecError` if it or one of its files failed."""
        stores = self._find_stores(transfer)
        if transfer.action == "delete":
            await delete_all(self._engine, stores.s3, transfer)
            return
        if not transfer.planned:
            await self._plan(stores, transfer)
        await self._run_files(stores, transfer)
        if transfer.action == "move" and not transfer.files_failed:
            await self._remove_empty_folders(stores, transfer)

    async def _plan(self, stores: Stores, transfer: Transfer) -> None:
        stop = CancelToken()
        source, target = transfer.source, transfer.target
        assert target is not None
        planned = await self._engine.attempt(
            stop, lambda: make_plan(stores, transfer.action, source, target, transfer.options, stop.is_set)
        )
        require_no_conflict(planned)
        await apply_plan(transfer, planned)
        # Before anything is written: if it were planned again, the written objects would be conflicts.
        await self._engine.journal.written()

    async def _run_files(self, stores: Stores, transfer: Transfer) -> None:
        """Copy all files, and only then remove the objects that the import is to remove.

        Raises the first failure at the end, with the count in its message if there were several.
        """
        for removes in (False, True):
            left = [file for file in transfer.files if file.state in {"queued", "running"}]
            await self._run_each(stores, transfer, [file for file in left if (file.what == "remove") is removes])
            failed = [file for file in transfer.files if file.state == "failed"]
            if failed and (first := failed[0].error):
                more = f" ({len(failed)} files failed.)" if len(failed) > 1 else ""
                raise OdhTecError(f"{first.message}{more}", code=first.code, status=502)

    async def _run_each(self, stores: Stores, transfer: Transfer, files: list[TransferFile]) -> None:
        """Run the files in parallel, one for each slot; a failed file does not stop the others."""
        todo = iter(files)

        async def worker() -> None:
            for number, file in enumerate(todo, 1):
                if number % FILES_BEFORE_YIELD == 0:  # skipped files do not await anything
                    await asyncio.sleep(0)
                async with self._engine.slots:
                    await self._run_file(stores, transfer, file)

        # As many workers as the maximum of slots, because the limit can be raised while the transfer runs.
        async with together() as group:
            for _ in range(MAX_SLOTS):
                group.create_task(worker())

    async def _run_file(self, stores: Stores, transfer: Transfer, file: TransferFile) -> None:
        file.add(-file.bytes_done)
        if file.what == "skip":
            file.transition_to("skipped")
            return
        file.transition_to("running")
        try:
            await (self._remove if file.what == "remove" else self._copy)(stores, transfer, file)
        except ObjectChanged as error:
            file.transition_to("skipped", error)
        except OdhTecError as error:
            file.add(-file.bytes_done)
            file.transition_to("failed", error)
        except asyncio.CancelledError:
            raise
        except Exception as unexpected:
            self._log.exception("A file of a transfer failed.")
            file.add(-file.bytes_done)
            file.transition_to(
                "failed", OdhTecError(f"Unexpected error ({type(unexpected).__name__}). Details are in the server log.")
            )
        else:
            file.transition_to("skipped" if file.what == "skip" else "completed")
            self._engine.pending_writes.settled(file.owner)

    async def _remove(self, stores: Stores, _: Transfer, file: TransferFile) -> None:
        """Delete an object of another revision. Raises :class:`ObjectChanged`."""
        source, target, pin = file.source, file.target, pin_text(file.pin)
        assert isinstance(source, HubUri)
        assert isinstance(target, S3Uri)
        await self._engine.attempt(CancelToken(), lambda: remove_unchanged(stores.s3, target, source, pin))

    async def _copy(self, stores: Stores, transfer: Transfer, file: TransferFile) -> None:
        engine, stop = self._engine, CancelToken()
        source, target = stores.at(file.source), stores.writable(file.target)
        if file.what == "remove source":
            existing = await engine.attempt(stop, target.stat)
            if existing is None or existing.error or existing.size != (file.size or 0):
                file.what = "create"  # deleted or changed since it was copied
            else:
                file.add(existing.size)
        if file.what != "remove source":
            if transfer.resumed and source.can_change:
                await self._refresh_source(stores, file, source)
            overwritten = transfer.resumed and transfer.action == "sync" and file.what == "overwrite"
            if overwritten and await self._is_older(transfer, source, target):
                await self._drop_pending(stores, file)
                file.skip()
                return
            await self._copy_bytes(transfer, file, source, target)
        if transfer.action == "move":
            # In the journal first: if the server were killed after the deletion, the source would seem to be missing.
            file.what = "remove source"
            file.transition_to("running")
            await engine.journal.written()
            folder = transfer.source.path if transfer.source.is_folder else None
            moved = stores.writable(file.source)
            await engine.attempt(stop, lambda: moved.delete(file.pin, folder=folder))

    async def _copy_bytes(
        self, transfer: Transfer, file: TransferFile, source: Location, target: WritableLocation
    ) -> None:
        engine, stop = self._engine, CancelToken()
        size, pin = file.size or 0, file.pin
        if_absent = file.what != "overwrite" and transfer.options.on_conflict != "overwrite"

        def prepare() -> tuple[RangedSource, Target | None]:
            bytes_of_source = source.source(size, pin)
            return bytes_of_source, target.target(
                source, size, pin, if_absent=if_absent, planned_earlier=transfer.resumed
            )

        bytes_of_source, to = await engine.in_thread(stop, prepare)
        if to is None:  # a folder, which exists now
            return
        if (
            isinstance(source, S3Location)
            and isinstance(to, S3Target)
            and await self._copy_in_store(file, source, to, bytes_of_source)
        ):
            return
        file.add(-file.bytes_done)  # the store copied some parts and then refused one
        await copy_file(
            engine, bytes_of_source, to, verify=transfer.options.verify, on_bytes=file.add, owner=file.owner
        )

    async def _copy_in_store(
        self, file: TransferFile, source: S3Location, target: S3Target, bytes_of_source: RangedSource
    ) -> bool:
        """Copy within the store; return False if it cannot.

        A copy cannot be recognized after its reply was lost: the existing object that S3 then reports can be the copy
        itself. So its bytes are compared with the source.
        """
        engine, size, pin = self._engine, file.size or 0, pin_text(file.pin)
        try:
            return await copy_in_store(engine, source.uri, size, pin, target, on_bytes=file.add, owner=file.owner)
        except StoreError as error:
            if error.code != "PreconditionFailed":
                raise
            there = S3Location(target.store, target.uri)
            existing = await engine.attempt(CancelToken(), there.stat)
            if existing is None or existing.size != size:
                raise
            if (existing.pin != pin or is_dated(pin)) and not await self._same_bytes(
                bytes_of_source, there.source(size, existing.pin)
            ):
                raise
            file.add(size - file.bytes_done)
            return True

    async def _same_bytes(self, one: RangedSource, other: RangedSource) -> bool:
        engine, stop = self._engine, CancelToken()
        with await engine.budget.lease(PART_SIZE, "copy") as lease:
            half = PART_SIZE // 2
            for part in plan(one.size, half):
                first, second = lease.view[: part.size], lease.view[half : half + part.size]
                await engine.in_thread(stop, fill, one, part, first, stop)
                await engine.in_thread(stop, fill, other, part, second, stop)
                if await engine.in_thread(stop, operator.ne, first, second):
                    return False
        return True

    async def _refresh_source(self, stores: Stores, file: TransferFile, source: Location) -> None:
        """Use the current content of the source; if it has changed, drop the parts of the old content."""
        engine, stop = self._engine, CancelToken()
        now = await engine.attempt(stop, source.stat)
        if now is None:
            raise StoreError(f"{source.uri} no longer exists.", code="NoSuchKey")
        if now.error:
            raise now.error
        if now.pin != file.pin:
            await self._drop_pending(stores, file)
            file.change_source(now.size, now.pin)
            file.transition_to("running")  # so that the journal knows which content the parts are of

    async def _is_older(self, transfer: Transfer, source: Location, target: Location) -> bool:
        """Return whether the target was written after the sync was requested, and after its source."""
        ours, existing = await self._engine.attempt(CancelToken(), lambda: (source.stat(), target.stat()))
        if existing is None or existing.modified is None:
            return False
        if ours and ours.modified and ours.modified >= existing.modified:
            return False
        return existing.modified > transfer.created_at - timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)

    async def _drop_pending(self, stores: Stores, file: TransferFile) -> None:
        if entry := self._engine.pending_writes.of(file.owner):
            self._engine.pending_writes.orphan(entry)  # so that it is not continued if it cannot be dropped now
            await stores.writable(entry.uri).drop(self._engine, entry)

    async def _remove_empty_folders(self, stores: Stores, transfer: Transfer) -> None:
        """Remove the folders that the move left empty."""
        source, some = transfer.source, transfer.options.names is not None
        if not source.is_folder or not (source.path or some):
            return
        folders = set() if some else {source.path.rstrip("/")}  # with names, the folder itself was not moved
        for file in (file for file in transfer.files if file.what != "omit"):
            parts = file.path.split("/")[:-1]
            folders |= {source.path + "/".join(parts[:count]) for count in range(1, len(parts) + 1)}
        location = stores.writable(source)
        await self._engine.in_thread(CancelToken(), location.remove_empty_folders, folders)


async def apply_plan(transfer: Transfer, planned: list[Planned]) -> None:
    """Add the planned files to a transfer."""
    if transfer.files:  # an earlier run ended in this function
        transfer.clear_files()
    for number, one in enumerate(planned, 1):
        assert one.target is not None
        file = transfer.add_file(
            one.entry.path,
            one.target,
            None if one.what in {"omit", "remove"} else one.entry.size,
            source=one.entry.uri,
            pin=one.entry.pin,
            what=one.what,
        )
        if one.error:
            file.transition_to("skipped" if one.what == "omit" else "failed", one.error)
        if number % FILES_BEFORE_YIELD == 0:  # there can be 100,000 files
            await asyncio.sleep(0)
    transfer.finish_planning()
