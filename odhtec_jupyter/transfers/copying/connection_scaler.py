"""The number of connections for one file: one if it is fast enough, several if they are faster.

Several connections cost processor time, and are no faster where the processors or the network are the limit. The speed
of one is known only while it reads, and whether several are faster only after a trial.
"""

from __future__ import annotations

import time

from odhtec_jupyter.transfers.runtime.parts import MIB

# Bytes per second of one connection: one is enough from the first on; below the second, as many are used as fit into
# memory, several for one part.
FAST_BYTES_PER_SECOND = 200 * MIB
SLOW_BYTES_PER_SECOND = 60 * MIB
SEVERAL_CONNECTIONS, MAX_CONNECTIONS = 4, 8
TRIAL_BYTES = 64 * MIB  # that several connections read, to compare them with one
MIN_GAIN = 1.5  # by which several have to be faster than one


class ConnectionScaler:
    """The connections of one file. :meth:`judge` may be called by any thread, the rest belongs to the event loop."""

    def __init__(self, *, may_stream: bool, size: int | None = None) -> None:
        """``may_stream``: a single fast connection copies large parts. ``size``: a fixed number of connections."""
        self.streams = False  # one connection, which reads and sends block by block
        self.slow = False  # several connections read one part
        self._may_stream = may_stream
        self._fixed = size
        self._single: float | None = None  # bytes per second of the first connection alone
        self._trial: tuple[float, int] | None = None  # its start and its bytes so far
        self._decided = False

    @property
    def size(self) -> int:
        """The number of connections in parallel."""
        if self._fixed is not None:
            return self._fixed
        if self.slow:
            return MAX_CONNECTIONS
        return 1 if self._may_stream and (self._single is None or self.streams) else SEVERAL_CONNECTIONS

    def judge(self, rate: float) -> bool:
        """Take in the bytes per second of one connection. Return whether that changes the number or kind of them."""
        before = self.size, self.slow
        if rate < SLOW_BYTES_PER_SECOND and self._fixed is None:
            self.slow, self.streams, self._decided = True, False, True
        elif self._may_stream and not self._decided and (self._single is None or self.streams):
            self._single, self.streams = rate, rate >= FAST_BYTES_PER_SECOND
        return before != (self.size, self.slow)

    def stored(self, count: int, *, is_limited: bool = False) -> None:
        """Count bytes that several connections have stored, to decide later whether they are faster than one.

        If the bandwidth limit has delayed them (``is_limited``), the trial starts again: it would show the limit.
        """
        if self._decided or not self._may_stream or self.streams or self._single is None:
            return
        if is_limited:
            self._trial = None
            return
        now = time.monotonic()
        since, sum_ = self._trial or (now, -count)  # one connection alone started the first part
        self._trial = since, sum_ + count
        if sum_ + count >= TRIAL_BYTES:
            self._decided = True
            self.streams = (sum_ + count) / max(now - since, 1e-6) < MIN_GAIN * self._single
