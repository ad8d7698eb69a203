"""A transfer of this kernel's own files: threads in this process send or fetch them; it looks like any other."""

from __future__ import annotations

import atexit
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from weakref import WeakSet

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.errors import Cancelled, OdhTecError

AT_ONCE = 4  # files
CANCEL_SECONDS = 5.0  # that a cancelled transfer has for cleaning up before the process ends
RATE_WINDOW = 5.0  # seconds


@dataclass
class LocalFile:
    """One file, and how it is moved: ``move`` is given the gate and tells whether it was moved, not skipped."""

    path: str
    target: str
    size: int
    move: Callable[[Gate], bool]
    bytes_done: int = 0
    state: models.FileState = "queued"
    error: models.Failure | None = None

    def show(self) -> models.TransferFile:
        """For the wire's words."""
        return models.TransferFile(
            path=self.path,
            target=self.target,
            size=self.size,
            bytes_done=self.bytes_done,
            state=self.state,
            error=self.error,
        )


@dataclass
class Gate:
    """What every piece of a file goes through: it counts, it waits while paused, it ends when cancelled."""

    file: LocalFile
    transfer: LocalTransfer

    def check(self) -> None:
        """Wait while paused. Raises :class:`Cancelled`."""
        self.transfer.may_run.wait()
        if self.transfer.is_cancelled:
            raise Cancelled(f"{self.file.path} was cancelled.")

    def add(self, count: int) -> None:
        """So many bytes more have arrived; negative where they have to be sent again."""
        self.check()
        self.file.bytes_done += count


@dataclass
class _Clock:
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    finished: datetime | None = None


class LocalTransfer(Transfer):
    """Lives as long as this process. Interrupting the wait for it cancels it: nobody else carries it on."""

    def __init__(self, api: Api, source: str, target: str, plan: Callable[[], list[LocalFile]]) -> None:
        """``plan`` says which files there are, and refuses what cannot be done before anything is written."""
        self._name = secrets.token_hex(8)
        self._source, self._target = source, target
        self._plan = plan
        self._files: list[LocalFile] | None = None
        self._state: models.TransferState = "queued"
        self._error: models.Failure | None = None
        self._clock = _Clock()
        self._samples: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self.may_run = threading.Event()
        self.may_run.set()
        self.is_cancelled = False
        self._cancelled_at = 0.0
        super().__init__(api, self._show())
        self._start()

    # --- looking --------------------------------------------------------------------------------------------------

    @property
    def status(self) -> models.Transfer:
        """All about it, as it is now."""
        self._seen = self._show()
        return self._seen

    def files(self, state: models.FileState | None = None) -> Iterator[models.TransferFile]:
        """Its files, or those in one state."""
        return (file.show() for file in self._files or [] if state in (None, file.state))

    def _show(self) -> models.Transfer:
        files = self._files
        done = sum(file.bytes_done for file in files or [])
        total = sum(file.size for file in files if file.state != "skipped") if files is not None else None
        state: models.TransferState = self._state
        if state == "running" and not self.may_run.is_set():
            state = "paused"
        rate = self._rate(done) if state == "running" else None
        return models.Transfer(
            id=self._name,
            action="copy",
            source=self._source,
            names_total=None,
            target=self._target,
            state=state,
            bytes_done=done,
            bytes_total=total,
            files_done=sum(file.state in {"completed", "skipped"} for file in files or []),
            files_total=len(files) if files is not None else None,
            files_failed=sum(file.state == "failed" for file in files or []),
            rate=rate,
            eta=(total - done) / rate if rate and total is not None else None,
            created_at=self._clock.created,
            started_at=self._clock.started,
            finished_at=self._clock.finished,
            error=self._error,
            needs=None,
        )

    def _rate(self, done: int) -> float | None:
        now = time.monotonic()
        samples = self._samples
        samples.append((now, done))
        while len(samples) > 2 and now - samples[0][0] > RATE_WINDOW:
            samples.popleft()
        passed = now - samples[0][0]
        return max(0.0, (done - samples[0][1]) / passed) if passed > 0 else None

    # --- steering -------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Self:
        """As for any transfer; an interrupt cancels it."""
        try:
            return super().wait(timeout, progress=progress)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def pause(self) -> Self:
        """Stop between two pieces."""
        self.may_run.clear()
        return self

    def resume(self, token: str | None = None) -> Self:
        """Go on."""
        self.may_run.set()
        return self

    def cancel(self) -> Self:
        """Stop, and leave nothing half-written; what was moved stays."""
        self._cancelled_at = self._cancelled_at or time.monotonic()
        self.is_cancelled = True
        self.may_run.set()
        return self

    def retry(self, token: str | None = None) -> Self:
        """Try what failed again."""
        with self._lock:
            if self._state != "failed":
                return self
            for file in self._files or []:
                if file.state == "failed":
                    file.state, file.error, file.bytes_done = "queued", None, 0
            self._state, self._error, self._clock.finished = "queued", None, None
        self._start()
        return self

    def remove(self) -> None:
        """Nobody remembers it but you."""

    # --- running --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        _going_on.add(self)
        self._thread = threading.Thread(target=self._run, name=f"odhtec {self._name}", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its thread at the end of the process: for that of a cancelled one only some seconds."""
        left = self._cancelled_at + CANCEL_SECONDS - time.monotonic()
        self._thread.join(max(0.0, left) if self.is_cancelled else None)

    def _run(self) -> None:
        self._clock.started = datetime.now(UTC)
        try:
            self._state = "running"
            if self._files is None:
                self._files = self._plan()
            self._move_all([file for file in self._files if file.state == "queued"])
            self._end(self._files)
        except BaseException as error:  # whoever waits hears of it
            self._finish("failed", failure(error))
        finally:
            _going_on.discard(self)

    def _move_all(self, files: list[LocalFile]) -> None:
        waiting = deque(files)

        def work() -> None:
            while True:
                try:
                    file = waiting.popleft()
                except IndexError:
                    return
                self._move(file)

        others = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(files)) - 1)]
        for one in others:
            one.start()
        work()
        for one in others:
            one.join()

    def _move(self, file: LocalFile) -> None:
        gate = Gate(file, self)
        try:
            gate.check()
            file.state = "running"
            file.state = "completed" if file.move(gate) else "skipped"
            file.bytes_done = file.size if file.state == "completed" else 0
        except Cancelled:
            file.state = "cancelled"
        except BaseException as error:  # the file says what happened to it
            file.error = failure(error)
            file.state = "failed"

    def _end(self, files: list[LocalFile]) -> None:
        failed = [file.error for file in files if file.error is not None]
        if self.is_cancelled and any(file.state == "cancelled" for file in files):
            self._finish("cancelled", None)
        elif not failed:
            self._finish("completed", None)
        elif len(files) == 1:
            self._finish("failed", failed[0])
        else:
            text = f"{len(failed)} of {len(files)} files failed; the first: {failed[0].message}"
            self._finish("failed", models.Failure(code=failed[0].code, message=text))

    def _finish(self, state: models.TransferState, error: models.Failure | None) -> None:
        self._error = error
        self._clock.finished = datetime.now(UTC)
        self._state = state


def failure(error: BaseException) -> models.Failure:
    """What a transfer or a file says of an exception."""
    if isinstance(error, OdhTecError):
        return models.Failure(code=error.code, message=str(error))
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return models.Failure(code="WorkspaceError", message=f"{error.strerror or error}{where}")
    return models.Failure(code="InternalError", message=f"{type(error).__name__}: {error}")


_going_on: WeakSet[LocalTransfer] = WeakSet()


@atexit.register
def _let_them_end() -> None:
    """A script that did not wait is over; what it started gets there all the same."""
    for transfer in list(_going_on):
        if transfer.may_run.is_set():
            transfer.join()
