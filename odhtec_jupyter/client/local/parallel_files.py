"""The files of a transfer that are copied in parallel: as many as are faster and fit into memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from odhtec_jupyter.client.local.adaptive_limit import AdaptiveLimit
from odhtec_jupyter.client.local.local_file import LocalFile

MIB = 1024 * 1024
FIRST_FILES, MAX_FILES = 4, 32
MAX_FILE_BYTES = 8 * MIB  # that one file has in memory
MAX_MEMORY_BYTES = 32 * MIB  # that all have
WINDOW_BYTES = 1 * MIB
REQUEST_BYTES = 256 * 1024  # what a request costs, in bytes that could have been moved in the same time


def adaptive_limit() -> AdaptiveLimit:
    """Return the limit of a transfer."""
    return AdaptiveLimit(FIRST_FILES, MAX_FILES, WINDOW_BYTES)


class ParallelFiles:
    """Copies files with threads of this process, in their order."""

    def __init__(self, files: Iterable[LocalFile], copy: Callable[[LocalFile], object], limit: AdaptiveLimit) -> None:
        """``copy`` copies one file, and raises nothing."""
        self._waiting = deque(files)
        self._copy, self._limit = copy, limit
        self._changed = threading.Condition()
        self._running = self._memory = self._large = 0
        self._workers = 1
        self._threads: list[threading.Thread] = []

    @property
    def large_files(self) -> int:
        """How many files are being copied that are read piece by piece."""
        return self._large

    def run(self) -> None:
        """Return when all files have been copied."""
        self._start_workers()
        self._work()
        while self._threads:
            self._threads.pop().join()

    def _start_workers(self) -> None:
        with self._changed:
            for _ in range(min(self._limit.size, len(self._waiting) + self._running) - self._workers):
                thread = threading.Thread(target=self._work, name="odhtec file", daemon=True)
                with suppress(RuntimeError):  # the machine allows no more threads
                    thread.start()
                    self._threads.append(thread)
                    self._workers += 1

    def _work(self) -> None:
        while (file := self._take()) is not None:
            try:
                self._copy(file)
            finally:
                self._release(file)

    def _take(self) -> LocalFile | None:
        with self._changed:
            while self._waiting and self._workers <= self._limit.size:
                file = self._waiting[0]
                memory = min(file.size, MAX_FILE_BYTES)
                if not self._running or self._memory + memory <= MAX_MEMORY_BYTES:
                    self._count(file, 1)
                    return self._waiting.popleft()
                self._changed.wait()
            self._workers -= 1
            return None

    def _release(self, file: LocalFile) -> None:
        self._limit.add(file.size + REQUEST_BYTES)
        with self._changed:
            self._count(file, -1)
            self._changed.notify_all()
        self._start_workers()

    def _count(self, file: LocalFile, sign: int) -> None:
        self._running += sign
        self._memory += sign * min(file.size, MAX_FILE_BYTES)
        self._large += sign * (file.size > MAX_FILE_BYTES)
