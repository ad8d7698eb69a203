"""A part of a resumable upload that is sent in several requests, because a proxy limits the size of a body.

Its memory is kept between two requests, until another upload needs it or :data:`NEXT_PIECE_SECONDS` have passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError
from odhtec_jupyter.models import StoredPart
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_buffer import Incoming

NEXT_PIECE_SECONDS = 60.0


class PartInPieces:
    """The sink for the bodies of these requests. Not thread-safe."""

    def __init__(self, part: IncomingPart, on_end: Callable[[PartInPieces], None]) -> None:
        """``on_end`` is called when the part accepts no more pieces."""
        self.number = part.number
        self._part = part
        self._on_end = on_end
        self._busy = True
        self._timer: asyncio.TimerHandle | None = None

    def resume(self, offset: int, length: int, on_failure: Callable[[OdhTecError], None]) -> None:
        """Prepare for the next piece. Raises if it does not follow the received bytes."""
        if self._busy or self._part.is_over or self._part.received != offset:
            raise out_of_order(self.number, offset)
        if not 0 < length <= self._part.size - offset:
            raise BadRequest(f"Part {self.number} has {self._part.size} bytes, but more were received.")
        self._busy = True
        self._stop_waiting()
        self._part.on_failure = on_failure

    async def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Raises the error that stopped the part."""
        await self._part.write(data)

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` write into the part's memory. Returns the number of bytes."""
        return await self._part.receive(body, at_most)

    async def finish(self) -> StoredPart | None:
        """End a piece. Stores and returns the part if this was the last piece, else returns None."""
        if not self._part.is_over and self._part.received < self._part.size:
            self._busy = False
            self._part.on_failure = lambda _: self._give_up()
            self._timer = asyncio.get_running_loop().call_later(NEXT_PIECE_SECONDS, self._give_up)
            return None
        try:
            return await self._part.finish()
        finally:
            self._end()

    async def abort(self) -> None:
        """Discard the part; can be called twice."""
        self._give_up()

    def _give_up(self) -> None:
        self._end()
        self._part.drop()

    def _end(self) -> None:
        self._stop_waiting()
        self._on_end(self)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def out_of_order(number: int, offset: int) -> Conflict:
    """Return the error for a piece that does not follow the received bytes."""
    return Conflict(f"Part {number} was not received up to byte {offset}. Send it again from 0.", code="MissingParts")
