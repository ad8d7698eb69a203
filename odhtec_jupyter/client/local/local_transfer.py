"""A transfer of files of this machine: threads in this process upload or download them."""

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
from odhtec_jupyter.client.local import parallel_files
from odhtec_jupyter.client.local.busy import retry_while_busy
from odhtec_jupyter.client.local.local_file import Gate, LocalFile, LocalPlan, Signals
from odhtec_jupyter.client.local.parallel_files import ParallelFiles
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.errors import Cancelled, OdhTecError

CANCEL_SECONDS = 5.0  # that a cancelled transfer has for cleaning up before the process ends
RATE_WINDOW_SECONDS = 5.0


@dataclass
class _Clock:
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    finished: datetime | None = None


class LocalTransfer(Transfer):
    """A transfer that this process runs. It ends with the process, and an interrupt of :meth:`wait` cancels it."""

    def __init__(self, api: Api, source: str, target: str, plan: Callable[[], LocalPlan]) -> None:
        """``plan`` finds the files, and raises before anything is written if the transfer is impossible."""
        self._name = secrets.token_hex(8)
        self._source, self._target = source, target
        self._make_plan = plan
        self._plan: LocalPlan | None = None
        self._state: models.TransferState = "queued"
        self._error: models.Failure | None = None
        self._clock = _Clock()
        self._samples: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self._signals = Signals()
        self._limit = parallel_files.adaptive_limit()
        self._running: ParallelFiles | None = None
        self._cancelled_at = 0.0
        super().__init__(api, self._to_model())
        self._start()

    # --- status ---------------------------------------------------------------------------------------------------

    @property
    def status(self) -> models.Transfer:
        """The current state, progress and error."""
        self._seen = self._to_model()
        return self._seen

    @property
    def left_out(self) -> list[str]:
        """What the source also holds but the transfer leaves out, such as links to folders, each with the reason."""
        return list(self._plan.left_out) if self._plan is not None else []

    def files(self, state: models.FileState | None = None) -> Iterator[models.TransferFile]:
        """Yield its files, or those in one state."""
        files = self._plan.files if self._plan is not None else []
        return (file.to_model() for file in files if state in (None, file.state))

    def _to_model(self) -> models.Transfer:
        files = self._plan.files if self._plan is not None else None
        done = sum(file.bytes_done for file in files or [])
        total = sum(file.size for file in files if file.state != "skipped") if files is not None else None
        state: models.TransferState = self._state
        if state == "running" and not self._signals.may_run.is_set():
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
            files_omitted=len(self.left_out),
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
        while len(samples) > 2 and now - samples[0][0] > RATE_WINDOW_SECONDS:
            samples.popleft()
        passed = now - samples[0][0]
        return max(0.0, (done - samples[0][1]) / passed) if passed > 0 else None

    # --- control --------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Self:
        """Wait as :meth:`Transfer.wait` does. An interrupt cancels the transfer."""
        try:
            return super().wait(timeout, progress=progress)
        except KeyboardInterrupt:
            self.cancel()
            raise

    def pause(self) -> Self:
        """Pause after the current chunk of each file."""
        self._signals.may_run.clear()
        return self

    def resume(self, token: str | None = None) -> Self:
        """Continue."""
        self._signals.may_run.set()
        return self

    def cancel(self) -> Self:
        """Stop, and leave no incomplete file. Files that are complete stay."""
        self._cancelled_at = self._cancelled_at or time.monotonic()
        self._signals.cancelled.set()
        self._signals.may_run.set()
        return self

    def retry(self, token: str | None = None) -> Self:
        """Retry the files that failed."""
        with self._lock:
            if self._state != "failed":
                return self
            for file in self._plan.files if self._plan is not None else []:
                if file.state == "failed":
                    file.state, file.error, file.bytes_done = "queued", None, 0
            self._state, self._error, self._clock.finished = "queued", None, None
        self._start()
        return self

    def remove(self) -> None:
        """Do nothing: the server does not know this transfer."""

    # --- running --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        _running.add(self)
        self._thread = threading.Thread(target=self._run, name=f"odhtec {self._name}", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is not paused."""
        return self._signals.may_run.is_set()

    def join(self) -> None:
        """Wait for its thread. If the transfer was cancelled, wait only until ``CANCEL_SECONDS`` have passed."""
        left = self._cancelled_at + CANCEL_SECONDS - time.monotonic()
        self._thread.join(max(0.0, left) if self._signals.cancelled.is_set() else None)

    def _run(self) -> None:
        self._clock.started = datetime.now(UTC)
        try:
            self._state = "running"
            if self._plan is None:
                self._plan = self._make_plan()
            self._copy_all([file for file in self._plan.files if file.state == "queued"])
            self._end(self._plan.files)
        except BaseException as error:  # raised by wait()
            self._finish("failed", failure(error))
        finally:
            _running.discard(self)

    def _copy_all(self, files: list[LocalFile]) -> None:
        self._running = ParallelFiles(files, self._copy, self._limit)
        self._running.run()

    def _copy(self, file: LocalFile) -> None:
        gate = Gate(file, self._signals, self._count_large)

        def copy() -> bool:
            file.bytes_done = 0  # of the try before
            return file.copy(gate)

        try:
            gate.check()
            file.state = "running"
            file.state = "completed" if retry_while_busy(copy, gate, self._limit) else "skipped"
            file.bytes_done = file.size if file.state == "completed" else 0
        except Cancelled:
            file.state = "cancelled"
        except BaseException as error:  # shown with the file
            file.error = failure(error)
            file.state = "failed"

    def _count_large(self) -> int:
        return self._running.large_files if self._running is not None else 1

    def _end(self, files: list[LocalFile]) -> None:
        failed = [file.error for file in files if file.error is not None]
        if self._signals.cancelled.is_set() and any(file.state == "cancelled" for file in files):
            self._finish("cancelled", None)
        elif not failed:
            self._finish("completed", None)
        elif len(files) == 1:
            self._finish("failed", failed[0])
        else:
            text = f"{len(failed)} of {len(files)} files failed. The first error: {failed[0].message}"
            self._finish("failed", models.Failure(code=failed[0].code, message=text))

    def _finish(self, state: models.TransferState, error: models.Failure | None) -> None:
        self._error = error
        self._clock.finished = datetime.now(UTC)
        self._state = state


def failure(error: BaseException) -> models.Failure:
    """Return an exception as the error of a transfer or file."""
    if isinstance(error, OdhTecError):
        return models.Failure(code=error.code, message=str(error))
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return models.Failure(code="WorkspaceError", message=f"{error.strerror or error}{where}")
    return models.Failure(code="InternalError", message=f"{type(error).__name__}: {error}")


_running: WeakSet[LocalTransfer] = WeakSet()


@atexit.register
def _wait_at_exit() -> None:
    """Let transfers finish that a script has started and not waited for, except those that are paused."""
    for transfer in list(_running):
        if transfer.is_running:
            transfer.join()
