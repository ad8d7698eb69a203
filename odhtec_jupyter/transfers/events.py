"""The events that every viewer receives: coalesced, replayable, never blocking a transfer.

An event is the current summary of one transfer, so a viewer that missed some needs only the latest of each transfer.
Ids are ``<server start>-<number>``. After a restart they start again, and a viewer receives the whole current state.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

EVENT_INTERVAL_SECONDS = 0.2  # between two events of one transfer
MAX_REMEMBERED_REMOVALS = 1000


class Event(NamedTuple):
    """``kind`` is ``transfer`` or ``removed``, ``key`` the transfer's id; the data is created when it is sent."""

    id: str
    kind: str
    key: str


class EventLog:
    """The last event of each transfer, and the viewers that wait for the next."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(3)
        self._number = 0
        self._latest: dict[str, tuple[int, str]] = {}  # transfer id → number and kind of its last event
        self._dirty: dict[str, None] = {}  # in the order of the changes
        self._wakers: set[asyncio.Event] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.on_flush: Callable[[], None] | None = None

    def changed(self, key: str) -> None:
        """Record that a transfer has changed; viewers are notified within :data:`EVENT_INTERVAL_SECONDS`."""
        self._dirty[key] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVENT_INTERVAL_SECONDS, self._flush)

    def removed(self, key: str) -> None:
        """Record that a transfer was removed, and notify viewers immediately."""
        self._dirty.pop(key, None)
        self._record(key, "removed")
        gone = [known for known, (_, kind) in self._latest.items() if kind == "removed"]
        for known in gone[:-MAX_REMEMBERED_REMOVALS]:
            del self._latest[known]
        self._wake()

    def _flush(self) -> None:
        self._timer = None
        for key in self._dirty:
            self._record(key, "transfer")
        self._dirty.clear()
        self._wake()
        if self.on_flush:
            self.on_flush()

    def _record(self, key: str, kind: str) -> None:
        self._number += 1
        self._latest.pop(key, None)  # so that it moves to the end: the dict is ordered by number
        self._latest[key] = (self._number, kind)

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer:
            self._timer.cancel()

    async def follow(self, last_id: str | None, *, keepalive: float) -> AsyncGenerator[Event | None, None]:
        """Yield the events after ``last_id`` (the whole current state if it is not of this run), then each new one.

        Yields None after ``keepalive`` seconds without an event. A slow viewer skips states; events never accumulate.
        """
        seen = self._parse(last_id)
        fresh = seen is None
        seen = seen or 0
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            while True:
                waker.clear()
                newest = self._number  # events recorded while these are sent are sent in the next round
                for key, (number, kind) in list(self._latest.items()):
                    if number > seen and not (fresh and kind == "removed"):
                        yield Event(f"{self._run}-{number}", kind, key)
                seen, fresh = newest, False
                try:
                    await asyncio.wait_for(waker.wait(), keepalive)
                except TimeoutError:
                    yield None
        finally:
            self._wakers.discard(waker)

    def _parse(self, last_id: str | None) -> int | None:
        run, _, number = (last_id or "").partition("-")
        return int(number) if run == self._run and number.isdecimal() and len(number) <= 16 else None
