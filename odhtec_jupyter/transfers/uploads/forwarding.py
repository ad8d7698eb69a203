"""One part of an upload that is forwarded to S3 while it is received.

A block that is forwarded immediately is still in the processor's cache, and one thread replaces a handover between two.
All bytes also stay in the part's memory: if the sender stalls or S3 fails, the part is received and stored as usual.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.transfers.runtime.engine import Engine, settled
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.retry import CancelToken, check
from odhtec_jupyter.transfers.targets.target import BLOCK_BYTES, blocks
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

# How long a client may keep S3 and a thread waiting: for one read, and in all reads of a part.
MAX_WAIT_MS = 100
MAX_TOTAL_WAIT_SECONDS = 0.5


class ForwardingStopped(Exception):
    """The sender has stalled, disconnected or got a bandwidth limit while S3 has only some bytes of the part."""


class Forwarding:
    """A part being forwarded. Not thread-safe; its memory is in use until :attr:`answer` is done."""

    def __init__(
        self,
        engine: Engine,
        stop: CancelToken,
        sender: SocketReader,
        memory: memoryview,
        filled: int,
        put: Callable[[Iterable[memoryview]], str],
    ) -> None:
        """``filled``: bytes already received; ``put`` stores the whole part and returns its ETag."""
        self.filled = filled
        self._stop = stop
        self._sender = sender
        self._bandwidth = engine.bandwidth
        self._memory = memory
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self.answer = asyncio.ensure_future(engine.in_thread(stop, lambda: put(self._pieces())))
        self.answer.add_done_callback(lambda _: self._done.set())

    async def wait_received(self) -> bool:
        """Wait until the part is received, even if S3 has not replied yet; False if forwarding stopped before.

        Raises errors that are not transient.
        """
        try:
            await self._done.wait()
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

    def on_answer(self, call: Callable[[], None]) -> None:
        """Call ``call`` when S3 has replied; immediately if it already has."""
        if self.answer.done():
            call()
        else:
            self.answer.add_done_callback(lambda _: call())

    async def cancel(self) -> None:
        """Cancel and wait until the thread no longer uses the memory."""
        self.answer.cancel()
        await settled(self.answer)

    def _pieces(self) -> Iterator[memoryview]:
        yield from blocks(self._memory[: self.filled], self._stop)
        waited = 0.0
        while (start := self.filled) < len(self._memory):
            check(self._stop)
            interactive_priority.yield_to_requests()
            started = time.monotonic()
            count = self._sender.recv_into(self._memory[start : start + BLOCK_BYTES], MAX_WAIT_MS)
            waited += time.monotonic() - started
            self.filled += count
            if self.filled == len(self._memory):  # before the last block is sent, so that the next part can start
                self._loop.call_soon_threadsafe(self._done.set)
            elif not count or waited > MAX_TOTAL_WAIT_SECONDS or self._bandwidth.limit:
                self._sender.is_quick = False
                raise ForwardingStopped
            yield self._memory[start : self.filled]
