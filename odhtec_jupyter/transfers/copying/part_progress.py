"""Progress of a part before it is stored, because large parts take long."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Self

from odhtec_jupyter.transfers.runtime.bandwidth import Flow

REPORT_INTERVAL_SECONDS = 0.2  # between two reports of progress of one part


class PartProgress:
    """Reports each byte of a part once, however often it is sent, and takes the report back if the part fails.

    A byte that is read into memory before it is sent counts half when it was read, so progress also shows with a slow
    source. Under a bandwidth limit it counts where it was delayed, so that the shown rate is the limit.
    """

    def __init__(self, count: Callable[[int], None]) -> None:
        """``count`` is called on the event loop with bytes; with a negative number to take a report back."""
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._due = time.monotonic() + REPORT_INTERVAL_SECONDS
        self._read = 0
        self._counted = 0.0  # of the bytes that were read
        self._ended = False
        self.reported = 0

    def reader(self, flow: Flow, *, is_local: bool) -> Callable[[int], None]:
        """Return a function that counts bytes which one connection has read into memory. Thread-safe.

        ``is_local``: the limit delays the bytes when they are sent.
        """
        waited = flow.waited

        def read(count: int) -> None:
            nonlocal waited
            before, waited = waited, flow.waited
            delayed_later = is_local and flow.is_limited
            self._add_read(count, 0.0 if delayed_later else 1.0 if waited > before else 0.5)

        return read

    def _add_read(self, count: int, weight: float) -> None:
        with self._lock:
            self._read += count
            self._counted += count * weight
            counted = self._counted
        self._report_soon(int(counted))

    def track(self, pieces: Iterable[memoryview]) -> Generator[memoryview]:
        """Yield the pieces; a piece counts as sent when the next one is requested. Runs in a thread."""
        sent = 0
        for piece in pieces:
            yield piece
            sent += len(piece)
            rest = (self._read - self._counted) * sent / self._read if self._read else sent
            self._report_soon(int(self._counted + rest))

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
