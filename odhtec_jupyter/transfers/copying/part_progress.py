"""Progress of a part before it is stored, because large parts take long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Self

REPORT_INTERVAL_SECONDS = 0.2  # between two reports of progress of one part


class PartProgress:
    """Reports each byte of a part once, however often it is sent, and takes the report back if the part fails.

    A byte that is read into memory before it is sent counts half when it was read, so progress also shows with a slow
    source.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        """``count`` is called on the event loop with bytes; with a negative number to take a report back."""
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._due = time.monotonic() + REPORT_INTERVAL_SECONDS
        self._read = 0
        self._ended = False
        self.reported = 0

    def read(self, count: int) -> None:
        """Count bytes that were read into memory. Thread-safe."""
        with self._lock:
            self._read += count
            read = self._read
        self._report_soon(read // 2)

    def track(self, pieces: Iterable[memoryview]) -> Generator[memoryview]:
        """Yield the pieces; a piece counts as sent when the next one is requested. Runs in a thread."""
        sent = 0
        for piece in pieces:
            yield piece
            sent += len(piece)
            self._report_soon((self._read + sent) // 2 if self._read else sent)

    def _report_soon(self, moved: int) -> None:
        if (now := time.monotonic()) >= self._due:
            self._due = now + REPORT_INTERVAL_SECONDS
            self._loop.call_soon_threadsafe(self._report, moved)

    def _report(self, moved: int) -> None:
        if moved > self.reported and not self._ended:
            self._count(moved - self.reported)
            self.reported = moved

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True  # a call of a thread may still be pending
        if kind is not None:
            self._count(-self.reported)
            self.reported = 0
