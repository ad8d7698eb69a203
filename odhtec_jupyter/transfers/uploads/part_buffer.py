"""Memory for one part of an upload while its sender fills it, with a timeout for slow senders.

A stalled sender loses its memory while other uploads wait for memory; otherwise it can be as slow as it likes. The
bandwidth limit applies here, where the bytes arrive, and its delays are not the sender's fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from odhtec_jupyter.errors import SlowSender
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.memory_budget import Lease, MemoryBudget
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

MAX_IDLE_SECONDS = 15.0  # without bytes from a sender, while others wait for memory
MIN_BYTES_PER_SECOND = 64 * 1024  # from one sender, while others wait for memory


class Incoming(Protocol):
    """The body of a request."""

    async def read(self, room: memoryview) -> int:
        """Write bytes into ``room``. Returns their number."""
        ...

    def sender(self) -> SocketReader | None:
        """Return the socket reader, if the body arrives quickly and a thread can read from the socket now."""
        ...


class PartBuffer:
    """A lease being filled. It ends with :meth:`detach` or :meth:`drop`. Not thread-safe."""

    def __init__(
        self, budget: MemoryBudget, lease: Lease, name: str, on_slow: Callable[[SlowSender], None], flow: Flow
    ) -> None:
        self._budget = budget
        self._lease: Lease | None = lease
        self._name = name
        self._on_slow = on_slow
        self._flow = flow
        self._receiving = False
        self._dropped = False
        self.size = lease.size
        self.filled = 0
        self._since = self._last = self._now()
        self._check_later()

    @classmethod
    async def lease(
        cls, budget: MemoryBudget, size: int, name: str, on_slow: Callable[[SlowSender], None], flow: Flow
    ) -> PartBuffer:
        """Wait for memory. ``on_slow`` is called with the error when the slow sender of ``name`` loses it."""
        return cls(budget, await budget.lease(size, "upload"), name, on_slow, flow)

    @property
    def full(self) -> bool:
        """Whether the buffer is full."""
        return self.filled == self.size

    async def write(self, data: memoryview) -> int:
        """Copy as much of ``data`` as fits and the bandwidth limit allows. Returns the number of bytes."""

        async def copy(room: memoryview) -> int:
            room[:] = data[: len(room)]
            return len(room)

        with self.receiving() as memory:
            count = await self._flow.move_async(copy, memory[self.filled : min(self.filled + len(data), self.size)])
        self.advance(count)
        return count

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` write into the memory. Returns the number of bytes."""
        with self.receiving() as memory:
            room = memory[self.filled : min(self.filled + at_most, self.size)]
            count = await self._flow.move_async(body.read, room)
        self.advance(count)
        return count

    @contextmanager
    def receiving(self, *, watched: bool = True) -> Iterator[memoryview]:
        """Lend the memory to a writer, which reports its bytes with :meth:`advance`.

        Pass ``watched=False`` where a pause need not be the sender's fault.
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
                self._since = self._now()
                self._check_later()
            if self._dropped:
                self.drop()

    def advance(self, count: int) -> None:
        """Note that ``count`` more bytes were written."""
        self.filled += count
        self._last = self._now()

    def detach(self) -> Lease:
        """Return the lease; the caller must release it."""
        assert self._lease is not None
        lease, self._lease = self._lease, None
        self._watch.cancel()
        return lease

    def drop(self) -> None:
        """Release the memory, after a running write into it has ended. Can be called twice."""
        self._dropped = True
        if self._lease is not None and not self._receiving:
            self.detach().release()

    def _now(self) -> float:
        """Return a time in seconds that does not advance while the bandwidth limit delays the sender."""
        return asyncio.get_running_loop().time() - self._flow.waited

    def _check_sender(self) -> None:
        now = self._now()
        idle, filling = now - self._last, now - self._since
        if self._budget.contended("upload") and (
            idle >= MAX_IDLE_SECONDS or self.filled < MIN_BYTES_PER_SECOND * filling
        ):
            # Report first: a writer that uses the memory now must learn that it is lost.
            self._on_slow(
                SlowSender(f"{self._name}: the upload was too slow while others waited for memory. Send it again.")
            )
            self.drop()
        elif self._lease is not None:
            self._check_later()

    def _check_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(MAX_IDLE_SECONDS / 3, self._check_sender)
