"""A limit that can change for work in parallel."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class Slots:
    """Work in parallel up to a limit; first come, first served. Use it in the event loop only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    @property
    def limit(self) -> int:
        """The current limit."""
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        self._limit = value
        self._serve()

    @property
    def is_full(self) -> bool:
        """Whether the next one has to wait."""
        return self.taken >= self._limit or bool(self._waiting)

    async def acquire(self) -> None:
        """Return when there is a slot; call :meth:`release` afterwards."""
        if not self.is_full:
            self.taken += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            with suppress(ValueError):  # it may have been skipped already
                self._waiting.remove(future)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self.taken -= 1
        self._serve()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def _serve(self) -> None:
        while self._waiting and self.taken < self._limit:
            future = self._waiting.popleft()
            if not future.done():
                self.taken += 1
                future.set_result(None)
