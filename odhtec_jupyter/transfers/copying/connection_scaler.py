"""How many connections one file gets: one where that is enough, more where they bring more.

More than one cost processor time, and where the processors or the network are the limit they bring nothing for it. How
fast one is shows only while it reads, and whether several are faster only when they are tried.
"""

from __future__ import annotations

import time

from odhtec_jupyter.transfers.runtime.parts import MIB

# Bytes per second of one connection: from the first on nobody waits for more of them; below the second as many help as
# there is memory for, several for one part.
FAST_BYTES_PER_SECOND = 200 * MIB
SLOW_BYTES_PER_SECOND = 60 * MIB
SEVERAL_CONNECTIONS, MAX_CONNECTIONS = 4, 8
TRIAL_BYTES = 64 * MIB  # bytes that several bring, to be compared with one
MIN_GAIN = 1.5  # times as fast as one is worth it


class ConnectionScaler:
    """The connections of one file. :meth:`judge` may be called by any thread, the rest belongs to the event loop."""

    def __init__(self, *, may_stream: bool, size: int | None = None) -> None:
        """``may_stream``: one that is fast enough takes large parts. ``size``: there are so many whatever comes."""
        self.streams = False  # one, which reads and sends block by block
        self.slow = False  # one part is read over several connections
        self._may_stream = may_stream
        self._fixed = size
        self._single: float | None = None  # bytes per second of the first connection alone
        self._trial: tuple[float, int] | None = None  # since when, bytes so far
        self._decided = False

    @property
    def size(self) -> int:
        """How many read at once."""
        if self._fixed is not None:
            return self._fixed
        if self.slow:
            return MAX_CONNECTIONS
        return 1 if self._may_stream and (self._single is None or self.streams) else SEVERAL_CONNECTIONS

    def judge(self, rate: float) -> bool:
        """One connection moves ``rate`` bytes per second; whether that changes anything."""
        before = self.size, self.slow
        if rate < SLOW_BYTES_PER_SECOND and self._fixed is None:
            self.slow, self.streams, self._decided = True, False, True
        elif self._may_stream and not self._decided and (self._single is None or self.streams):
            self._single, self.streams = rate, rate >= FAST_BYTES_PER_SECOND
        return before != (self.size, self.slow)

    def stored(self, count: int) -> None:
        """Several have stored ``count`` bytes more: after some time it shows whether they are faster than one."""
        if self._decided or not self._may_stream or self.streams or self._single is None:
            return
        now = time.monotonic()
        since, sum_ = self._trial or (now, -count)  # the first part was begun by one alone
        self._trial = since, sum_ + count
        if sum_ + count >= TRIAL_BYTES:
            self._decided = True
            self.streams = (sum_ + count) / max(now - since, 1e-6) < MIN_GAIN * self._single
