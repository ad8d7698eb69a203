"""How many small files are copied in parallel: as many as make it faster, and fewer when a store is overloaded.

A small file costs round trips, not bytes, so the right number depends on the store's distance and strength, which are
only known while files are copied. The limit of a host starts low, grows while that increases the throughput, and is
halved when the host replies 429 or 503 or does not reply. All methods belong to the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from odhtec_jupyter.errors import OdhTecError, TooManyRequests, Unreachable
from odhtec_jupyter.transfers.runtime.slots import Slots

FIRST_LIMIT = 16
MIN_GAIN = 1.05  # by which the throughput must have grown for the limit to grow again
MIN_MEASURED_FILES = 32  # in one measurement of the throughput while the limit is doubled, and twice as many later
MEASUREMENTS_BEFORE_NEXT_TRIAL = 16  # after a trial of a higher limit that did not help
BYTES_PER_FILE = 256 * 1024  # the size whose transfer counts as much as a file's round trips


class AdaptiveLimit:
    """The files that are copied in parallel from or to one host; first come, first served."""

    def __init__(self, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``ceiling`` is the highest limit; ``clock`` returns seconds."""
        self._ceiling = ceiling
        self._clock = clock
        self._slots = Slots(min(FIRST_LIMIT, ceiling))
        self._doubling = True  # until a higher limit does not help for the first time
        self._doubted = False  # the current trial did not help in one measurement
        self._confirmed = self.limit  # the limit before the current trial
        self._best = 0.0  # the throughput with the confirmed limit
        self._measurements_left = 0  # before the next trial
        self._skipped = 0  # files that are not measured
        self._files, self._work, self._start = 0, 0.0, clock()
        self._was_full = self._halved = False

    @property
    def limit(self) -> int:
        """The current limit."""
        return self._slots.limit

    async def acquire(self) -> None:
        """Return when a file, or several one after the other, may be copied; call :meth:`release` afterwards."""
        if not self._slots.taken:  # the time since the last file would count as slowness of the host
            self._restart()
        self._was_full = self._was_full or self._slots.is_full
        await self._slots.acquire()

    def release(self) -> None:
        """Let another one start."""
        self._slots.release()

    def copied(self, size: int) -> None:
        """Count a file of ``size`` bytes that was copied."""
        if self._skipped > 0:  # it started with another limit
            self._skipped -= 1
            self._start = self._clock()
            return
        self._files += 1
        self._work += 1 + size / BYTES_PER_FILE
        if self._files >= max(MIN_MEASURED_FILES, 2 * self.limit) * (1 if self._doubling else 2):
            self._judge()

    def failed(self, error: OdhTecError) -> None:
        """Halve the limit if the host is overloaded or does not reply, once for each measurement."""
        overloaded = isinstance(error, (TooManyRequests, Unreachable)) or error.status in {429, 503}
        if not overloaded or self._halved:
            return
        self._slots.limit = self._confirmed = max(1, self.limit // 2)
        self._doubling, self._best = False, 0.0
        self._measurements_left = MEASUREMENTS_BEFORE_NEXT_TRIAL
        self._restart()
        self._skipped = self._slots.taken
        self._halved = True

    def _restart(self) -> None:
        self._files, self._work = 0, 0.0
        self._start = self._clock()
        self._was_full = self._halved = False

    def _judge(self) -> None:
        """Compare the throughput with that of the confirmed limit, and choose the next limit."""
        throughput = self._work / max(self._clock() - self._start, 1e-9)
        was_full = self._was_full or self._slots.is_full
        self._restart()
        if not was_full:  # fewer files than the limit, so the throughput says nothing about it
            return
        on_trial = self.limit > self._confirmed
        if on_trial and throughput < MIN_GAIN * self._best:
            if self._doubling and not self._doubted:  # it can be a disturbance, and the next trial is far away
                self._doubted = True
                return
            self._slots.limit, self._doubling = self._confirmed, False
            self._measurements_left = MEASUREMENTS_BEFORE_NEXT_TRIAL
            self._skipped = self._slots.taken
            return
        self._confirmed, self._doubted = self.limit, False
        # The conditions change, so an old record must not keep a trial from being a success.
        self._best = throughput if on_trial else max(throughput, 0.9 * self._best)
        self._measurements_left -= 1
        if self._measurements_left <= 0 and self.limit < self._ceiling:
            step = self.limit if self._doubling else max(1, self.limit // 4)
            self._skipped = self.limit
            self._slots.limit = min(self.limit + step, self._ceiling)


class AdaptiveLimits:
    """The limits of all hosts."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self._limits: dict[str, AdaptiveLimit] = {}

    def of(self, host: str) -> AdaptiveLimit:
        """Return the limit of a host."""
        if host not in self._limits:
            self._limits[host] = AdaptiveLimit(self.ceiling)
        return self._limits[host]

    @asynccontextmanager
    async def turn(self, hosts: Iterable[str]) -> AsyncIterator[Turn]:
        """Copy a file, or several one after the other, within the limits of their hosts."""
        limits = [self.of(host) for host in sorted(set(hosts))]  # in the same order for all files
        async with AsyncExitStack() as stack:
            for limit in limits:
                await limit.acquire()
                stack.callback(limit.release)
            yield Turn(limits)


class Turn:
    """A place within the limits of some hosts."""

    def __init__(self, limits: list[AdaptiveLimit]) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()

    @property
    def places(self) -> int:
        """How many there are at present."""
        return min((limit.limit for limit in self._limits), default=FIRST_LIMIT)

    def copied(self, size: int) -> None:
        """Count a file of ``size`` bytes that was copied."""
        for limit in self._limits:
            limit.copied(size)

    def failed(self, error: OdhTecError) -> None:
        """Note the error of an attempt. Can be called in any thread."""
        for limit in self._limits:
            self._loop.call_soon_threadsafe(limit.failed, error)
