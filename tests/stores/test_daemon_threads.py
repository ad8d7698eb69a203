from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from contextvars import ContextVar

import pytest

from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from tests.conftest import python_path
from tests.waiting import GIVE_UP_SECONDS

ENDLESS = """
import threading
from odhtec_jupyter.stores.daemon_threads import DaemonThreads

started = threading.Event()
threads = DaemonThreads(2, thread_name_prefix="endless")
threads.submit(lambda: (started.set(), threading.Event().wait()))
started.wait()
threads.shutdown(wait=False)
"""


def test_process_ends_while_a_call_never_returns() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDLESS],
        env={"PYTHONPATH": python_path()},
        timeout=GIVE_UP_SECONDS,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_calls_run_in_parallel_up_to_the_limit() -> None:
    both = threading.Barrier(2, timeout=GIVE_UP_SECONDS)
    with DaemonThreads(2, thread_name_prefix="two") as threads:
        futures = [threads.submit(both.wait) for _ in range(6)]
        assert sorted(future.result(GIVE_UP_SECONDS) for future in futures) == [0, 0, 0, 1, 1, 1]
        names = set(threads.map(lambda _: threading.current_thread().name, range(20)))
    assert names <= {"two_0", "two_1"}


def test_error_goes_to_the_submitter_and_the_thread_continues() -> None:
    with DaemonThreads(1, thread_name_prefix="one") as threads:
        with pytest.raises(ZeroDivisionError):
            threads.submit(lambda: 1 // 0).result(GIVE_UP_SECONDS)
        assert threads.submit(int, "7").result(GIVE_UP_SECONDS) == 7


def test_call_runs_in_the_context_of_its_submitter() -> None:
    known: ContextVar[str] = ContextVar("known", default="")
    with DaemonThreads(1, thread_name_prefix="one") as threads:
        token = known.set("mine")
        submitted = threads.submit(known.get)
        known.reset(token)
        assert submitted.result(GIVE_UP_SECONDS) == "mine"
        assert threads.submit(known.get).result(GIVE_UP_SECONDS) == ""


def test_shutdown_cancels_waiting_calls_and_accepts_no_more() -> None:
    started, may_continue = threading.Event(), threading.Event()

    def run() -> bool:
        started.set()
        return may_continue.wait(GIVE_UP_SECONDS)

    threads = DaemonThreads(1, thread_name_prefix="one")
    running, waiting = threads.submit(run), threads.submit(int)
    assert started.wait(GIVE_UP_SECONDS)
    threads.shutdown(wait=False, cancel_futures=True)
    may_continue.set()
    threads.shutdown()
    assert running.result(GIVE_UP_SECONDS)
    with pytest.raises(CancelledError):
        waiting.result(GIVE_UP_SECONDS)
    with pytest.raises(RuntimeError):
        threads.submit(int)


def test_calls_wait_for_existing_threads_if_no_other_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    start, none_left = threading.Thread.start, True

    def refused(thread: threading.Thread) -> None:
        if none_left:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    ran: list[str] = []
    both = threading.Barrier(2, timeout=GIVE_UP_SECONDS)
    with DaemonThreads(2, thread_name_prefix="two") as threads:
        for _ in range(3):
            with pytest.raises(RuntimeError, match="can't start"):
                threads.submit(ran.append, "refused")
        none_left = False
        first = threads.submit(both.wait)
        none_left = True
        second = threads.submit(int, "7")  # by the only thread, when it is idle
        both.wait()
        first.result(GIVE_UP_SECONDS)
        assert second.result(GIVE_UP_SECONDS) == 7
    assert ran == []


def test_thread_that_waits_is_replaced_up_to_a_limit() -> None:
    waits, over = threading.Semaphore(0), threading.Event()
    with DaemonThreads(1, thread_name_prefix="one", max_replaced=2) as threads:

        def wait() -> bool:
            with threads.replaced():
                waits.release()
                return over.wait(GIVE_UP_SECONDS)

        waiting = [threads.submit(wait) for _ in range(2)]
        for _ in waiting:
            assert waits.acquire(timeout=GIVE_UP_SECONDS)
        assert threads.submit(int, "7").result(GIVE_UP_SECONDS) == 7
        waiting += [threads.submit(wait) for _ in range(3)]
        assert waits.acquire(timeout=GIVE_UP_SECONDS)
        assert len(threads._threads) == 3
        over.set()
        assert all(future.result(GIVE_UP_SECONDS) for future in waiting)
