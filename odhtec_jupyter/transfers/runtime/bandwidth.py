"""The bandwidth limit: one token bucket for all transfers, uploads and downloads of the server together.

A byte counts once, although it is read and written: when it is received from a store, the hub or a client, or, if it is
of a file in the workspace, when it is sent.

The limit is shared by fair queuing: the next bytes are granted to the share that has moved the fewest, and a share that
was idle continues at the level of the others. So two shares that both wait for bytes stay within a few grants of each
other, however many connections each of them has. The others get what one share does not use.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from weakref import WeakValueDictionary

from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled

# The bytes of one grant, in seconds of the limit: with short grants, each connection moves some bytes every few seconds
# even if the limit is very low, so no other side takes it for dead.
GRANT_SECONDS = 0.05
MAX_GRANT_BYTES = MIB
BURST_SECONDS = 0.5  # of the limit, which are saved up while nothing moves
MIN_TIMER_SECONDS = 0.005  # between two wake-ups of the event loop


class Share:
    """The part of the limit that one transfer, upload or download gets, over all its connections."""

    __slots__ = ("__weakref__", "is_new", "level")

    def __init__(self) -> None:
        self.level = 0  # in bytes, comparable with the other shares
        self.is_new = True


class _Request:
    """A wait for bytes of the limit."""

    def __init__(self, share: Share, wanted: int, wake: Callable[[], None]) -> None:
        self.share = share
        self.wanted = wanted
        self.granted = 0
        self._wake = wake

    def interrupt(self) -> None:
        """End the wait, with or without a grant."""
        self._wake()


class Bandwidth:
    """The limit in bytes per second; 0 is none. It can change at any time, and waiting connections follow.

    Thread-safe, except for :meth:`flow`, which belongs to the event loop.
    """

    def __init__(self, limit: int = 0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.around_waits: Callable[[], AbstractContextManager[None]] = nullcontext  # of threads
        self._lock = threading.Lock()
        self._limit = limit
        self._tokens = 0.0  # bytes that can move now
        self._filled_at = clock()
        self._level = 0  # of the share that was served last
        self._waiting: list[_Request] = []
        self._shares: WeakValueDictionary[str, Share] = WeakValueDictionary()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = math.inf  # when the timer calls serve()

    @property
    def limit(self) -> int:
        """The current limit."""
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        with self._lock:
            self._fill()
            self._limit = value
            self._serve()

    def flow(self, name: str = "") -> Flow:
        """Return a connection of the share with this name, or of a share of its own."""
        with suppress(RuntimeError):  # outside of the event loop, the caller has to call serve()
            self._loop = asyncio.get_running_loop()
        share = self._shares.get(name) if name else None
        if share is None:
            share = Share()
            if name:
                self._shares[name] = share
        return Flow(self, share)

    # --- for flows ------------------------------------------------------------------------------------------------

    def request(self, share: Share, wanted: int, wake: Callable[[], None]) -> _Request:
        """Request up to ``wanted`` bytes; ``wake`` is called when some are granted, possibly before this returns."""
        request = _Request(share, wanted, wake)
        with self._lock:
            lowest = min((waiting.share.level for waiting in self._waiting), default=self._level)
            # A share that returned bytes, or was away for a moment, may catch up by one grant. A new one may not: a
            # client that sends one request after another would always be served first.
            share.level = max(share.level, lowest - (0 if share.is_new else self._most))
            share.is_new = False
            self._waiting.append(request)
            self._serve()
        return request

    def withdraw(self, request: _Request) -> None:
        """End a request, and return what was granted."""
        with self._lock:
            if request in self._waiting:
                self._waiting.remove(request)
                self._serve()
                return
        self.give_back(request.share, request.granted)

    def give_back(self, share: Share, count: int) -> None:
        """Return granted bytes that were not moved."""
        with self._lock:
            self._tokens += count
            share.level -= count
            # Not to the others immediately: a share that gets less from its socket than it was granted asks again now,
            # and would otherwise get one small read for each whole grant of the others.
            if self._waiting:
                self._set_timer(MIN_TIMER_SECONDS)

    def serve(self) -> None:
        """Grant the bytes that have become available. Called by the timer."""
        with self._lock:
            self._due = math.inf
            self._serve()

    # --- with the lock held ---------------------------------------------------------------------------------------

    @property
    def _most(self) -> int:
        """The bytes of the largest grant."""
        return max(1, min(int(self._limit * GRANT_SECONDS), MAX_GRANT_BYTES))

    def _fill(self) -> None:
        now = self.clock()
        tokens = self._tokens + (now - self._filled_at) * self._limit
        self._tokens = min(tokens, max(1.0, self._limit * BURST_SECONDS))
        self._filled_at = now

    def _serve(self) -> None:
        self._fill()
        while self._waiting:
            request = min(self._waiting, key=lambda waiting: waiting.share.level)  # the earliest of the same level
            count = request.wanted
            if self._limit:
                count = min(count, self._most)
                if count > self._tokens:
                    self._set_timer((count - self._tokens) / self._limit)
                    return
                self._tokens -= count
            self._waiting.remove(request)
            request.share.level += count
            self._level = request.share.level
            request.granted = count
            request.interrupt()

    def _set_timer(self, seconds: float) -> None:
        now = self.clock()
        if self._loop is None or now < self._due <= now + seconds:
            return
        self._due = now + seconds
        with suppress(RuntimeError):  # the event loop has been closed
            self._loop.call_soon_threadsafe(self._loop.call_later, max(seconds, MIN_TIMER_SECONDS), self.serve)


class Flow:
    """The bytes of one connection, or of several connections that are used one after another."""

    def __init__(self, bandwidth: Bandwidth, share: Share) -> None:
        self._bandwidth = bandwidth
        self._share = share
        self._waited = 0.0
        self._waits_since: float | None = None

    def branch(self) -> Flow:
        """Return another connection of the same share. Thread-safe."""
        return Flow(self._bandwidth, self._share)

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._bandwidth.limit > 0

    @property
    def waited(self) -> float:
        """The seconds for which the limit has delayed this connection, including a wait that is not over."""
        since = self._waits_since
        return self._waited + (0.0 if since is None else self._bandwidth.clock() - since)

    def move(self, call: Callable[[memoryview], int], buffer: memoryview, stop: CancelToken) -> int:
        """Let ``call`` read into the buffer, or into the part of it that the limit allows. Return its result. Blocks.

        Raises :class:`OperationCancelled` on ``stop``.
        """
        if not self._bandwidth.limit:
            return call(buffer)
        granted, moved = self.take(len(buffer), stop), 0
        try:
            moved = call(buffer[:granted])
        finally:
            if moved < granted:
                self._bandwidth.give_back(self._share, granted - moved)
        return moved

    async def move_async(self, call: Callable[[memoryview], Awaitable[int]], buffer: memoryview) -> int:
        """Like :meth:`move`, on the event loop."""
        if not self._bandwidth.limit:
            return await call(buffer)
        granted, moved = await self.take_async(len(buffer)), 0
        try:
            moved = await call(buffer[:granted])
        finally:
            if moved < granted:
                self._bandwidth.give_back(self._share, granted - moved)
        return moved

    def send(self, pieces: Iterable[memoryview], stop: CancelToken) -> Iterator[memoryview]:
        """Yield pieces as fast as the limit allows, cut into smaller ones. Blocks.

        Raises :class:`OperationCancelled` on ``stop``.
        """
        for piece in pieces:
            left = piece
            while left:
                count = self.take(len(left), stop) if self._bandwidth.limit else len(left)
                yield left[:count]
                left = left[count:]

    def take(self, wanted: int, stop: CancelToken) -> int:
        """Wait until bytes can move, and return how many: 1 to ``wanted``. Blocks.

        Raises :class:`OperationCancelled` on ``stop``.
        """
        woken = threading.Event()
        request = self._bandwidth.request(self._share, wanted, woken.set)
        if not request.granted:
            with self._waiting(), self._bandwidth.around_waits(), stop.ending(request):
                if not stop.is_set():  # checked after registering: a stop before that does not wake this thread
                    woken.wait()
        if stop.is_set():
            self._bandwidth.withdraw(request)
            raise OperationCancelled
        return request.granted

    async def take_async(self, wanted: int) -> int:
        """Like :meth:`take`, on the event loop."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(woken.set)

        request = self._bandwidth.request(self._share, wanted, wake)
        if not request.granted:
            with self._waiting():
                try:
                    await woken.wait()
                except asyncio.CancelledError:
                    self._bandwidth.withdraw(request)
                    raise
        return request.granted

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        since = self._waits_since = self._bandwidth.clock()
        try:
            yield
        finally:
            # In this order: for another thread, the wait may seem too long for a moment, but never too short.
            self._waited += self._bandwidth.clock() - since
            self._waits_since = None
