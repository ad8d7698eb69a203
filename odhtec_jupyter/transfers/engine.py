"""What all transfers share: memory, turns and threads."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.transfers.budget import MemoryBudget
from odhtec_jupyter.transfers.retry import ATTEMPTS, Stopped, StopSign, delay

T = TypeVar("T")
THREADS = 24


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
    """Memory by bytes, files by slots, blocking work by threads."""

    def __init__(self, *, max_memory: int, max_concurrent_transfers: int) -> None:
        self.budget = MemoryBudget(max_memory)
        self.slots = Slots(max_concurrent_transfers)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="odhtec-transfer")

    async def in_thread(self, stop: StopSign, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run blocking work. When cancelled, tells it to stop and waits until it has let go of its buffer."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self.threads, lambda: call(*args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            await settled(future)
            raise
        except Stopped:
            raise asyncio.CancelledError from None

    async def attempt(self, stop: StopSign, call: Callable[[], T]) -> T:
        """Run blocking work in a thread, again after transient errors; the waiting between holds no thread."""
        for number in range(1, ATTEMPTS + 1):
            try:
                return await self.in_thread(stop, call)
            except OdhTecError as error:
                if not error.transient or number == ATTEMPTS or stop.is_set():
                    raise
                await asyncio.sleep(delay(number, error))
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """End the threads; what they do now they finish."""
        self.threads.shutdown(wait=False, cancel_futures=True)


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


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group of which the first error stops the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
