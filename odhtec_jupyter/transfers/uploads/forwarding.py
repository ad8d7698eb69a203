"""One part of an upload sent on to S3 while it comes in.

A block that goes on at once is still in the processor's cache, and one thread does what two would hand to each other.
Everything stays in the part's memory all the same: when the sender halts or S3 fails in between, the part is received
and stored as any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.transfers.runtime.engine import Engine, settled
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.retry import CancelToken, check
from odhtec_jupyter.transfers.targets.target import BLOCK, blocks
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

# How long a client may keep S3 and a thread waiting: for one read, and in all reads of a part.
MAX_WAIT_MS = 100
MAX_TOTAL_WAIT_SECONDS = 0.5


class ForwardingStopped(Exception):
    """The sender sends nothing, or has gone; S3 has a part of a part."""


class Forwarding:
    """Belongs to the event loop, which may use the memory again when :attr:`answer` is done."""

    def __init__(
        self,
        engine: Engine,
        stop: CancelToken,
        sender: SocketReader,
        memory: memoryview,
        filled: int,
        put: Callable[[Iterable[memoryview]], str],
    ) -> None:
        """The first ``filled`` bytes of the part have come; ``put`` stores the whole of it and returns its ETag."""
        self.filled = filled
        self._stop = stop
        self._sender = sender
        self._memory = memory
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self.answer = asyncio.ensure_future(engine.in_thread(stop, lambda: put(self._pieces())))
        self.answer.add_done_callback(lambda _: self._over.set())

    async def came(self) -> bool:
        """Wait until all of the part is here, which S3 may not have answered yet; False when it broke off before.

        Raises what is not worth another try.
        """
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            await self.cancel()
            raise
        if self.filled == len(self._memory):
            return True
        await settled(self.answer)
        error = None if self.answer.cancelled() else self.answer.exception()
        if (
            error
            and not isinstance(error, ForwardingStopped)
            and not (isinstance(error, OdhTecError) and error.transient)
        ):
            raise error
        return False

    def then(self, call: Callable[[], None]) -> None:
        """Call when S3 has answered; at once if it has."""
        if self.answer.done():
            call()
        else:
            self.answer.add_done_callback(lambda _: call())

    async def cancel(self) -> None:
        """Wait until the thread has let go of the memory."""
        self.answer.cancel()
        await settled(self.answer)

    def _pieces(self) -> Iterator[memoryview]:
        yield from blocks(self._memory[: self.filled], self._stop)
        waited = 0.0
        while (start := self.filled) < len(self._memory):
            check(self._stop)
            interactive_priority.yield_to_requests()
            asked = time.monotonic()
            count = self._sender.take(self._memory[start : start + BLOCK], MAX_WAIT_MS)
            waited += time.monotonic() - asked
            self.filled += count
            if self.filled == len(self._memory):  # before the last block is sent: who comes next need not wait for it
                self._loop.call_soon_threadsafe(self._over.set)
            elif not count or waited > MAX_TOTAL_WAIT_SECONDS:
                self._sender.is_quick = False
                raise ForwardingStopped
            yield self._memory[start : self.filled]
