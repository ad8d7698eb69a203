"""The queue: it owns every transfer, runs it, cancels it, and tells about it.

A transfer belongs to the server: closing a tab changes nothing. What a transfer does is its *job*, a coroutine that
gets the transfer and reports through it; the manager knows the states, not the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from odhtec_jupyter.errors import Conflict, NotFound, OdhTecError
from odhtec_jupyter.transfers.engine import Engine, together
from odhtec_jupyter.transfers.events import EventLog
from odhtec_jupyter.transfers.state import FINAL, Action, Transfer, TransferFile

KEPT = 200  # finished transfers that stay listed
KEPT_FILES = 50_000  # of all finished transfers together; the oldest go first
FILES_IN_A_ROW = 200  # before others get their turn on the event loop
STOP_TIMEOUT = 10.0  # seconds for cleaning up when the server stops

Job = Callable[[Transfer], Awaitable[None]]


@dataclass(frozen=True)
class FileJob:
    """One file of a transfer and the work it takes; ``run`` reports bytes through the file."""

    file: TransferFile
    run: Callable[[TransferFile], Awaitable[None]]


class TransferManager:
    """All transfers of this server."""

    def __init__(self, engine: Engine, *, log: logging.Logger) -> None:
        self.engine = engine
        self.events = EventLog()
        self._log = log
        self._transfers: dict[str, Transfer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def active(self) -> int:
        """How many transfers are not finished."""
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

    def new(self, action: Action, source: str, target: str) -> Transfer:
        """A transfer to be given its files and then :meth:`start`\\ ed; nobody sees it before."""
        return Transfer(action, source, target, on_change=lambda transfer: self.events.changed(transfer.id))

    def start(self, transfer: Transfer, job: Job) -> Transfer:
        """Queue it and let it run."""
        self._forget_oldest()
        self._transfers[transfer.id] = transfer
        task = asyncio.create_task(self._run(transfer, job), name=f"transfer {transfer.id}")
        self._tasks[transfer.id] = task
        task.add_done_callback(lambda _: self._ended(transfer))
        self.events.changed(transfer.id)
        return transfer

    async def cancel(self, transfer_id: str) -> Transfer:
        """Stop and clean up; returns when nothing half-written is left. A finished one stays as it is (409)."""
        transfer = self.get(transfer_id)
        task = self._tasks.get(transfer_id)
        if task is None:
            raise Conflict(f"The transfer is {transfer.state} already.")
        task.cancel()
        await asyncio.wait([task])
        return transfer

    def remove(self, transfer_id: str) -> None:
        """Forget a finished transfer."""
        transfer = self.get(transfer_id)
        if transfer.state not in FINAL:
            raise Conflict(f"The transfer is {transfer.state}; cancel it first.")
        del self._transfers[transfer_id]
        self.events.removed(transfer_id)

    async def stop(self) -> None:
        """Cancel what runs, within :data:`STOP_TIMEOUT`."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_TIMEOUT)
        self.events.close()

    def _forget_oldest(self) -> None:
        finished = [transfer for transfer in self.list() if transfer.state in FINAL]
        files = 0
        for number, transfer in enumerate(finished, 1):
            files += len(transfer.files)
            if number >= KEPT or files > KEPT_FILES:
                self.remove(transfer.id)

    async def _run(self, transfer: Transfer, job: Job) -> None:
        try:
            transfer.move("running")
            await job(transfer)
            transfer.move("completed")
        except asyncio.CancelledError:
            for file in transfer.files:
                if file.state in {"queued", "running"}:
                    file.move("cancelled")
            transfer.move("cancelled")
        except OdhTecError as error:
            transfer.move("failed", error)
        except Exception as error:
            self._log.exception("Transfer %s failed.", transfer.id)
            transfer.move("failed", OdhTecError(f"Something unexpected went wrong ({type(error).__name__})."))

    def _ended(self, transfer: Transfer) -> None:
        del self._tasks[transfer.id]
        if transfer.state not in FINAL:  # cancelled before its first step
            transfer.move("cancelled")

    async def run_files(self, jobs: Iterable[FileJob]) -> None:
        """Run a transfer's files, as many at once as there are slots; one that fails does not stop the others.

        Raises the first failure at the end, with the count in its message when there were several.
        """
        todo = iter(jobs)
        failures: list[OdhTecError] = []

        async def worker() -> None:
            for number, job in enumerate(todo, 1):
                if number % FILES_IN_A_ROW == 0:  # files that are skipped wait for nothing
                    await asyncio.sleep(0)
                async with self.engine.slots:
                    if error := await self._run_file(job):
                        failures.append(error)

        # As many workers as there may ever be slots: the limit can be raised meanwhile.
        async with together() as group:
            for _ in range(64):
                group.create_task(worker())
        if failures:
            first = failures[0]
            more = f" ({len(failures)} files failed.)" if len(failures) > 1 else ""
            raise OdhTecError(f"{first}{more}", code=first.code, status=first.status)

    async def _run_file(self, job: FileJob) -> OdhTecError | None:
        file = job.file
        file.move("running")
        try:
            await job.run(file)
        except OdhTecError as error:
            file.add(-file.bytes_done)
            file.move("failed", error)
            return error
        except asyncio.CancelledError:
            file.move("cancelled")
            raise
        except Exception as unexpected:
            self._log.exception("A file of a transfer failed.")
            failed = OdhTecError(f"Something unexpected went wrong ({type(unexpected).__name__}).")
            file.add(-file.bytes_done)
            file.move("failed", failed)
            return failed
        if file.state == "running":
            file.move("completed")
        return None
