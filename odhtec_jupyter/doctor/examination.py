"""The run of all steps: one after another, each with a limit of time, ended when the client disconnects."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any

from odhtec_jupyter.doctor.finding import Finding, failed, skipped
from odhtec_jupyter.doctor.route import Reached
from odhtec_jupyter.errors import Cancelled, OdhTecError, clipped
from odhtec_jupyter.models import ConnectionCheck
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.interruption import Interruptible, InterruptibleSet, ended_by
from odhtec_jupyter.visible import visible

STEP_SECONDS = 10.0
TOTAL_SECONDS = 50.0  # after which only the probe is removed
POLL_SECONDS = 0.1  # between two looks at whether the client is still there
MAX_MESSAGE = 1000  # characters
STEP_THREADS = 4  # a step that is late keeps its thread until its connection ends


@dataclass(frozen=True)
class Step:
    """One check. It is skipped if one of ``needs`` has failed; one that cleans up runs in any case."""

    id: str
    title: str
    run: Callable[[Any], Finding]
    needs: tuple[str, ...] = ()
    cleans_up: bool = False


class _StepStop:
    """Ends the requests of one step that is late."""

    def __init__(self) -> None:
        self._waits = InterruptibleSet()
        self._is_cut = False

    def is_cut(self) -> bool:
        return self._is_cut

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        return self._waits.holding(wait)

    def cut(self) -> None:
        self._is_cut = True
        self._waits.interrupt()


class Examination:
    """The steps about one subject."""

    def __init__(
        self,
        subject: Reached,
        steps: tuple[Step, ...],
        *,
        log: logging.Logger,
        gone: threading.Event | None = None,
    ) -> None:
        """``gone`` is set when the client disconnects."""
        self._subject = subject
        self._steps = steps
        self._log = log
        self._gone = gone or threading.Event()
        self._blocked: dict[str, str] = {}  # steps that failed or were skipped for it, and the title of the cause
        self._threads = DaemonThreads(STEP_THREADS, thread_name_prefix="odhtec-doctor")

    def run(self) -> list[ConnectionCheck]:
        """Run all steps and return their lines. Raises :class:`Cancelled` when the client disconnects."""
        end = time.monotonic() + TOTAL_SECONDS
        try:
            return [self._check(step, end) for step in self._steps]
        except Cancelled:
            for step in self._steps:
                if step.cleans_up:
                    self._gone = threading.Event()
                    self._finding(step, STEP_SECONDS)
            raise
        finally:
            self._subject.close()
            self._threads.shutdown(wait=False)

    def _check(self, step: Step, end: float) -> ConnectionCheck:
        cause = next((self._blocked[name] for name in step.needs if name in self._blocked), None)
        left = STEP_SECONDS if step.cleans_up else min(STEP_SECONDS, end - time.monotonic())
        if cause is not None:
            finding = skipped(f"Not tested, because “{cause}” failed.")
        elif left <= 0:
            finding = skipped(f"Not tested, because the test took longer than {TOTAL_SECONDS:.0f} seconds.")
            cause = step.title
        else:
            finding = self._finding(step, left)
            cause = step.title if finding.status == "failed" else None
        if cause is not None:
            self._blocked[step.id] = cause
        message = visible(clipped(finding.message, MAX_MESSAGE))
        return ConnectionCheck(id=step.id, title=step.title, status=finding.status, message=message)

    def _finding(self, step: Step, seconds: float) -> Finding:
        stop = _StepStop()
        with ended_by(stop):
            future = self._threads.submit(step.run, self._subject)
        try:
            return self._result(future, seconds)
        except LateError:
            return failed(
                "There was no answer in time. Check whether the store is busy, and whether a firewall or a proxy holds"
                " back its replies."
            )
        except Cancelled:
            raise
        except OdhTecError as error:
            return failed(str(error))
        except Exception as error:  # an unexpected reply must not hide the other lines
            self._log.exception("The step %s of the test of a connection failed.", step.id)
            return failed(f"Unexpected error ({type(error).__name__}). Details are in the server log.")
        finally:
            stop.cut()

    def _result(self, future: Future[Finding], seconds: float) -> Finding:
        end = time.monotonic() + seconds
        while not self._gone.is_set():
            left = end - time.monotonic()
            with suppress(LateError):
                return future.result(timeout=max(0.0, min(left, POLL_SECONDS)))
            if left <= 0:
                raise LateError
        raise Cancelled("The client has disconnected.")
