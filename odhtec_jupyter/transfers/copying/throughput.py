"""The throughput of one connection, measured while it reads."""

from __future__ import annotations

import time
from collections.abc import Callable

from odhtec_jupyter.transfers.runtime.parts import MIB

PROBE_BYTES = 4 * MIB  # a smaller sample would measure the processor rather than the connection


class Throughput:
    """Measures one range. Belongs to the thread that reads it."""

    def __init__(self, judge: Callable[[float], object]) -> None:
        """``judge`` is called once with the bytes per second, as soon as they are known."""
        self._judge = judge
        self._since: float | None = None
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count bytes that were read. The first ones are not counted: they show the latency of the source."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            return
        before = self._bytes
        self._bytes += count
        if before < PROBE_BYTES <= self._bytes:
            self._judge(self._bytes / max(now - self._since, 1e-6))
