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

FIRST_LIMIT = 8
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
        """Return when the file may be copied; call :meth:`release` afterwards."""
        self._was_full = self._was_full or self._slots.is_full
        await self._slots.acquire()

    def release(self, size: int | None) -> None:
        """Note the end of a file: its size in bytes if it was copied, None if it was not."""
        self._slots.release()
        if size is None:
            return
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
        was_full = self._was_full
        self._restart()
        if not was_full:  # fewer files than the limit, so the throughput says nothing about it
            return
        on_trial = self.limit > self._confirmed
        if on_trial and throughput < MIN_GAIN * self._best:
            self._slots.limit, self._doubling = self._confirmed, False
            self._measurements_left = MEASUREMENTS_BEFORE_NEXT_TRIAL
            self._skipped = self._slots.taken
            return
        self._confirmed = self.limit
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
    async def file(self, hosts: Iterable[str], size: int) -> AsyncIterator[Callable[[OdhTecError], None]]:
        """Copy a file of ``size`` bytes within the limits of its hosts.

        Gives a function to call with each error of an attempt, which can be called in any thread.
        """
        limits = [self.of(host) for host in sorted(set(hosts))]  # in the same order for all files

        loop = asyncio.get_running_loop()

        def failed(error: OdhTecError) -> None:
            for limit in limits:
                loop.call_soon_threadsafe(limit.failed, error)

        done: int | None = None

        def release(limit: AdaptiveLimit) -> None:
            limit.release(done)

        async with AsyncExitStack() as stack:
            for limit in limits:
                await limit.acquire()
                stack.callback(release, limit)
            yield failed
            done = size
