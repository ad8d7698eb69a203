"""Bytes of a part that are told while they go, before the part is stored: some take long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Self

EVERY = 0.2  # seconds between two words about one part


class InFlight:
    """What was told of one part: each byte once, however often it has to go, and taken back if the part fails."""

    def __init__(self, count: Callable[[int], None]) -> None:
        """``count`` hears on the event loop of bytes, negative ones where they were told too early."""
        self._count = count
        self._loop = asyncio.get_running_loop()
        self.told = 0

    def follow(self, pieces: Iterable[memoryview]) -> Generator[memoryview]:
        """The same pieces. Runs in a thread: who asks for the next one has sent the one before."""
        sent, due = 0, time.monotonic() + EVERY
        for piece in pieces:
            yield piece
            sent += len(piece)
            if (now := time.monotonic()) >= due:
                due = now + EVERY
                self._loop.call_soon_threadsafe(self._tell, sent)

    def _tell(self, sent: int) -> None:
        if sent > self.told:
            self._count(sent - self.told)
            self.told = sent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._count(-self.told)
            self.told = 0
