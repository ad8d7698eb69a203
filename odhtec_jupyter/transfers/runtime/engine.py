"""What all transfers share: memory, bandwidth, slots, threads and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.interruption import ended_by
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrites
from odhtec_jupyter.transfers.runtime.adaptive_limit import AdaptiveLimits
from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth
from odhtec_jupyter.transfers.runtime.memory_budget import MemoryBudget
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled, Retries
from odhtec_jupyter.transfers.runtime.slots import Slots

T = TypeVar("T")
MAX_THREADS = 24  # besides those for small files
MAX_RECEIVER_THREADS = 8
MAX_LIMITED_THREADS = 40  # more, while as many wait for the bandwidth limit: the other transfers need threads, too
CLIENT_TURN_SECONDS = 0.1  # after which a thread that reads or sends for a client serves another one
CLIENT_WAIT_MS = 20  # for which such a thread waits for its client
# After a cancellation. The result of an answered request is known, so less has to be cleaned up.
ANSWER_SECONDS = 15.0
NICENESS = 19  # of these threads: on busy processors, the event loop and the kernels go first


class Engine:
    """The memory budget, the bandwidth, the slots for files, the threads for blocking work, and the journal."""

    def __init__(
        self,
        *,
        max_memory: int,
        max_concurrent_transfers: int,
        max_small_files: int = 64,
        max_bandwidth: int = 0,
        journal: Journal,
    ) -> None:
        self.journal = journal
        self.pending_writes = PendingWrites(journal)
        self.budget = MemoryBudget(max_memory)
        self.bandwidth = Bandwidth(max_bandwidth)
        self.slots = Slots(max_concurrent_transfers)  # for the larger files of all transfers
        self.small_files = AdaptiveLimits(max_small_files)
        self.reading: set[CancelToken] = set()  # one token for each running download
        self.threads = DaemonThreads(
            MAX_THREADS + max_small_files,
            thread_name_prefix="odhtec-transfer",
            initializer=_step_back,
            max_replaced=MAX_LIMITED_THREADS,
        )
        self.bandwidth.around_waits = self.threads.replaced
        self._receivers = DaemonThreads(
            MAX_RECEIVER_THREADS, thread_name_prefix="odhtec-receive", initializer=_step_back
        )

    async def in_thread(self, stop: CancelToken, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run blocking work in a thread. When cancelled, stop the work and wait until it no longer uses its buffer.

        A request that a store does not answer is ended :data:`ANSWER_SECONDS` after the cancellation.
        """
        return await self._run(self.threads, stop, lambda: call(*args, **kwargs))

    async def receive(self, stop: CancelToken, call: Callable[[], T]) -> T:
        """Like :meth:`in_thread`, for reading from clients: in threads of its own, which a slow store cannot occupy."""
        return await self._run(self._receivers, stop, call)

    async def _run(self, threads: Executor, stop: CancelToken, call: Callable[[], T]) -> T:
        def run() -> T:
            with ended_by(stop):
                return call()

        future = asyncio.get_running_loop().run_in_executor(threads, run)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            late = asyncio.get_running_loop().call_later(ANSWER_SECONDS, stop.cut)
            await settled(future)
            late.cancel()
            raise
        except OperationCancelled:
            raise asyncio.CancelledError from None

    async def attempt(self, stop: CancelToken, call: Callable[[], T]) -> T:
        """Run blocking work in a thread, and again after transient errors. No thread waits between two attempts."""
        retries = Retries()
        while True:
            try:
                return await self.in_thread(stop, call)
            except OdhTecError as error:
                if stop.is_set():
                    raise
                await retries.sleep(error)

    def close(self) -> None:
        """End the downloads and stop the threads when their current work is finished."""
        for stop in self.reading:
            stop.set()
        for threads in (self.threads, self._receivers):
            threads.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    """Lower the priority of the calling thread. Only Linux has priorities of threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the whole server already has a lower one
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


async def settled(future: asyncio.Future[Any]) -> None:
    """Wait until ``future`` is done, even through further cancellations."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()  # retrieved, so that asyncio does not warn


async def finishing(work: Coroutine[Any, Any, T]) -> T:
    """Run cleanup to its end, even when cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settled(task)
        raise


class Group:
    """Tasks that are all stopped by the first error.

    asyncio's own forgets, before Python 3.13, a cancellation that comes while it stops the others.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._error: BaseException | None = None

    def create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._stopped:
            task.cancel()

    def stop(self) -> None:
        """Cancel the running tasks."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Wait until all have ended. Raises the cancellation, if there was one, else the first error."""
        cancelled: asyncio.CancelledError | None = None
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError as error:
                cancelled = error
                self.stop()
        if cancelled or self._error:
            raise cancelled or self._error  # type: ignore[misc]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and self._error is None:
            self._error = error
            self.stop()


@asynccontextmanager
async def together() -> AsyncIterator[Group]:
    """A group of tasks. The first error stops the others and is raised unchanged."""
    group = Group()
    try:
        yield group
    except BaseException:
        group.stop()
        with contextlib.suppress(Exception):
            await group.wait()
        raise
    await group.wait()
