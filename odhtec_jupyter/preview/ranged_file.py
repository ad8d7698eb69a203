"""An object for random access by ranged GETs, with limits on bytes and requests.

What was read is kept until the file is dropped, so reading it again is free, and the limit on reading is also the limit
on memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from odhtec_jupyter.errors import Cancelled, Unreachable, Unreadable
from odhtec_jupyter.stores.source import RangedSource

KIB = 1024
MAX_BYTES = 3840 * KIB  # of an object of any size; below 4 MB
MAX_REQUESTS = 40  # to a distant store, each can take 45 ms
READ_AHEAD = 64 * KIB  # a GET costs as much time as that many bytes
MAX_READ_AHEAD = 1024 * KIB


class BudgetSpent(Unreadable):
    """The next bytes would exceed the limit of a preview."""


class RangedFile:
    """The bytes of an object by range, each of them read once."""

    def __init__(
        self,
        source: RangedSource,
        *,
        max_bytes: int = MAX_BYTES,
        max_requests: int = MAX_REQUESTS,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_stopped`` is called before each range and returns whether the client has disconnected."""
        self._is_stopped = is_stopped
        self.size = source.size
        self.bytes_read = 0
        self.requests = 0
        self._source = source
        self._max_bytes = max_bytes
        self._max_requests = max_requests
        self._starts: list[int] = []
        self._pieces: list[bytes] = []
        self._ahead = READ_AHEAD
        self._last_end = -1

    @property
    def bytes_left(self) -> int:
        """The number of bytes that can still be read."""
        return self._max_bytes - self.bytes_read if self.requests < self._max_requests else 0

    def at(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start``, fewer at the end of the object. Raises :class:`BudgetSpent`."""
        end = min(start + count, self.size)
        found = bytearray()
        while start < end:
            piece, offset = self._piece(start, end)
            part = memoryview(piece)[offset : offset + end - start]
            found += part
            start += len(part)
        return bytes(found)

    def _piece(self, start: int, end: int) -> tuple[bytes, int]:
        """Return the piece with the byte at ``start``, and its offset there; the piece can end before ``end``."""
        index = bisect_right(self._starts, start) - 1
        if index >= 0 and start < self._starts[index] + len(self._pieces[index]):
            return self._pieces[index], start - self._starts[index]
        following = self._starts[index + 1] if index + 1 < len(self._starts) else self.size
        self._ahead = min(self._ahead * 2, MAX_READ_AHEAD) if start == self._last_end else READ_AHEAD
        needed = min(end, following) - start
        if needed > self.bytes_left:
            raise BudgetSpent(f"A preview would have to read more than {self._max_bytes // KIB} KiB of the object.")
        count = min(max(needed, self._ahead), following - start, self.bytes_left)
        piece = self._fetch(start, start + count)
        self._starts.insert(index + 1, start)
        self._pieces.insert(index + 1, piece)
        self._last_end = start + count
        return piece, 0

    def _fetch(self, start: int, end: int) -> bytes:
        if self._is_stopped():
            raise Cancelled("The client has disconnected.")
        self.requests += 1
        body = self._source.open_range(start, end)
        try:
            buffer = bytearray(end - start)
            view = memoryview(buffer)
            filled = 0
            while filled < len(view):
                count = body.readinto(view[filled:])
                if not count:
                    raise Unreachable("The S3 store stopped sending in the middle of the object. Try again.")
                filled += count
                self.bytes_read += count
        finally:
            body.close()
        return bytes(buffer)
