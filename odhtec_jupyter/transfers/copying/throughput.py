"""How fast bytes come over one connection, told while they come."""

from __future__ import annotations

import time
from collections.abc import Callable

from odhtec_jupyter.transfers.runtime.parts import MIB

PROBE_BYTES = 4 * MIB  # less says more about a busy processor than about the connection


class Throughput:
    """One range being read; belongs to the thread that reads it."""

    def __init__(self, judge: Callable[[float], object]) -> None:
        """``judge`` hears once of the bytes per second, as soon as that can be told."""
        self._judge = judge
        self._since: float | None = None
        self._bytes = 0

    def came(self, count: int) -> None:
        """More bytes are here. The first ones tell how long the source thought, not how fast it is."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            return
        before = self._bytes
        self._bytes += count
        if before < PROBE_BYTES <= self._bytes:
            self._judge(self._bytes / max(now - self._since, 1e-6))
