"""The work of a running transfer: it plans its files and copies each of them, or deletes.

Everything can run again: completed work is not repeated.
"""

from __future__ import annotations

import asyncio
import logging
import operator
from datetime import timedelta
from typing import Protocol

from odhtec_jupyter.errors import Conflict, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.stores.s3.wire.etag import is_dated
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.transfers.copying.copy_file import copy_file
from odhtec_jupyter.transfers.copying.ranges import fill
from odhtec_jupyter.transfers.copying.server_side_copy import copy_in_store
from odhtec_jupyter.transfers.jobs.deletion import delete_all
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.planning.locations import Stores, source_of, stat, target_of
from odhtec_jupyter.transfers.planning.plan import Planned, make_plan, require_no_conflict
from odhtec_jupyter.transfers.planning.remaining import ObjectChanged, remove_unchanged
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.engine import Engine, together
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE, plan
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import MAX_CLOCK_SKEW_SECONDS, drop_pending
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.workspace_target import drop_partial
from odhtec_jupyter.transfers.transfer import Needs, Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from odhtec_jupyter.uris import HubUri, S3Uri, Uri, WorkspaceUri, parse_uri

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
        source, target = parse_uri(transfer.source, "source"), parse_uri(transfer.target, "target")
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
        source, target = parse_uri(file.source, "source"), parse_uri(file.target, "target")
        assert isinstance(source, HubUri)
        assert isinstance(target, S3Uri)
        await self._engine.attempt(CancelToken(), lambda: remove_unchanged(stores.s3, target, source, file.pin))

    async def _copy(self, stores: Stores, transfer: Transfer, file: TransferFile) -> None:
        engine, stop = self._engine, CancelToken()
        source, target_uri = parse_uri(file.source, "source"), parse_uri(file.target, "target")
        if file.what == "remove source":
            existing = await engine.attempt(stop, lambda: stat(stores, target_uri))
            if existing is None or existing.error or existing.size != (file.size or 0):
                file.what = "create"  # deleted or changed since it was copied
            else:
                file.add(existing.size)
        if file.what != "remove source":
            if transfer.resumed and not isinstance(source, HubUri):
                await self._refresh_source(stores, file, source)
            size = file.size or 0
            overwritten = transfer.resumed and transfer.action == "sync" and file.what == "overwrite"
            if overwritten and await self._is_older(stores, transfer, source, target_uri):
                await self._drop_pending(stores, file)
                file.skip()
                return
            if not size and isinstance(source, WorkspaceUri):  # nothing is read, so only this compares the pin
                await engine.in_thread(stop, lambda: source_of(stores, source, 0, file.pin).open_range(0, 0).close())
            if isinstance(target_uri, WorkspaceUri) and target_uri.is_folder:
                await self._make_folder(stores, file, target_uri)
            else:
                if_absent = file.what != "overwrite" and transfer.options.on_conflict != "overwrite"
                target = await engine.in_thread(
                    stop, target_of, stores, source, file.pin, target_uri, if_absent=if_absent
                )
                if transfer.resumed and if_absent and isinstance(target, S3Target):
                    # The plan can be of an earlier server, so this one does not know yet whether HEAD is allowed.
                    await engine.in_thread(stop, target.store.seen, target.bucket, target.key)
                copied = (
                    isinstance(source, S3Uri)
                    and isinstance(target, S3Target)
                    and await self._copy_in_store(stores, file, source, target)
                )
                if not copied:
                    file.add(-file.bytes_done)  # the store copied some parts and then refused one
                    await copy_file(
                        engine,
                        source_of(stores, source, size, file.pin),
                        target,
                        verify=transfer.options.verify,
                        on_bytes=file.add,
                        owner=file.owner,
                    )
        if transfer.action == "move":
            # In the journal first: if the server were killed after the deletion, the source would seem to be missing.
            file.what = "remove source"
            file.transition_to("running")
            await engine.journal.written()
            named = parse_uri(transfer.source, "source")
            await engine.attempt(stop, lambda: _remove_source(stores, source, file.pin, named))

    async def _copy_in_store(self, stores: Stores, file: TransferFile, source: S3Uri, target: S3Target) -> bool:
        """Copy within the store; return False if it cannot.

        A copy cannot be recognized after its reply was lost: the existing object that S3 then reports can be the copy
        itself. So its bytes are compared with the source.
        """
        engine, size = self._engine, file.size or 0
        try:
            return await copy_in_store(engine, source, size, file.pin, target, on_bytes=file.add, owner=file.owner)
        except StoreError as error:
            if error.code != "PreconditionFailed":
                raise
            existing = await engine.attempt(CancelToken(), lambda: stat(stores, S3Uri(target.bucket, target.key)))
            if existing is None or existing.size != size:
                raise
            if (existing.pin != file.pin or is_dated(file.pin)) and not await self._same_bytes(
                source_of(stores, source, size, file.pin),
                source_of(stores, existing.uri, size, existing.pin),
                self._engine.bandwidth.flow(file.owner.rpartition("/")[0]),
            ):
                raise
            file.add(size - file.bytes_done)
            return True

    async def _same_bytes(self, one: RangedSource, other: RangedSource, flow: Flow) -> bool:
        engine, stop = self._engine, CancelToken()
        with await engine.budget.lease(PART_SIZE, "copy") as lease:
            half = PART_SIZE // 2
            for part in plan(one.size, half):
                first, second = lease.view[: part.size], lease.view[half : half + part.size]
                await engine.in_thread(stop, fill, one, part, first, stop, flow)
                await engine.in_thread(stop, fill, other, part, second, stop, flow)
                if await engine.in_thread(stop, operator.ne, first, second):
                    return False
        return True

    async def _refresh_source(self, stores: Stores, file: TransferFile, source: Uri) -> None:
        """Use the current content of the source; if it has changed, drop the parts of the old content."""
        engine, stop = self._engine, CancelToken()
        now = await engine.attempt(stop, lambda: stat(stores, source))
        if now is None:
            raise StoreError(f"{source} no longer exists.", code="NoSuchKey")
        if now.error:
            raise now.error
        if now.pin != file.pin:
            await self._drop_pending(stores, file)
            file.change_source(now.size, now.pin)
            file.transition_to("running")  # so that the journal knows which content the parts are of

    async def _is_older(self, stores: Stores, transfer: Transfer, source: Uri, target: Uri) -> bool:
        """Return whether the target was written after the sync was requested, and after its source."""
        ours, existing = await self._engine.attempt(CancelToken(), lambda: (stat(stores, source), stat(stores, target)))
        if existing is None or existing.modified is None:
            return False
        if ours and ours.modified and ours.modified >= existing.modified:
            return False
        return existing.modified > transfer.created_at - timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)

    async def _drop_pending(self, stores: Stores, file: TransferFile) -> None:
        if entry := self._engine.pending_writes.of(file.owner):
            self._engine.pending_writes.orphan(entry)  # so that it is not continued if it cannot be dropped now
            await drop_entry(self._engine, stores, entry)

    async def _make_folder(self, stores: Stores, file: TransferFile, target: WorkspaceUri) -> None:
        if file.size:
            raise Conflict(
                f"{file.source} has content, but its name ends in a slash, which is a folder in the workspace."
            )
        await self._engine.in_thread(CancelToken(), stores.workspace.make_folder, target.path)

    async def _remove_empty_folders(self, stores: Stores, transfer: Transfer) -> None:
        """Remove the folders of the workspace that the move left empty."""
        source = parse_uri(transfer.source, "source")
        some = transfer.options.names is not None  # then the folder itself was not moved
        if not isinstance(source, WorkspaceUri) or not source.is_folder or not (source.path or some):
            return
        folders = set() if some else {source.path.rstrip("/")}
        for file in (file for file in transfer.files if file.what != "omit"):
            parts = file.path.split("/")[:-1]
            folders |= {source.path + "/".join(parts[:count]) for count in range(1, len(parts) + 1)}

        def remove() -> None:
            for folder in sorted(folders, key=len, reverse=True):  # subfolders first
                stores.workspace.remove_empty_folder(folder)

        await self._engine.in_thread(CancelToken(), remove)


async def apply_plan(transfer: Transfer, planned: list[Planned]) -> None:
    """Add the planned files to a transfer."""
    if transfer.files:  # an earlier run ended in this function
        transfer.clear_files()
    for number, one in enumerate(planned, 1):
        file = transfer.add_file(
            one.entry.path,
            str(one.target),
            None if one.what in {"omit", "remove"} else one.entry.size,
            source=str(one.entry.uri),
            pin=one.entry.pin,
            what=one.what,
        )
        if one.error:
            file.transition_to("skipped" if one.what == "omit" else "failed", one.error)
        if number % FILES_BEFORE_YIELD == 0:  # there can be 100,000 files
            await asyncio.sleep(0)
    transfer.finish_planning()


async def drop_entry(engine: Engine, stores: Stores, entry: PendingWrite) -> bool:
    """Drop a pending write; return False if that is not possible yet."""
    if isinstance(parse_uri(entry.place, "place"), WorkspaceUri):
        return await drop_partial(engine, stores.workspace, entry)
    if entry.endpoint != stores.s3.host:
        return False
    return await drop_pending(engine, stores.s3, entry)


def _remove_source(stores: Stores, source: Uri, pin: str, named: Uri) -> None:
    """Delete the source of a move. Raises :class:`VerificationError` if it has changed. Blocks."""
    now = stat(stores, source)
    if now is None:
        return
    same = now.pin == pin
    if not same and isinstance(source, S3Uri):
        same = stores.s3.unchanged(source.bucket, source.key, pin) is not None
    if not same:
        raise VerificationError(
            f"{source} has changed since it was copied, so it was not deleted.", code="SourceChanged"
        )
    if isinstance(source, S3Uri):
        stores.s3.delete_exactly(source.bucket, source.key)
    elif isinstance(source, WorkspaceUri):
        below = named.path if isinstance(named, WorkspaceUri) and named.is_folder else None
        stores.workspace.delete(source.path, pin, below=below)
