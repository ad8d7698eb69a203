"""The sender of an upload: bytes straight from its socket into memory, in a thread.

As with a download, the event loop would have to be told of every piece; this way it is asked ten times a second, and
its other work does not wait behind the bytes. A sender that is not quick goes through the loop, so that it holds no
thread.
"""

from __future__ import annotations

import select
import socket
import time

from odhtec_jupyter.transfers.runtime.engine import CLIENT_TURN_SECONDS, CLIENT_WAIT_MS, Engine
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.target import BLOCK

QUICK_BYTES = 256 * 1024  # bytes that wait to be read, from which on a thread is worth it


class SocketReader:
    """``source`` does not block. One at a time may call :meth:`receive`."""

    def __init__(self, engine: Engine, source: socket.socket) -> None:
        self.is_quick = False
        self._engine = engine
        self._source = source
        self._readable = select.poll()
        self._readable.register(source, select.POLLIN)
        self._stop = CancelToken()

    def came(self, count: int) -> None:
        """The loop has found ``count`` bytes waiting."""
        self.is_quick = count >= QUICK_BYTES

    async def receive(self, room: memoryview) -> int:
        """What comes within a turn, at most as much as there is room for; 0 when nothing came, or nothing will."""
        return await self._engine.receive(self._stop, lambda: self._receive(room))

    def _receive(self, room: memoryview) -> int:
        done = 0
        until = time.monotonic() + CLIENT_TURN_SECONDS
        while done < len(room) and not self._stop.is_set():
            interactive_priority.yield_to_requests()
            count = self.take(room[done : done + BLOCK], CLIENT_WAIT_MS)
            done += count
            if not count or time.monotonic() > until:
                self.is_quick = done >= QUICK_BYTES and count > 0
                break
        return done

    def take(self, room: memoryview, patience: int) -> int:
        """The next bytes; 0 when none came within ``patience`` milliseconds, or none will. Blocks."""
        for waited in (False, True):
            try:
                return self._source.recv_into(room)
            except BlockingIOError:
                if waited or not self._readable.poll(patience):
                    break
            except OSError:  # the loop will meet it, too, and knows what to do
                break
        return 0
