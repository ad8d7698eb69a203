"""How many connections a transfer uses: more while that increases the throughput, fewer when the server is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf

MIN_GAIN = 1.2  # by which twice as many connections have to be faster
MIN_WINDOW_SECONDS = 0.25  # in which the throughput is measured
KEPT_WINDOWS = 8  # for which a number is kept after more connections were not faster
MIN_HALVING_SECONDS = 1.0  # between two: many connections are refused by the same busy store


class AdaptiveLimit:
    """The limit of one transfer. Thread-safe."""

    def __init__(
        self,
        first: int,
        most: int,
        window: int,
        *,
        enough: float = inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with ``first`` connections, and use up to ``most``.

        The throughput is measured over ``window`` bytes for each connection. From ``enough`` bytes per second on, the
        number is not increased.
        """
        self.size = first
        self._most, self._window, self._enough, self._clock = most, window, enough, clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._amount = 0
        self._before: tuple[int, float] | None = None  # the number before it was increased, and its bytes per second
        self._kept = 0  # windows until it is increased again
        self._halved_at = -inf

    def add(self, amount: int) -> None:
        """Count bytes that were moved."""
        with self._lock:
            now = self._clock()
            if self._since is None:  # the first bytes show the latency, not the throughput
                self._since = now
                return
            self._amount += amount
            seconds = now - self._since
            if seconds >= MIN_WINDOW_SECONDS and self._amount >= self._window * self.size:
                rate = self._amount / seconds
                self._since, self._amount = now, 0
                self._judge(rate)

    def halve(self) -> None:
        """Use fewer connections, because the server or the store is busy."""
        with self._lock:
            now = self._clock()
            if now - self._halved_at < MIN_HALVING_SECONDS:
                return
            self._halved_at = now
            self.size = max(1, self.size // 2)
            self._since, self._amount = None, 0
            self._before, self._kept = None, KEPT_WINDOWS

    def _judge(self, rate: float) -> None:
        before, self._before = self._before, None
        if before is not None and rate < MIN_GAIN * before[1]:
            self.size, self._kept = before[0], KEPT_WINDOWS
        elif self._kept:
            self._kept -= 1
        elif rate < self._enough and self.size < self._most:
            self._before = self.size, rate
            self.size = min(2 * self.size, self._most)
