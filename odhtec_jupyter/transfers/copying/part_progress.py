"""Bytes of a part that are told while they go, before the part is stored: some take long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Self

REPORT_INTERVAL_SECONDS = 0.2  # between two reports of progress of one part


class PartProgress:
    """What was told of one part: each byte once, however often it has to go, and taken back if the part fails.

    A byte that was read into memory before it is sent counts half when it is there, so that a slow source shows as
    well as a slow target.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        """``count`` hears on the event loop of bytes, negative ones where they were told too early."""
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._due = time.monotonic() + REPORT_INTERVAL_SECONDS
        self._read = 0
        self._ended = False
        self.told = 0

    def read(self, count: int) -> None:
        """So many bytes more are in memory; for several threads."""
        with self._lock:
            self._read += count
            read = self._read
        self._tell_soon(read // 2)

    def follow(self, pieces: Iterable[memoryview]) -> Generator[memoryview]:
        """The same pieces. Runs in a thread: who asks for the next one has sent the one before."""
        sent = 0
        for piece in pieces:
            yield piece
            sent += len(piece)
            self._tell_soon((self._read + sent) // 2 if self._read else sent)

    def _tell_soon(self, moved: int) -> None:
        if (now := time.monotonic()) >= self._due:
            self._due = now + REPORT_INTERVAL_SECONDS
            self._loop.call_soon_threadsafe(self._tell, moved)

    def _tell(self, moved: int) -> None:
        if moved > self.told and not self._ended:
            self._count(moved - self.told)
            self.told = moved

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True  # a word of a thread may still be under way
        if kind is not None:
            self._count(-self.told)
            self.told = 0
