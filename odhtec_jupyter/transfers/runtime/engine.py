"""What all transfers share: memory, turns, threads and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.interruption import ended_by
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrites
from odhtec_jupyter.transfers.runtime.memory_budget import MemoryBudget
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled, Retries

T = TypeVar("T")
MAX_THREADS = 24
MAX_RECEIVER_THREADS = 8
CLIENT_TURN_SECONDS = 0.1  # seconds after which a thread that reads or sends for a client lets others have its place
CLIENT_WAIT_MS = 20  # that it waits for that client
# After a cancellation: what a store does with a request it has answered is known, so there is less to clean up.
ANSWER_SECONDS = 15.0
NICENESS = 19  # of these threads: where all processors are busy, the event loop and the kernels come first


class Slots:
    """How many files move at once, over all transfers; first come, first served. The limit may change meanwhile."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """The present limit."""
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        self._limit = value
        self._serve()

    async def __aenter__(self) -> None:
        if self._taken < self._limit and not self._waiting:
            self._taken += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                await self.__aexit__()
            with contextlib.suppress(ValueError):  # it may have been passed over already
                self._waiting.remove(future)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._taken -= 1
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._taken < self._limit:
            future = self._waiting.popleft()
            if not future.done():
                self._taken += 1
                future.set_result(None)


class Engine:
    """Memory by bytes, files by slots, blocking work by threads; what must survive in the journal."""

    def __init__(self, *, max_memory: int, max_concurrent_transfers: int, journal: Journal) -> None:
        self.journal = journal
        self.pending_writes = PendingWrites(journal)
        self.budget = MemoryBudget(max_memory)
        self.slots = Slots(max_concurrent_transfers)
        self.reading: set[CancelToken] = set()  # the downloads that go on now, each by what ends it
        self.threads = DaemonThreads(MAX_THREADS, thread_name_prefix="odhtec-transfer", initializer=_step_back)
        self._receivers = DaemonThreads(
            MAX_RECEIVER_THREADS, thread_name_prefix="odhtec-receive", initializer=_step_back
        )

    async def in_thread(self, stop: CancelToken, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run blocking work. When cancelled, tells it to stop and waits until it has let go of its buffer.

        A request that a store does not answer is ended :data:`ANSWER_SECONDS` after the cancellation.
        """
        return await self._run(self.threads, stop, lambda: call(*args, **kwargs))

    async def receive(self, stop: CancelToken, call: Callable[[], T]) -> T:
        """The same for what a sender sends, in threads that no store can keep: their senders would look slow."""
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
        """End the downloads and the threads; what else these do now they finish."""
        for stop in self.reading:
            stop.set()
        for threads in (self.threads, self._receivers):
            threads.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    """Lower the priority of the calling thread; only Linux has one for each thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the whole server has a lower one already
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


async def settled(future: asyncio.Future[Any]) -> None:
    """Wait until ``future`` is done whatever comes, a second cancellation included."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()  # looked at, so that asyncio does not warn


async def finishing(work: Coroutine[Any, Any, T]) -> T:
    """Run cleanup to its end even while being cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settled(task)
        raise


class Group:
    """Tasks of which the first error stops the others.

    asyncio's own forgets, before Python 3.13, a cancellation that comes while it stops the others.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._error: BaseException | None = None

    def create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside the others."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if self._stopped:
            task.cancel()

    def stop(self) -> None:
        """Cancel those that run."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Until all have ended. Raises the first error; a cancellation goes before it."""
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
    """A group of tasks of which the first error stops the others and is raised as it is."""
    group = Group()
    try:
        yield group
    except BaseException:
        group.stop()
        with contextlib.suppress(Exception):
            await group.wait()
        raise
    await group.wait()
