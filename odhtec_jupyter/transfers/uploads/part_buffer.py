"""Memory for one part of an upload while its sender fills it, and the watch on a sender that does not.

While others wait for memory, who stands still must not keep its own; while nobody waits, it may take its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from odhtec_jupyter.errors import SlowSender
from odhtec_jupyter.transfers.runtime.memory_budget import Lease, MemoryBudget
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

MAX_IDLE_SECONDS = 15.0  # without bytes from a sender, while others wait for memory
MIN_BYTES_PER_SECOND = 64 * 1024  # from one sender, while others wait for memory


class Incoming(Protocol):
    """The body of a request."""

    async def read(self, room: memoryview) -> int:
        """Put bytes there; how many."""
        ...

    def sender(self) -> SocketReader | None:
        """The socket it comes from, where it comes quickly and a thread may read there now."""
        ...


class PartBuffer:
    """A lease that fills. It ends with :meth:`take` or :meth:`drop`; belongs to the event loop."""

    def __init__(self, budget: MemoryBudget, lease: Lease, name: str, on_slow: Callable[[SlowSender], None]) -> None:
        self._budget = budget
        self._lease: Lease | None = lease
        self._name = name
        self._on_slow = on_slow
        self._receiving = False
        self._dropped = False
        self.size = lease.size
        self.filled = 0
        self._since = self._last = asyncio.get_running_loop().time()
        self._look_later()

    @classmethod
    async def lease(
        cls, budget: MemoryBudget, size: int, name: str, on_slow: Callable[[SlowSender], None]
    ) -> PartBuffer:
        """Wait for memory. ``on_slow`` hears when it is taken away from the sender of ``name``, with the reason."""
        return cls(budget, await budget.lease(size, "upload"), name, on_slow)

    @property
    def full(self) -> bool:
        """Whether no more fits."""
        return self.filled == self.size

    def write(self, data: memoryview) -> int:
        """Take what fits; how many bytes that were."""
        assert self._lease is not None
        count = min(len(data), self.size - self.filled)
        self._lease.view[self.filled : self.filled + count] = data[:count]
        self.took(count)
        return count

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` put bytes straight into the memory; how many it put."""
        with self.receiving() as memory:
            count = await body.read(memory[self.filled : min(self.filled + at_most, self.size)])
        self.took(count)
        return count

    @contextmanager
    def receiving(self, *, watched: bool = True) -> Iterator[memoryview]:
        """The memory, while somebody else puts bytes there; :meth:`took` tells how many.

        Not ``watched`` where it may be for other reasons than the sender that nothing comes.
        """
        assert self._lease is not None
        self._receiving = True
        if not watched:
            self._watch.cancel()
        try:
            yield self._lease.view
        finally:
            self._receiving = False
            if not watched:
                self._since = asyncio.get_running_loop().time()
                self._look_later()
            if self._dropped:
                self.drop()

    def took(self, count: int) -> None:
        """``count`` more bytes are here."""
        self.filled += count
        self._last = asyncio.get_running_loop().time()

    def take(self) -> Lease:
        """The lease, from now on the caller's to release."""
        assert self._lease is not None
        lease, self._lease = self._lease, None
        self._watch.cancel()
        return lease

    def drop(self) -> None:
        """Give the memory back; while somebody reads into it, as soon as that has ended. May be called twice."""
        self._dropped = True
        if self._lease is not None and not self._receiving:
            self.take().release()

    def _look_at_sender(self) -> None:
        now = asyncio.get_running_loop().time()
        idle, filling = now - self._last, now - self._since
        if self._budget.contended("upload") and (
            idle >= MAX_IDLE_SECONDS or self.filled < MIN_BYTES_PER_SECOND * filling
        ):
            # First the news: who reads into the memory now must find out that it is lost.
            self._on_slow(
                SlowSender(f"{self._name}: the upload was too slow while others waited for memory. Send it again.")
            )
            self.drop()
        elif self._lease is not None:
            self._look_later()

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(MAX_IDLE_SECONDS / 3, self._look_at_sender)
