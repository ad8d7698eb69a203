"""The queue, which owns every transfer: it runs, pauses, cancels and retries transfers, and reports their changes.

A transfer belongs to the server, so closing a tab does not stop it. Unfinished transfers continue when the next server
starts. The manager handles the states; :class:`Work` does the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from odhtec_jupyter.errors import Conflict, NotFound, OdhTecError
from odhtec_jupyter.transfers.events import EventLog
from odhtec_jupyter.transfers.jobs.jobs import TransferBlocked
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.journal.transfer_records import TransferRecords
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.transfer import FINAL, Action, Options, Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from odhtec_jupyter.uris import Uri

MAX_FINISHED_TRANSFERS = 200  # that stay listed
CLEANUP_SECONDS = 15.0  # that a cancellation waits for its cleanup, which then continues in the background
MAX_FINISHED_FILES = 50_000  # of all finished transfers together; the oldest transfers are forgotten first


class Work(Protocol):
    """The work of a transfer."""

    async def run(self, transfer: Transfer) -> None:
        """Do the remaining work. Raises :class:`OdhTecError`, or :class:`TransferBlocked` if it cannot start yet."""
        ...


Drop = Callable[[Iterable[PendingWrite]], Awaitable[None]]


class TransferManager:
    """All transfers of this server."""

    def __init__(
        self, engine: Engine, work: Work, drop: Drop, *, keep_finished: timedelta, log: logging.Logger
    ) -> None:
        """``drop`` removes pending writes; finished transfers older than ``keep_finished`` are forgotten."""
        self.events = EventLog()
        self._engine = engine
        self._work = work
        self._drop = drop
        self._keep_finished = keep_finished
        self._log = log
        self._records = TransferRecords(engine.journal)
        self._transfers: dict[str, Transfer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pausing: set[str] = set()
        self._cleaning: set[asyncio.Future[None]] = set()
        self._stopping = False
        #: Called when a transfer has started or ended, for the audit.
        self.on_audit: Callable[[Literal["start", "finish"], Transfer], None] = lambda what, transfer: None

    @property
    def active(self) -> int:
        """The number of transfers that are running or queued."""
        return len(self._tasks)

    def list(self) -> list[Transfer]:
        """Return all transfers, newest first."""
        return sorted(self._transfers.values(), key=lambda transfer: transfer.created_at, reverse=True)

    def get(self, transfer_id: str) -> Transfer:
        """Return the transfer with this id. Raises :class:`NotFound`."""
        try:
            return self._transfers[transfer_id]
        except KeyError:
            raise NotFound(f"There is no transfer {transfer_id}.", code="NoSuchTransfer") from None

    def find(self, transfer_id: str) -> Transfer | None:
        """Return the transfer with this id, or None."""
        return self._transfers.get(transfer_id)

    # --- actions of users -----------------------------------------------------------------------------------------

    def new(
        self, action: Action, source: Uri, target: Uri | None, options: Options | None = None, *, user: str = ""
    ) -> Transfer:
        """Return a new transfer of a user, which is not listed before :meth:`start`."""
        return Transfer(action, source, target, replace(options or Options(), user=user), watcher=self)

    async def start(self, transfer: Transfer) -> Transfer:
        """Add the transfer to the queue; returns when it is in the journal."""
        await self.forget_old()
        self._transfers[transfer.id] = transfer
        self._records.save(transfer)
        self._records.save_files(transfer, *transfer.files)
        self.on_audit("start", transfer)
        await self._engine.journal.written()
        # It is already listed, so a user can have paused it in the meantime.
        if transfer.state == "queued" and transfer.id not in self._tasks:
            self._begin(transfer)
        return transfer

    async def pause(self, transfer_id: str) -> Transfer:
        """Pause and keep the transferred parts; returns when the transfer has stopped."""
        transfer = self.get(transfer_id)
        if transfer.state not in {"queued", "running"}:
            raise Conflict(f"The transfer is {transfer.state}; only a running transfer can be paused.")
        self._pausing.add(transfer_id)
        await self._end(transfer_id)
        if transfer.state == "queued" and transfer_id not in self._tasks:  # its task was not started
            self._pausing.discard(transfer_id)
            transfer.transition_to("paused")
        await self._engine.journal.written()
        return transfer

    async def resume(self, transfer_id: str) -> Transfer:
        """Continue a paused transfer."""
        transfer = self.get(transfer_id)
        if transfer.state != "paused":
            raise Conflict(f"The transfer is {transfer.state}; only a paused transfer can be resumed.")
        self._requeue(transfer)
        return transfer

    async def retry(self, transfer_id: str) -> Transfer:
        """Transfer only the failed files again."""
        transfer = self.get(transfer_id)
        if transfer.state != "failed":
            raise Conflict(f"The transfer is {transfer.state}; only a failed transfer can be retried.")
        for file in transfer.files:
            if file.state == "failed":
                file.transition_to("queued")
        self._requeue(transfer)
        return transfer

    async def cancel(self, transfer_id: str) -> Transfer:
        """Cancel and clean up; returns when nothing half-written is left, or after :data:`CLEANUP_SECONDS`.

        Raises :class:`Conflict` for a completed transfer.
        """
        transfer = self.get(transfer_id)
        if transfer.state in {"completed", "cancelled"}:
            raise Conflict(f"The transfer is already {transfer.state}.")
        await self._end(transfer_id)
        if transfer.state not in {"completed", "cancelled"}:
            self._cancelled(transfer)
        await self._clean_up(transfer_id)
        await self._engine.journal.written()
        return transfer

    async def remove(self, transfer_id: str) -> None:
        """Forget a finished transfer, and drop the parts that were kept for a retry."""
        transfer = self.get(transfer_id)
        if transfer.state not in FINAL:
            raise Conflict(f"The transfer is {transfer.state}; cancel it first.")
        del self._transfers[transfer_id]
        self._records.delete(transfer)
        self.events.removed(transfer_id)
        await self._clean_up(transfer_id)

    async def _clean_up(self, transfer_id: str) -> None:
        """Drop a transfer's pending writes; after :data:`CLEANUP_SECONDS` this continues in the background."""
        task = asyncio.ensure_future(self._drop(self._engine.pending_writes.of_transfer(transfer_id)))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        done, _ = await asyncio.wait([task], timeout=CLEANUP_SECONDS)
        if done:
            await task

    # --- start and stop of the server -----------------------------------------------------------------------------

    async def restore(self) -> None:
        """Load the transfers of an earlier server and continue those that were running."""
        for transfer in self._records.load(self, self._engine.pending_writes):
            self._transfers[transfer.id] = transfer
            self.events.changed(transfer.id)
            if transfer.state == "queued":
                self._begin(transfer)
        await self.wake()  # this server can have the connection or token that was missing in the earlier one

    def save_all(self) -> None:
        """Write all transfers again, because the journal was lost."""
        for transfer in self._transfers.values():
            self._records.save_with(transfer, transfer.files)

    async def wake(self) -> None:
        """Queue the transfers that wait for a connection or a token, because the settings have changed."""
        for transfer in self.list():
            if transfer.state == "paused" and transfer.needs:
                self._requeue(transfer)

    async def stop(self, seconds: float) -> None:
        """Stop all tasks without changing the journal, so that the next server continues as after a kill.

        Waits at most ``seconds``.
        """
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self.events.close()

    async def forget_old(self) -> None:
        """Forget finished transfers that are too many or too old."""
        finished = [transfer for transfer in self.list() if transfer.state in FINAL]
        oldest = datetime.now(UTC) - self._keep_finished
        files = 0
        for number, transfer in enumerate(finished, 1):
            files += len(transfer.files) if transfer.is_done else 0  # a failed transfer keeps its files for a retry
            too_many_files = transfer.is_done and files > MAX_FINISHED_FILES and number > 1
            too_many = number >= MAX_FINISHED_TRANSFERS or too_many_files
            if not too_many and (transfer.finished_at or transfer.created_at) >= oldest:
                continue
            # It can have changed while an older one was removed.
            if self.find(transfer.id) is transfer and transfer.state in FINAL:
                await self.remove(transfer.id)

    # --- running --------------------------------------------------------------------------------------------------

    def _begin(self, transfer: Transfer) -> None:
        task = asyncio.create_task(self._run(transfer), name=f"transfer {transfer.id}")
        self._tasks[transfer.id] = task
        task.add_done_callback(lambda _: self._ended(transfer, task))
        self.events.changed(transfer.id)

    def _requeue(self, transfer: Transfer) -> None:
        transfer.resumed = True
        self._pausing.discard(transfer.id)
        transfer.transition_to("queued")
        self._begin(transfer)

    async def _end(self, transfer_id: str) -> None:
        """Cancel a transfer's task, if any, and wait until it has ended."""
        if task := self._tasks.get(transfer_id):
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0)  # so that the task's done callback runs

    async def _run(self, transfer: Transfer) -> None:
        try:
            transfer.transition_to("running")
            await self._work.run(transfer)
            transfer.transition_to("completed")
        except asyncio.CancelledError:
            self._interrupted(transfer)
        except TransferBlocked as error:
            transfer.transition_to("paused", error, error.needs)
        except OdhTecError as error:
            transfer.transition_to("failed", error)
        except Exception as error:
            self._log.exception("Transfer %s failed.", transfer.id)
            transfer.transition_to(
                "failed", OdhTecError(f"Unexpected error ({type(error).__name__}). Details are in the server log.")
            )

    def _ended(self, transfer: Transfer, task: asyncio.Task[None]) -> None:
        if self._tasks.get(transfer.id) is not task:  # it has already been resumed
            return
        del self._tasks[transfer.id]
        if transfer.state == "queued" and task.cancelled():  # before its first step
            self._interrupted(transfer)
        self._pausing.discard(transfer.id)

    def _interrupted(self, transfer: Transfer) -> None:
        if self._stopping:
            return
        if transfer.id in self._pausing:
            for file in transfer.files:
                if file.state == "running":
                    file.transition_to("queued")
            transfer.transition_to("paused")
        else:
            self._cancelled(transfer)

    def _cancelled(self, transfer: Transfer) -> None:
        for file in transfer.files:
            if file.state in {"queued", "running"}:
                if file.bytes_done:
                    file.add(-file.bytes_done)
                file.state = "cancelled"
        transfer.transition_to("cancelled")
        # The files of a deletion are in the journal although it is never planned.
        if (transfer.planned or transfer.action == "delete") and transfer.id in self._transfers:
            self._records.save_files(transfer, *transfer.files)

    # --- Watcher --------------------------------------------------------------------------------------------------

    def progressed(self, transfer: Transfer) -> None:
        """Notify viewers."""
        self.events.changed(transfer.id)

    def state_changed(self, transfer: Transfer) -> None:
        """Save the transfer and notify viewers."""
        if transfer.id in self._transfers:
            self._records.save(transfer)
        self.events.changed(transfer.id)
        if transfer.state in FINAL:
            self.on_audit("finish", transfer)

    def files_planned(self, transfer: Transfer) -> None:
        """Save the transfer, whose files are saved already, and notify viewers."""
        if transfer.id in self._transfers:
            self._records.save(transfer)
        self.events.changed(transfer.id)

    def files_added(self, transfer: Transfer, files: Collection[TransferFile]) -> None:
        """Save the transfer with these files, and notify viewers."""
        if transfer.id in self._transfers:
            self._records.save_with(transfer, files)
        self.events.changed(transfer.id)

    def files_settled(
        self, transfer: Transfer, gone: Collection[TransferFile], failed: Collection[TransferFile]
    ) -> None:
        """Save the counts and the failed files, delete the others from the journal, and notify viewers."""
        if transfer.id in self._transfers:
            self._records.save_with(transfer, failed, gone)
        self.events.changed(transfer.id)

    def files_cleared(self, transfer: Transfer) -> None:
        """Delete the transfer's files from the journal."""
        if transfer.id in self._transfers:
            self._records.delete_files(transfer)

    def file_state_changed(self, transfer: Transfer, file: TransferFile) -> None:
        """Save the file if another process needs its state, and notify viewers."""
        if transfer.id in self._transfers and (transfer.planned or file.state == "failed"):
            self._records.save_files(transfer, file)
        self.events.changed(transfer.id)
