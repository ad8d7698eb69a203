"""One file of a transfer of this machine: what is copied, how far it is, and whether it may continue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from odhtec_jupyter import models
from odhtec_jupyter.errors import Cancelled


@dataclass
class LocalFile:
    """One file. ``copy`` copies it, reports progress to the gate, and returns False if it skipped the file."""

    path: str
    target: str
    size: int
    copy: Callable[[Gate], bool]
    bytes_done: int = 0
    state: models.FileState = "queued"
    error: models.Failure | None = None

    def to_model(self) -> models.TransferFile:
        """Return the file as the server would describe it."""
        return models.TransferFile(
            path=self.path,
            target=self.target,
            size=self.size,
            bytes_done=self.bytes_done,
            state=self.state,
            error=self.error,
        )


@dataclass
class LocalPlan:
    """The files of a transfer, and what its source also holds but is left out, each with the reason."""

    files: list[LocalFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass
class Signals:
    """What the threads of a transfer are to do."""

    may_run: threading.Event = field(default_factory=threading.Event)  # not set while it is paused
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_run.set()


@dataclass
class Gate:
    """Counts the bytes of a file, blocks while the transfer is paused, and raises when it is cancelled. Thread-safe."""

    file: LocalFile
    signals: Signals
    count_large: Callable[[], int] = lambda: 1  # the large files that the transfer copies in parallel
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Block while the transfer is paused. Raises :class:`Cancelled`."""
        self.signals.may_run.wait()
        if self.signals.cancelled.is_set():
            raise Cancelled(f"{self.file.path} was cancelled.")

    def wait(self, seconds: float) -> None:
        """Wait before another try. Raises :class:`Cancelled` as soon as the transfer is cancelled."""
        self.signals.cancelled.wait(seconds)
        self.check()

    def add(self, count: int) -> None:
        """Add bytes to the progress; a negative number for bytes that have to be sent again."""
        self.check()
        with self._lock:
            self.file.bytes_done += count
