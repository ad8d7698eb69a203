from __future__ import annotations

from contextlib import ExitStack

import pytest

from odhtec_jupyter.transfers.copying.stragglers import (
    LATE_FACTOR,
    LATE_SECONDS,
    MAX_RENEWALS,
    MIN_COMPARED,
    Stragglers,
)
from odhtec_jupyter.transfers.runtime.parts import MIB
from tests.transfers.steps import Clock, Delayed

USUAL = 50 * MIB  # bytes per second


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.stragglers.time", clock)
    return clock


def compared(clock: Clock, rate: float = USUAL) -> Stragglers:
    """With as many neighbours as are needed, each of this speed."""
    stragglers = Stragglers()
    for _ in range(MIN_COMPARED):
        with stragglers.reading() as one:
            clock.now += 8 * MIB / rate
            one.add(8 * MIB)
    return stragglers


def is_replaced(stragglers: Stragglers, clock: Clock, rate: float, seconds: float) -> bool:
    with stragglers.reading() as one:
        for _ in range(10):
            clock.now += seconds / 10
            one.add(int(rate * seconds / 10))
            stragglers.check()
    return one.is_cut()


def test_only_a_much_slower_connection_is_replaced(clock: Clock) -> None:
    assert is_replaced(compared(clock), clock, USUAL / LATE_FACTOR / 2, 2 * LATE_SECONDS)
    assert not is_replaced(compared(clock), clock, USUAL / LATE_FACTOR * 1.1, 2 * LATE_SECONDS)
    assert not is_replaced(compared(clock), clock, 1, LATE_SECONDS / 2), "it has some time to become fast"


def test_connection_that_falls_silent_is_replaced(clock: Clock) -> None:
    stragglers = compared(clock)
    with stragglers.reading() as one:
        clock.now += 1
        one.add(1000 * MIB)
        clock.now += LATE_SECONDS
        stragglers.check()
    assert one.is_cut()


def test_slow_connections_are_kept_where_all_are_slow(clock: Clock) -> None:
    assert not is_replaced(compared(clock, 1000), clock, 1000, 20 * LATE_SECONDS)


def test_replacing_stops_when_it_does_not_help(clock: Clock) -> None:
    stragglers = compared(clock)
    with ExitStack() as stack:
        readings = [stack.enter_context(stragglers.reading()) for _ in range(MAX_RENEWALS + 1)]
        clock.now += LATE_SECONDS
        stragglers.check()
        assert sum(one.is_cut() for one in readings) == MAX_RENEWALS


def test_connection_that_the_bandwidth_limit_delays_is_kept(clock: Clock) -> None:
    stragglers, flow = compared(clock), Delayed()
    flow.seconds = 50.0  # in an earlier range
    with stragglers.reading(flow) as one:
        for _ in range(10):  # far slower than the others, and silent for longer than they ever were
            clock.now += 2 * LATE_SECONDS
            flow.seconds += 2 * LATE_SECONDS - 0.001
            stragglers.check()
            one.add(1000)
            stragglers.check()
    assert not one.is_cut()


def test_slow_connection_is_replaced_under_a_bandwidth_limit_as_well(clock: Clock) -> None:
    stragglers, flow = compared(clock), Delayed()
    with stragglers.reading(flow) as one:
        for _ in range(10):
            clock.now += LATE_SECONDS
            flow.seconds += LATE_SECONDS / 2
            one.add(int(USUAL / LATE_FACTOR / 4 * LATE_SECONDS / 2))
            stragglers.check()
    assert one.is_cut()
