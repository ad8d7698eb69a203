from __future__ import annotations

import math
import threading

import pytest

from odhtec_jupyter.transfers.runtime import interactive_priority as module
from odhtec_jupyter.transfers.runtime.interactive_priority import InteractivePriority
from tests.transfers.steps import Clock
from tests.waiting import GIVE_UP_SECONDS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class RecordedWaits(threading.Event):
    """An event that records the timeouts of its waits, which return immediately."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return True


class Awaited(threading.Event):
    """An event that shows when a thread waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.awaited.set()
        return super().wait(timeout)


def test_transfer_thread_pauses_while_a_request_runs(clock: Clock) -> None:
    answered = RecordedWaits()
    interactive_priority, waits = InteractivePriority(answered), answered.waits
    interactive_priority.yield_to_requests()
    assert waits == []
    with interactive_priority.request():
        clock.now += module.MAX_PAUSE_SECONDS / 2
        interactive_priority.yield_to_requests()
        assert waits == [pytest.approx(module.MAX_PAUSE_SECONDS / 2)]
        with interactive_priority.request():
            pass
        interactive_priority.yield_to_requests()
        assert len(waits) == 2, "the first request is still running"
        clock.now += module.MAX_PAUSE_SECONDS
        interactive_priority.yield_to_requests()
        assert len(waits) == 2, "transfers do not wait for a long request"
    with interactive_priority.request():
        pass
    interactive_priority.yield_to_requests()
    assert len(waits) == 2


def test_all_transfer_threads_pause_together_after_a_request(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(clock, "sleep", slept.append, raising=False)
    interactive_priority = InteractivePriority()
    interactive_priority.note_browsing()
    clock.now = checked_at = math.ceil(clock.now / module.PAUSE_PERIOD_SECONDS) * module.PAUSE_PERIOD_SECONDS + 1e-6
    interactive_priority.yield_to_requests()
    assert slept == []
    clock.now = checked_at + module.PAUSE_PERIOD_SECONDS - module.PAUSE_SECONDS / 2
    interactive_priority.yield_to_requests()
    assert slept == [pytest.approx(module.PAUSE_SECONDS / 2, abs=1e-5)]
    clock.now += module.BROWSING_SECONDS
    interactive_priority.yield_to_requests()
    assert len(slept) == 1, "later transfers do not pause"


def test_pause_ends_with_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAUSE_SECONDS", 600)
    answered = Awaited()
    interactive_priority = InteractivePriority(answered)
    with interactive_priority.request():
        thread = threading.Thread(target=interactive_priority.yield_to_requests, daemon=True)
        thread.start()
        assert answered.awaited.wait(GIVE_UP_SECONDS)
        assert thread.is_alive()
    thread.join(GIVE_UP_SECONDS)
    assert not thread.is_alive()


def test_pause_ends_when_the_request_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAUSE_SECONDS", 600)
    interactive_priority = InteractivePriority()
    with pytest.raises(ZeroDivisionError), interactive_priority.request():
        raise ZeroDivisionError
    interactive_priority.yield_to_requests()
