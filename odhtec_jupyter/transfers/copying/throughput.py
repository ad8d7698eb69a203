"""The throughput of one connection, measured while it reads."""

from __future__ import annotations

import time
from collections.abc import Callable

from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.parts import MIB

PROBE_BYTES = 4 * MIB  # a smaller sample would measure the processor rather than the connection


class Throughput:
    """Measures one range. Belongs to the thread that reads it."""

    def __init__(self, judge: Callable[[float], object], flow: Flow) -> None:
        """``judge`` is called once with the bytes per second, as soon as they are known."""
        self._judge = judge
        self._timer = Timer(flow)
        self._started = False
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count bytes that were read. The first ones are not counted: they show the latency of the source."""
        if not self._started:
            self._started = True
            self._timer.restart()
            return
        before = self._bytes
        self._bytes += count
        if before < PROBE_BYTES <= self._bytes and (rate := self._timer.rate(self._bytes)) is not None:
            self._judge(rate)


class Timer:
    """The time in which a connection moves bytes, without the delays by the bandwidth limit."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.restart()

    def restart(self) -> None:
        """Start from zero."""
        self._since, self._delayed = time.monotonic(), self._flow.waited

    @property
    def is_limited(self) -> bool:
        """Whether the limit took more than half of the time."""
        return self._flow.waited - self._delayed > (time.monotonic() - self._since) / 2

    def rate(self, count: int) -> float | None:
        """Return the bytes per second if ``count`` bytes were moved; None if the limit took most of the time.

        The bytes have then arrived while the connection waited, so the rest of the time does not show how fast it is.
        """
        if self.is_limited:
            return None
        delayed = self._flow.waited - self._delayed
        return count / max(time.monotonic() - self._since - delayed, 1e-6)
