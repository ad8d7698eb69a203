"""The work of a running transfer: it plans its files and copies each of them, or deletes.

Everything can run again: completed work is not repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from odhtec_jupyter.errors import Conflict, OdhTecError
from odhtec_jupyter.stores.source import pin_text
from odhtec_jupyter.transfers.jobs.deletion import delete_all
from odhtec_jupyter.transfers.jobs.file_copy import FileCopy
from odhtec_jupyter.transfers.jobs.small_files import SmallFiles
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.plan import Planned, make_plan, require_no_conflict
from odhtec_jupyter.transfers.planning.remaining import ObjectChanged, remove_unchanged
from odhtec_jupyter.transfers.runtime.engine import Engine, together
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.runtime.retry import CancelToken
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
            assert isinstance(transfer.source, S3Uri)
            await delete_all(self._engine, stores.s3_of(transfer.source), transfer)
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
        """Run the files in parallel; a failed file does not stop the others.

        Files of more than one part share the slots. Small files cost round trips instead of memory and bandwidth, so as
        many of them run as their hosts can serve.
        """
        for number, file in enumerate(files, 1):
            if file.what == "skip":
                if file.bytes_done:
                    file.add(-file.bytes_done)
                file.transition_to("skipped")
            if number % FILES_BEFORE_YIELD == 0:
                await asyncio.sleep(0)
        files = [file for file in files if file.what != "skip"]
        large = [file for file in files if file.to_move > PART_SIZE]
        small = SmallFiles(
            self._engine,
            stores,
            transfer,
            lambda file: self._run_file(stores, transfer, file),
            (file for file in files if file.to_move <= PART_SIZE),
        )

        async def run_large(todo: Iterator[TransferFile]) -> None:
            for file in todo:
                async with self._engine.slots:
                    await self._run_file(stores, transfer, file)

        # As many workers as the limits can become, because they can be raised while the transfer runs.
        async with together() as group:
            left = iter(large)
            for _ in range(min(MAX_SLOTS, len(large))):
                group.create_task(run_large(left))
            for _ in range(min(self._engine.small_files.ceiling, small.count)):
                group.create_task(small.work())

    async def _run_file(self, stores: Stores, transfer: Transfer, file: TransferFile) -> None:
        if file.bytes_done:
            file.add(-file.bytes_done)
        file.start()
        try:
            if file.what == "remove":
                await self._remove(stores, file)
            else:
                await FileCopy(self._engine, stores, transfer, file).run()
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

    async def _remove(self, stores: Stores, file: TransferFile) -> None:
        """Delete an object of another revision. Raises :class:`ObjectChanged`."""
        source, target, pin = file.source, file.target, pin_text(file.pin)
        assert isinstance(source, HubUri)
        assert isinstance(target, S3Uri)
        await self._engine.attempt(CancelToken(), lambda: remove_unchanged(stores.s3_of(target), target, source, pin))

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
    """Move the planned files to a transfer."""
    if transfer.files:  # an earlier run ended in this function
        transfer.clear_files()
    added: list[TransferFile] = []
    planned.reverse()
    while planned:  # there can be 100,000 files, so a planned file is freed as soon as it is added
        one = planned.pop()
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
        added.append(file)
        if len(added) == FILES_BEFORE_YIELD or not planned:
            transfer.save_files(added)
            added.clear()
            await asyncio.sleep(0)
    transfer.finish_planning()
