"""Memory for objects that are read before it is their turn to be sent: one lease of the budget, used as a ring.

Objects are sent in the order in which they were read, so the oldest memory becomes free first. While a transfer waits
for memory, the lease is given back, and an object that was read is requested again when it is its turn: a client that
stalls keeps no memory from transfers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from odhtec_jupyter.transfers.runtime.memory_budget import Lease, MemoryBudget
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE

RING_BYTES = PART_SIZE  # like a part, whose buffers the budget keeps
CHECK_SECONDS = 0.5  # between two checks whether a transfer waits for memory, or whether some is free again


class ReadAhead:
    """The memory of one archive. Create and close it in the event loop; blocks belong to threads."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._leaving: Lease | None = None  # given back as soon as no thread writes into it
        self._number = 0  # of the lease: blocks of an earlier one are lost
        self._start = self._end = 0  # of the used bytes; they only grow, the position in the ring is the remainder
        self._writing = 0  # threads
        self._wanted = False  # an object needed memory when there was none
        self._closed = False
        self._timer = self._loop.call_later(CHECK_SECONDS, self._check)
        self._acquire()

    @property
    def is_available(self) -> bool:
        """Whether there is memory, even if all of it is in use."""
        return self._lease is not None

    def block(self, size: int) -> Block | None:
        """Return memory for an object, None if there is none at the moment. Free it in the order of these calls."""
        with self._lock:
            if self._lease is None:
                self._wanted = True
                return None
            ring = self._lease.size
            start = self._end
            if start % ring + size > ring:  # a block is contiguous
                start += ring - start % ring
            if start + size - self._start > ring:
                return None
            self._end = start + size
            return Block(self, self._number, self._lease.view[start % ring :][:size], self._end)

    def close(self) -> None:
        """Give the memory back."""
        self._closed = True
        self._timer.cancel()
        self._give_back()

    def _acquire(self) -> None:
        if self._closed or self._lease is not None or self._leaving is not None:
            return
        if lease := self._budget.lease_now(min(RING_BYTES, self._budget.largest), "copy"):
            with self._lock:
                self._lease, self._start, self._end = lease, 0, 0

    def _check(self) -> None:
        if self._lease is not None and self._budget.contended("copy"):
            self._give_back()
        elif self._wanted:
            self._acquire()
        self._timer = self._loop.call_later(CHECK_SECONDS, self._check)

    def _give_back(self) -> None:
        with self._lock:
            lease, self._lease = self._lease, None
            self._number += 1
            if lease is not None and self._writing:
                self._leaving, lease = lease, None
        if lease is not None:
            lease.release()


class Block:
    """Memory for one object: written by one thread, then read by another."""

    def __init__(self, memory: ReadAhead, number: int, view: memoryview, end: int) -> None:
        self._memory = memory
        self._number = number
        self._view = view
        self._end = end
        self._filled = False

    def fill(self, read: Callable[[memoryview], None]) -> None:
        """Let ``read`` fill the memory, unless it was given back."""
        memory = self._memory
        with memory._lock:
            if self._is_lost:
                return
            memory._writing += 1
        try:
            read(self._view)
            self._filled = True
        finally:
            with memory._lock:
                memory._writing -= 1
                leaving = None if memory._writing else memory._leaving
                if leaving is not None:
                    memory._leaving = None
                    with suppress(RuntimeError):  # the event loop has been closed
                        memory._loop.call_soon_threadsafe(leaving.release)

    def copy(self, start: int, target: memoryview) -> int:
        """Copy bytes from ``start`` into ``target``. Returns their number, 0 if the memory was given back."""
        with self._memory._lock:
            if self._is_lost or not self._filled:
                return 0
            piece = self._view[start : start + len(target)]
            target[: len(piece)] = piece
            return len(piece)

    def free(self) -> None:
        """Let the next objects use the memory. Can be called twice."""
        with self._memory._lock:
            if not self._is_lost:
                self._memory._start = max(self._memory._start, self._end)

    @property
    def _is_lost(self) -> bool:
        return self._number != self._memory._number
