"""A transfer: its files, its progress, and the transitions between its states.

::

    queued ──► running ──► completed
      ▲ │       │ ├──────► cancelled
      │ │       │ └──────► failed ───► queued        (retry: only the failed files)
      │ ▼       ▼
      └── paused ────────► failed, cancelled

A transfer that runs when the server ends is still ``running`` in the journal and continues when the next server starts.
Use it in the event loop only: threads report through the loop, so no lock is needed.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from odhtec_jupyter import models
from odhtec_jupyter.errors import Conflict, OdhTecError
from odhtec_jupyter.models import Failure, FileState, OnConflict, TransferState, Verify
from odhtec_jupyter.stores.source import Pin
from odhtec_jupyter.transfers.transfer_file import DONE, TransferFile, failure
from odhtec_jupyter.uris import Scheme, Uri

Action = Literal["import", "copy", "move", "delete", "sync"]
Needs = Literal["connection", "token"]
FINAL: frozenset[TransferState] = frozenset({"completed", "failed", "cancelled"})
_TRANSITIONS: dict[TransferState, frozenset[TransferState]] = {
    "queued": frozenset({"running", "paused", "failed", "cancelled"}),
    "running": frozenset({"paused", "completed", "failed", "cancelled"}),
    "paused": frozenset({"queued", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset({"queued", "cancelled"}),
    "cancelled": frozenset(),
}
RATE_WINDOW_SECONDS = 5.0


class Watcher(Protocol):
    """The receiver of each change of a transfer."""

    def progressed(self, transfer: Transfer) -> None:
        """Handle progress in bytes."""
        ...

    def state_changed(self, transfer: Transfer) -> None:
        """Handle a new state of the transfer."""
        ...

    def files_planned(self, transfer: Transfer) -> None:
        """Handle the end of planning: all files are known."""
        ...

    def files_added(self, transfer: Transfer, files: Collection[TransferFile]) -> None:
        """Handle new files: some of a plan, or those that a deletion is about to delete."""
        ...

    def files_settled(
        self, transfer: Transfer, gone: Collection[TransferFile], failed: Collection[TransferFile]
    ) -> None:
        """Handle the result of a batch of a deletion: ``gone`` are counted and no longer files of the transfer."""
        ...

    def files_cleared(self, transfer: Transfer) -> None:
        """Handle the removal of all files before they are planned again."""
        ...

    def file_state_changed(self, transfer: Transfer, file: TransferFile) -> None:
        """Handle a new state of one file."""
        ...


@dataclass(frozen=True)
class Options:
    """The request of a transfer without its secrets, stored with it so that it can continue in another process.

    ``endpoint`` and ``hub_endpoint`` name the stores it was started with; ``keys_given`` and ``token_given`` say which
    secrets it also needs. ``connections`` has the fingerprint of each connection that its URIs name. ``names`` selects
    names in the source folder, None selects all. ``keys`` and ``prefixes`` are set for deletions only. ``user`` is the
    name of the user who started it, for the audit.
    """

    names: list[str] | None = None
    include: list[str] | None = None
    exclude: list[str] | None = None
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"
    endpoint: str = ""
    hub_endpoint: str = ""
    keys_given: bool = False
    token_given: bool = False
    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    connections: dict[str, str] = field(default_factory=dict)
    user: str = ""


class Transfer:
    """One action on many files. It reports each change to its watcher, in the event loop."""

    def __init__(
        self,
        action: Action,
        source: Uri,
        target: Uri | None,
        options: Options = Options(),
        *,
        watcher: Watcher,
        known_id: str = "",
    ) -> None:
        self.id = known_id or secrets.token_hex(8)
        self.action: Action = action
        self.source = source
        self.target = target
        self.options = options
        self.state: TransferState = "queued"
        self.planned = False  # all files are known
        self.resumed = False  # it has run before, in this or another process
        self.needs: Needs | None = None
        self.files: list[TransferFile] = []
        self.bytes_done = 0
        self.bytes_total: int | None = None
        self.files_done = 0
        self.files_total: int | None = None
        self.files_failed = 0
        self.files_omitted = 0  # hidden files; included in files_done
        self.files_removed = 0  # objects of another revision; included in files_done
        self.created_at = datetime.now(UTC)
        self.started_at: datetime | None = None
        self.finished_at: datetime | None = None
        self.error: Failure | None = None
        self._watcher = watcher
        self._history: deque[tuple[float, int]] = deque()

    @property
    def schemes(self) -> set[Scheme]:
        """The schemes of its source and target."""
        return {uri.scheme for uri in (self.source, self.target) if uri is not None}

    def add_file(
        self, path: str, target: Uri, size: int | None, *, source: Uri, pin: Pin, what: str = "create"
    ) -> TransferFile:
        """Add a file and count it."""
        file = self.restore_file(path, target, size, source=source, pin=pin, what=what)
        self.files_total = len(self.files)
        if size is not None:
            self.bytes_total = (self.bytes_total or 0) + file.to_move
        return file

    def restore_file(
        self,
        path: str,
        target: Uri,
        size: int | None,
        *,
        source: Uri | None = None,
        pin: Pin = "",
        what: str = "create",
    ) -> TransferFile:
        """Add a file that is already counted."""
        number = self.files[-1].number + 1 if self.files else 0
        file = TransferFile(self, number, path, target, size, source=source, pin=pin, what=what)
        self.files.append(file)
        self.files_omitted += file.what == "omit"
        return file

    def add_running_files(self, names: Iterable[tuple[str, Uri]]) -> list[TransferFile]:
        """Add and return files that a deletion is about to delete, given as (path, target); also in the journal."""
        files = [self.restore_file(path, target, None) for path, target in names]
        for file in files:
            file.state = "running"
        self.files_total = (self.files_total or 0) + len(files)
        self._watcher.files_added(self, files)
        return files

    def save_files(self, files: Collection[TransferFile]) -> None:
        """Write planned files to the journal before all are known, because all together would take too much memory."""
        self._watcher.files_added(self, files)

    def settle_files(self, gone: Collection[TransferFile], failed: Collection[TransferFile]) -> None:
        """Remove the ``gone`` files, which are counted, and save this with the failed files in the journal."""
        numbers = {file.number for file in gone}
        self.files[:] = [file for file in self.files if file.number not in numbers]
        self._watcher.files_settled(self, gone, failed)

    def requeue_running_files(self) -> None:
        """Let the files of a deletion that ended before their result is known wait for a retry, also in the journal."""
        files = [file for file in self.files if file.state == "running"]
        for file in files:
            file.state = "queued"
        self._watcher.files_added(self, files)

    def count_again(self) -> None:
        """Compute the counts from the files; a deletion keeps its own counts."""
        if self.planned and self.action != "delete":
            known = any(file.size is not None for file in self.files)
            self.bytes_total = sum(file.to_move for file in self.files) if known else None
            self.files_total = len(self.files)
            self.bytes_done = sum(file.bytes_done for file in self.files)
            self.files_done = sum(file.state in DONE for file in self.files)
            self.files_failed = sum(file.state == "failed" for file in self.files)
            self.files_removed = sum(file.is_removed for file in self.files)

    def clear_files(self) -> None:
        """Remove all files, because they are planned again."""
        self.files.clear()
        self.bytes_done = self.files_done = self.files_failed = self.files_omitted = self.files_removed = 0
        self.bytes_total = self.files_total = None
        self._watcher.files_cleared(self)

    def finish_planning(self) -> None:
        """Mark all files as known."""
        self.planned = True
        self._watcher.files_planned(self)

    def transition_to(self, state: TransferState, error: OdhTecError | None = None, needs: Needs | None = None) -> None:
        """Change the state. Raises :class:`Conflict` if the transition is not allowed."""
        if state not in _TRANSITIONS[self.state]:
            raise Conflict(f"The transfer is {self.state}; it cannot become {state}.")
        self.state = state
        self.needs = needs
        self.error = failure(error) if error else None
        if state == "running" and self.started_at is None:
            self.started_at = datetime.now(UTC)
        self.finished_at = datetime.now(UTC) if state in FINAL else None
        self._history.clear()
        self._watcher.state_changed(self)

    def add(self, count: int) -> None:
        """Add ``count`` bytes to the progress; negative when a file starts again."""
        self.bytes_done += count
        now = time.monotonic()
        self._history.append((now, self.bytes_done))
        while self._history[0][0] < now - RATE_WINDOW_SECONDS and len(self._history) > 2:
            self._history.popleft()
        self._watcher.progressed(self)

    def count_file(self, file: TransferFile, before: FileState) -> None:
        """Update the counts after ``file`` left the state ``before``."""
        self.files_done += (file.state in DONE) - (before in DONE)
        self.files_failed += (file.state == "failed") - (before == "failed")
        self.files_removed += file.is_removed
        self._watcher.file_state_changed(self, file)

    @property
    def is_done(self) -> bool:
        """Whether it can never run again; a failed transfer can be retried."""
        return self.state in {"completed", "cancelled"}

    @property
    def rate(self) -> float | None:
        """Bytes per second over the last :data:`RATE_WINDOW_SECONDS`; None while unknown."""
        if self.state != "running" or not self._history:
            return None
        start, before = self._history[0]
        now = time.monotonic()
        if now - self._history[-1][0] > RATE_WINDOW_SECONDS:
            return 0.0
        return max(0.0, (self.bytes_done - before) / (now - start)) if now - start > 1.0 else None

    def show(self) -> models.Transfer:
        """Return the transfer as the API reports it, without its files."""
        rate = self.rate
        left = None if self.bytes_total is None else self.bytes_total - self.bytes_done
        return models.Transfer(
            id=self.id,
            action=self.action,
            source=str(self.source),
            names_total=None if self.options.names is None else len(self.options.names),
            target=str(self.target or ""),
            state=self.state,
            bytes_done=self.bytes_done,
            bytes_total=self.bytes_total,
            files_done=self.files_done,
            files_total=self.files_total,
            files_failed=self.files_failed,
            files_omitted=self.files_omitted,
            files_removed=self.files_removed,
            rate=rate,
            eta=left / rate if rate and left is not None else None,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            error=self.error,
            needs=self.needs,
        )
