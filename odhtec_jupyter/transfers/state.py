"""A transfer and its files: what they are, how far they are, and which moves between states are allowed.

::

    queued ──► running ──► completed
      │           ├──────► failed
      │           ├──────► cancelled
      │           └──────► paused ──► queued        (pausing comes with the journal)
      └──────────────────► failed, cancelled

Belongs to the event loop: threads report through it, so there is nothing to lock.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from odhtec_jupyter import models
from odhtec_jupyter.errors import Conflict, OdhTecError
from odhtec_jupyter.models import Failure, FileState, TransferState

Action = Literal["import", "copy", "move", "delete", "sync"]
FINAL: frozenset[TransferState] = frozenset({"completed", "failed", "cancelled"})
_MOVES: dict[TransferState, frozenset[TransferState]] = {
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"paused", "completed", "failed", "cancelled"}),
    "paused": frozenset({"queued", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
RATE_WINDOW = 5.0  # seconds


class TransferFile:
    """One file of a transfer; there may be 100,000 of them."""

    __slots__ = ("_transfer", "bytes_done", "error", "path", "size", "state", "target")

    def __init__(self, transfer: Transfer, path: str, target: str, size: int | None) -> None:
        self._transfer = transfer
        self.path = path
        self.target = target
        self.size = size
        self.bytes_done = 0
        self.state: FileState = "queued"
        self.error: Failure | None = None

    def add(self, count: int) -> None:
        """``count`` more bytes have reached the target; negative when a new try begins."""
        self.bytes_done += count
        self._transfer.add(count)

    def move(self, state: FileState, error: OdhTecError | None = None) -> None:
        """Go on to another state; the transfer's counts follow."""
        self.state = state
        self.error = failure(error) if error else None
        self._transfer.count_file(state)

    def show(self) -> models.TransferFile:
        """As it goes over the wire."""
        return models.TransferFile(
            path=self.path,
            target=self.target,
            size=self.size,
            bytes_done=self.bytes_done,
            state=self.state,
            error=self.error,
        )


class Transfer:
    """One action over many files. ``on_change`` is called after each change, on the event loop."""

    def __init__(self, action: Action, source: str, target: str, *, on_change: Callable[[Transfer], None]) -> None:
        self.id = secrets.token_hex(8)
        self.action: Action = action
        self.source = source
        self.target = target
        self.state: TransferState = "queued"
        self.files: list[TransferFile] = []
        self.bytes_done = 0
        self.bytes_total: int | None = None
        self.files_done = 0
        self.files_total: int | None = None
        self.files_failed = 0
        self.created_at = datetime.now(UTC)
        self.started_at: datetime | None = None
        self.finished_at: datetime | None = None
        self.error: Failure | None = None
        self._on_change = on_change
        self._history: deque[tuple[float, int]] = deque()

    def add_file(self, path: str, target: str, size: int | None) -> TransferFile:
        """Take a file into the transfer."""
        file = TransferFile(self, path, target, size)
        self.files.append(file)
        self.files_total = len(self.files)
        if size is not None:
            self.bytes_total = (self.bytes_total or 0) + size
        return file

    def move(self, state: TransferState, error: OdhTecError | None = None) -> None:
        """Go on to another state. Raises :class:`Conflict` when there is no such move."""
        if state not in _MOVES[self.state]:
            raise Conflict(f"The transfer is {self.state}; it cannot become {state}.")
        self.state = state
        if state == "running":
            self.started_at = datetime.now(UTC)
        if state in FINAL:
            self.finished_at = datetime.now(UTC)
        if error:
            self.error = failure(error)
        self._on_change(self)

    def add(self, count: int) -> None:
        """Bytes of one of its files have reached the target."""
        self.bytes_done += count
        now = time.monotonic()
        self._history.append((now, self.bytes_done))
        while self._history[0][0] < now - RATE_WINDOW and len(self._history) > 2:
            self._history.popleft()
        self._on_change(self)

    def count_file(self, state: FileState) -> None:
        """One of its files has moved to ``state``."""
        if state in {"completed", "skipped"}:
            self.files_done += 1
        elif state == "failed":
            self.files_failed += 1
        self._on_change(self)

    @property
    def rate(self) -> float | None:
        """Bytes per second over the last seconds; None while nothing can be said."""
        if self.state != "running" or not self._history:
            return None
        start, before = self._history[0]
        now = time.monotonic()
        if now - self._history[-1][0] > RATE_WINDOW:
            return 0.0
        return max(0.0, (self.bytes_done - before) / (now - start)) if now - start > 1.0 else None

    def show(self) -> models.Transfer:
        """As it goes over the wire, without its files."""
        rate = self.rate
        left = None if self.bytes_total is None else self.bytes_total - self.bytes_done
        return models.Transfer(
            id=self.id,
            action=self.action,
            source=self.source,
            target=self.target,
            state=self.state,
            bytes_done=self.bytes_done,
            bytes_total=self.bytes_total,
            files_done=self.files_done,
            files_total=self.files_total,
            files_failed=self.files_failed,
            rate=rate,
            eta=left / rate if rate and left is not None else None,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            error=self.error,
        )


def failure(error: OdhTecError) -> Failure:
    """An error as it goes over the wire."""
    return Failure(code=error.code, message=str(error))
