"""The queue: it owns every transfer, runs it, pauses, cancels and retries it, and tells about it.

A transfer belongs to the server: closing a tab changes nothing. It outlives the server, too: what is not finished when
a server ends goes on when the next one starts. The manager knows the states, not the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from odhtec_jupyter.errors import Conflict, NotFound, OdhTecError
from odhtec_jupyter.transfers.events import EventLog
from odhtec_jupyter.transfers.jobs.jobs import TransferBlocked
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.journal.transfer_records import TransferRecords
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.transfer import FINAL, Action, Options, Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile

MAX_FINISHED_TRANSFERS = 200  # finished transfers that stay listed
CLEANUP_SECONDS = 15.0  # that a user waits for after a cancellation; what takes longer is cleaned up meanwhile
MAX_FINISHED_FILES = 50_000  # of all finished transfers together; the oldest go first


class Work(Protocol):
    """What the manager has done for a transfer."""

    async def run(self, transfer: Transfer) -> None:
        """Do what is left of it. Raises :class:`OdhTecError`, or :class:`TransferBlocked` when it cannot start yet."""
        ...


Drop = Callable[[Iterable[PendingWrite]], Awaitable[None]]


class TransferManager:
    """All transfers of this server."""

    def __init__(
        self, engine: Engine, work: Work, drop: Drop, *, keep_finished: timedelta, log: logging.Logger
    ) -> None:
        """``drop`` leaves nothing of what was begun and will not go on; ``keep_finished`` is a time."""
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

    @property
    def active(self) -> int:
        """How many transfers run or wait for their turn."""
        return len(self._tasks)

    def list(self) -> list[Transfer]:
        """Newest first."""
        return sorted(self._transfers.values(), key=lambda transfer: transfer.created_at, reverse=True)

    def get(self, transfer_id: str) -> Transfer:
        """The transfer of this id. Raises :class:`NotFound`."""
        try:
            return self._transfers[transfer_id]
        except KeyError:
            raise NotFound(f"There is no transfer {transfer_id}.", code="NoSuchTransfer") from None

    def find(self, transfer_id: str) -> Transfer | None:
        """The transfer of this id, if it is still known."""
        return self._transfers.get(transfer_id)

    # --- what users do --------------------------------------------------------------------------------------------

    def new(self, action: Action, source: str, target: str, options: Options | None = None) -> Transfer:
        """A transfer to be :meth:`start`\\ ed; nobody sees it before."""
        return Transfer(action, source, target, options or Options(), watcher=self)

    async def start(self, transfer: Transfer) -> Transfer:
        """Take it in and let it run; returns when it is in the journal."""
        await self.forget_old()
        self._transfers[transfer.id] = transfer
        self._records.save(transfer)
        self._records.save_files(transfer, *transfer.files)
        await self._engine.journal.written()
        if transfer.state == "queued" and transfer.id not in self._tasks:  # it can be seen, so it can be paused by now
            self._begin(transfer)
        return transfer

    async def pause(self, transfer_id: str) -> Transfer:
        """Stop for now and keep what has arrived; returns when nothing moves any more."""
        transfer = self.get(transfer_id)
        if transfer.state not in {"queued", "running"}:
            raise Conflict(f"The transfer is {transfer.state}; only a running transfer can be paused.")
        self._pausing.add(transfer_id)
        await self._end(transfer_id)
        if transfer.state == "queued" and transfer_id not in self._tasks:  # it had not begun
            self._pausing.discard(transfer_id)
            transfer.transition_to("paused")
        await self._engine.journal.written()
        return transfer

    async def resume(self, transfer_id: str) -> Transfer:
        """Go on where it was paused."""
        transfer = self.get(transfer_id)
        if transfer.state != "paused":
            raise Conflict(f"The transfer is {transfer.state}; only a paused transfer can be resumed.")
        self._requeue(transfer)
        return transfer

    async def retry(self, transfer_id: str) -> Transfer:
        """Try what failed again, and nothing else."""
        transfer = self.get(transfer_id)
        if transfer.state != "failed":
            raise Conflict(f"The transfer is {transfer.state}; only a failed transfer can be retried.")
        for file in transfer.files:
            if file.state == "failed":
                file.transition_to("queued")
        self._requeue(transfer)
        return transfer

    async def cancel(self, transfer_id: str) -> Transfer:
        """Stop and clean up; returns when nothing half-written is left, unless the store takes too long to answer.

        A completed one stays as it is (409).
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
        """Forget a finished transfer, with the parts that a failed one had kept for a retry."""
        transfer = self.get(transfer_id)
        if transfer.state not in FINAL:
            raise Conflict(f"The transfer is {transfer.state}; cancel it first.")
        del self._transfers[transfer_id]
        self._records.delete(transfer)
        self.events.removed(transfer_id)
        await self._clean_up(transfer_id)

    async def _clean_up(self, transfer_id: str) -> None:
        """Drop what a transfer had begun; what a store does not answer in time goes on by itself."""
        task = asyncio.ensure_future(self._drop(self._engine.pending_writes.of_transfer(transfer_id)))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        done, _ = await asyncio.wait([task], timeout=CLEANUP_SECONDS)
        if done:
            await task

    # --- the server's life ----------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Take in what an earlier server left, and go on with what ran."""
        for transfer in self._records.load(self, self._engine.pending_writes):
            self._transfers[transfer.id] = transfer
            self.events.changed(transfer.id)
            if transfer.state == "queued":
                self._begin(transfer)
        await self.wake()  # what an earlier server waited for may be there in this one

    def save_all(self) -> None:
        """Write all down again: the journal has lost them."""
        for transfer in self._transfers.values():
            self._records.save_with(transfer, transfer.files)

    async def wake(self) -> None:
        """The settings have changed: what waits for a connection or a token may have it now."""
        for transfer in self.list():
            if transfer.state == "paused" and transfer.needs:
                self._requeue(transfer)

    async def stop(self, seconds: float) -> None:
        """End what runs without a trace in the journal: the next server goes on, as after a kill.

        Waits so many ``seconds`` at most.
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
            files += len(transfer.files) if transfer.is_done else 0  # a failed one can be tried again
            too_many_files = transfer.is_done and files > MAX_FINISHED_FILES and number > 1
            too_many = number >= MAX_FINISHED_TRANSFERS or too_many_files
            if not too_many and (transfer.finished_at or transfer.created_at) >= oldest:
                continue
            if self.find(transfer.id) is transfer and transfer.state in FINAL:  # may have changed during the last one
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
        """Stop its task, if it has one, and wait until that is done."""
        if task := self._tasks.get(transfer_id):
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0)  # until its end is told

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
        if self._tasks.get(transfer.id) is not task:  # it was resumed already
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
        if transfer.planned and transfer.id in self._transfers:
            self._records.save_files(transfer, *transfer.files)

    # --- telling ---------------------------------------------------------------------------------------------------

    def progressed(self, transfer: Transfer) -> None:
        """Viewers hear of it soon."""
        self.events.changed(transfer.id)

    def state_changed(self, transfer: Transfer) -> None:
        """The journal and the viewers hear of it."""
        if transfer.id in self._transfers:
            self._records.save(transfer)
        self.events.changed(transfer.id)

    def files_planned(self, transfer: Transfer) -> None:
        """The journal gets its files."""
        if transfer.id in self._transfers:
            self._records.save_files(transfer, *transfer.files)
            self._records.save(transfer)
        self.events.changed(transfer.id)

    def files_added(self, transfer: Transfer, files: Collection[TransferFile]) -> None:
        """The journal gets them."""
        if transfer.id in self._transfers:
            self._records.save_with(transfer, files)
        self.events.changed(transfer.id)

    def files_settled(
        self, transfer: Transfer, gone: Collection[TransferFile], failed: Collection[TransferFile]
    ) -> None:
        """The journal gets the counts, and drops the files that are no more."""
        if transfer.id in self._transfers:
            self._records.save_with(transfer, failed, gone)
        self.events.changed(transfer.id)

    def files_cleared(self, transfer: Transfer) -> None:
        """The journal drops its files."""
        if transfer.id in self._transfers:
            self._records.delete_files(transfer)

    def file_state_changed(self, transfer: Transfer, file: TransferFile) -> None:
        """The journal hears of what is worth knowing in another process."""
        if transfer.id in self._transfers and (transfer.planned or file.state == "failed"):
            self._records.save_files(transfer, file)
        self.events.changed(transfer.id)
