"""An object that is read here and there: ranged GETs fetch what is asked for, and both are counted and bounded.

What was fetched is kept until the file is dropped, so looking twice costs nothing and the bound on what is read is the
bound on memory, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from odhtec_jupyter.errors import Cancelled, Unreachable, Unreadable
from odhtec_jupyter.stores.source import RangedSource

KIB = 1024
MAX_BYTES = 3840 * KIB  # of an object, whatever its size: below 4 MB
MAX_REQUESTS = 40  # far away, one may cost 45 ms
READ_AHEAD = 64 * KIB  # a GET costs as much as that many bytes
MAX_READ_AHEAD = 1024 * KIB


class BudgetSpent(Unreadable):
    """What comes next would take more reading than a preview may do."""


class RangedFile:
    """Bytes by range, each of them fetched once."""

    def __init__(
        self,
        source: RangedSource,
        *,
        max_bytes: int = MAX_BYTES,
        max_requests: int = MAX_REQUESTS,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_stopped`` is asked before each range whether somebody still waits for it."""
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
        """How much more may be fetched."""
        return self._max_bytes - self.bytes_read if self.requests < self._max_requests else 0

    def at(self, start: int, count: int) -> bytes:
        """The ``count`` bytes at ``start``, fewer at the end of the object. Raises :class:`BudgetSpent`."""
        end = min(start + count, self.size)
        found = bytearray()
        while start < end:
            piece, offset = self._piece(start, end)
            part = memoryview(piece)[offset : offset + end - start]
            found += part
            start += len(part)
        return bytes(found)

    def _piece(self, start: int, end: int) -> tuple[bytes, int]:
        """What holds the byte at ``start``, and where in it that is; it need not hold all up to ``end``."""
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
