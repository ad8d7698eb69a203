"""Reads an upload from its socket straight into memory, in a thread.

Otherwise the event loop would handle every piece; this way it is involved ten times a second, and its other work does
not wait for the bytes. A slow sender is read by the loop, so that it does not occupy a thread.
"""

from __future__ import annotations

import select
import socket
import time

from odhtec_jupyter.transfers.runtime.engine import CLIENT_TURN_SECONDS, CLIENT_WAIT_MS, Engine
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.target import BLOCK_BYTES

QUICK_BYTES = 256 * 1024  # received bytes from which on a thread pays off


class SocketReader:
    """A reader of a non-blocking socket. :meth:`receive` must not be called concurrently."""

    def __init__(self, engine: Engine, source: socket.socket) -> None:
        self.is_quick = False
        self._engine = engine
        self._source = source
        self._readable = select.poll()
        self._readable.register(source, select.POLLIN)
        self._stop = CancelToken()

    def note_available(self, count: int) -> None:
        """Note that the event loop has found ``count`` bytes waiting."""
        self.is_quick = count >= QUICK_BYTES

    async def receive(self, room: memoryview) -> int:
        """Read for one time slice, up to the size of ``room``. Returns the number of bytes; 0 also at the end."""
        return await self._engine.receive(self._stop, lambda: self._receive(room))

    def _receive(self, room: memoryview) -> int:
        done = 0
        until = time.monotonic() + CLIENT_TURN_SECONDS
        while done < len(room) and not self._stop.is_set():
            interactive_priority.yield_to_requests()
            count = self.recv_into(room[done : done + BLOCK_BYTES], CLIENT_WAIT_MS)
            done += count
            if not count or time.monotonic() > until:
                self.is_quick = done >= QUICK_BYTES and count > 0
                break
        return done

    def recv_into(self, room: memoryview, timeout_ms: int) -> int:
        """Read available bytes. Returns 0 after ``timeout_ms`` milliseconds without any, and at the end. Blocks."""
        for waited in (False, True):
            try:
                return self._source.recv_into(room)
            except BlockingIOError:
                if waited or not self._readable.poll(timeout_ms):
                    break
            except OSError:  # the event loop gets the same error and handles it
                break
        return 0
