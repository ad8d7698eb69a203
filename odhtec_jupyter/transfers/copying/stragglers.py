"""Slow connections among fast ones: they are closed, and new connections read the rest of their ranges.

Hosts behind one name are not equally fast, and a single bad path would decide how long a file takes. A connection that
is kept for the next range would slow down one range after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from statistics import median

from odhtec_jupyter.stores.interruption import Interruptible, InterruptibleSet, ended_by
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.targets.target import BLOCK_BYTES

LOOK_SECONDS = 0.25  # between two checks of the connections
LATE_SECONDS = 0.5  # for which a connection can be slow
LATE_FACTOR = 4.0  # times slower than the others
MIN_LOST_SECONDS = 0.25  # by a slow connection in one range; less than that, a new connection would not be faster
MIN_COMPARED = 3  # other connections, at least
MAX_RENEWALS = 16  # of one file: if new connections are slow, too, the cause is elsewhere
MIN_MEASURED_BYTES = BLOCK_BYTES  # fewer bytes do not show a speed


class Reading:
    """One range that a thread reads. Its waiting can be interrupted."""

    def __init__(self, flow: Flow | None = None) -> None:
        """``flow`` knows for how long the bandwidth limit has delayed it."""
        self.bytes = 0
        self.since = self.last = time.monotonic()
        self._flow = flow
        self._delayed_at_start = self._delayed_at_last = flow.waited if flow else 0.0
        self._waits = InterruptibleSet()
        self._cut = False

    def cut(self) -> None:
        """Close the connection."""
        self._cut = True
        self._waits.interrupt()

    def is_cut(self) -> bool:
        """Return whether the connection was closed."""
        return self._cut

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        """Let :meth:`cut` interrupt ``wait`` during the context."""
        return self._waits.holding(wait)

    def add(self, count: int) -> None:
        """Count bytes that were read."""
        self.bytes += count
        self.last = time.monotonic()
        self._delayed_at_last = self._flow.waited if self._flow else 0.0

    @property
    def read_seconds(self) -> float:
        """The seconds from its start to its last bytes, without delays by the bandwidth limit."""
        return self.last - self.since - (self._delayed_at_last - self._delayed_at_start)

    def busy_seconds(self) -> tuple[float, float]:
        """Return the seconds since its start and since its last bytes, both without delays by the bandwidth limit."""
        now, delayed = time.monotonic(), self._flow.waited if self._flow else 0.0
        reading = now - self.since - (delayed - self._delayed_at_start)
        return reading, now - self.last - (delayed - self._delayed_at_last)


class Stragglers:
    """Watches all connections of one file."""

    def __init__(self) -> None:
        self._open: set[Reading] = set()
        self._rates: deque[float] = deque(maxlen=32)  # bytes per second of finished connections
        self._left = MAX_RENEWALS

    @contextmanager
    def reading(self, flow: Flow | None = None) -> Iterator[Reading]:
        """Watch a range while the calling thread requests and reads it."""
        one = Reading(flow)
        self._open.add(one)
        try:
            with ended_by(one):
                yield one
        finally:
            self._open.discard(one)
            if one.bytes >= MIN_MEASURED_BYTES and not one.is_cut():
                self._rates.append(one.bytes / max(one.last - one.since, 1e-6))

    def is_slow(self, one: Reading) -> bool:
        """Return whether a range that was read whole took so long that a new connection should read the next one."""
        if len(self._rates) < MIN_COMPARED or one.bytes < MIN_MEASURED_BYTES:
            return False
        usual, seconds = median(self._rates), one.read_seconds
        return one.bytes < seconds * usual / LATE_FACTOR and seconds - one.bytes / usual > MIN_LOST_SECONDS

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Check the connections during the context."""
        task = asyncio.create_task(self._watch(), name="odhtec stragglers")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.check()

    def check(self) -> None:
        """Close the slow connections."""
        for one in tuple(self._open):
            if self._left and self._is_late(one):
                self._left -= 1
                one.cut()

    def _is_late(self, one: Reading) -> bool:
        if len(self._rates) < MIN_COMPARED or one.is_cut():
            return False
        # The rates include delays by the bandwidth limit. Without them, they would be those of the sockets' buffers, in
        # which the bytes have arrived while the connection waited.
        least = median(self._rates) / LATE_FACTOR
        reading, waiting = one.busy_seconds()
        # A block counts when it is complete, so another one may be almost here.
        slow = reading >= LATE_SECONDS and (one.bytes + BLOCK_BYTES) / reading < least
        silent = waiting >= LATE_SECONDS and BLOCK_BYTES / waiting < least
        return slow or silent
