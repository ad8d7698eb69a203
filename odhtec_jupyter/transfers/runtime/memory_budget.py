"""One budget of memory for all bytes in flight.

Peak memory = the idle server + ``total`` + about 1 MiB for each open connection. A part takes its size from the
budget before a byte of it is read, and gives it back when it is stored; requests are served in order. Uploads and
copies are two lanes, and neither can use the last two parts of the other: a slow sender cannot stop an import.
All methods belong to the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

from odhtec_jupyter.transfers.runtime.parts import PART_SIZE

Lane = Literal["upload", "copy"]
IDLE_SECONDS = 2.0  # after which unused buffers are freed
RESERVED_BYTES = 2 * PART_SIZE


class Lease:
    """A buffer of the requested size. Give it back with :meth:`release` or by leaving the context."""

    def __init__(self, budget: MemoryBudget, memory: mmap.mmap, size: int, lane: Lane) -> None:
        self._budget = budget
        self._memory: mmap.mmap | None = memory
        self.size = size
        self.lane = lane
        self.view = memoryview(memory)[:size]

    def release(self) -> None:
        """Give the memory back. No thread may use the view after that. Can be called twice."""
        memory, self._memory = self._memory, None
        if memory is not None:
            self._budget._give_back(memory, self.size, self.lane)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@dataclass(eq=False)
class _Waiting:
    size: int
    lane: Lane
    future: asyncio.Future[Lease]


class MemoryBudget:
    """``total`` bytes, leased as buffers in the order of the requests."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._used: dict[Lane, int] = {"upload": 0, "copy": 0}
        self._waiting: deque[_Waiting] = deque()
        # The buffers of parts are kept for the next parts: new memory of the kernel costs a page fault for each 4 KiB.
        self._spare: list[mmap.mmap] = []
        self._idle: asyncio.TimerHandle | None = None

    @property
    def largest(self) -> int:
        """The largest size of a lease."""
        return self.total - RESERVED_BYTES

    @property
    def used(self) -> int:
        """The leased bytes."""
        return self._used["upload"] + self._used["copy"]

    def contended(self, lane: Lane) -> bool:
        """Return whether a request waits for this lane's memory: one of this lane, or of the other if that has none."""
        other: Lane = "copy" if lane == "upload" else "upload"
        lanes = {waiting.lane for waiting in self._waiting}
        return lane in lanes or (other in lanes and not self._used[other])

    async def lease(self, size: int, lane: Lane) -> Lease:
        """Return a buffer of ``size`` bytes as soon as it fits and no earlier request waits."""
        if not 0 < size <= self.largest:
            raise ValueError(f"a lease can have from 1 to {self.largest} bytes, not {size}")
        waiting = _Waiting(size, lane, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._serve()
        try:
            return await waiting.future
        except asyncio.CancelledError:
            if waiting.future.done() and not waiting.future.cancelled():
                waiting.future.result().release()
            with contextlib.suppress(ValueError):  # it may have been skipped already
                self._waiting.remove(waiting)
            self._serve()
            raise

    def lease_now(self, size: int, lane: Lane) -> Lease | None:
        """Return a buffer of ``size`` bytes if it is free and no request waits, otherwise None."""
        free = self.used + size <= self.total and self._used[lane] + size <= self.largest
        return self._take(size, lane) if free and not self._waiting else None

    def _take(self, size: int, lane: Lane) -> Lease:
        self._used[lane] += size
        for index, memory in enumerate(self._spare):
            if len(memory) == size:
                return Lease(self, self._spare.pop(index), size, lane)
        self._trim()
        return Lease(self, mmap.mmap(-1, size), size, lane)

    def _give_back(self, memory: mmap.mmap, size: int, lane: Lane) -> None:
        self._used[lane] -= size
        if size >= PART_SIZE:
            self._spare.append(memory)
            self._trim()
        else:
            _free(memory)
        self._serve()
        if self._idle is not None:
            self._idle.cancel()
        if not self.used:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._free_spare)

    def _trim(self) -> None:
        """Free kept buffers, the oldest first: they count as memory, too."""
        while self._spare and self.used + sum(map(len, self._spare)) > self.total:
            _free(self._spare.pop(0))

    def _free_spare(self) -> None:
        """Free all kept buffers after a time without requests."""
        if not self.used:
            while self._spare:
                _free(self._spare.pop())

    def _serve(self) -> None:
        """Serve requests in order. One that waits for its lane is skipped, one that waits for the total is not."""
        full: set[Lane] = set()
        for waiting in list(self._waiting):
            if waiting.lane in full:
                continue
            if self._used[waiting.lane] + waiting.size > self.largest:
                full.add(waiting.lane)
                continue
            if self.used + waiting.size > self.total:
                break
            self._waiting.remove(waiting)
            if not waiting.future.done():
                waiting.future.set_result(self._take(waiting.size, waiting.lane))


def _free(memory: mmap.mmap) -> None:
    """Return memory to the kernel, or later, when the last slice of it is deleted."""
    with contextlib.suppress(BufferError):
        memory.close()
