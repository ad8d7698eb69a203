from __future__ import annotations

import pytest

from odhtec_jupyter.transfers.copying.connection_scaler import (
    FAST_BYTES_PER_SECOND,
    MAX_CONNECTIONS,
    MIN_GAIN,
    SEVERAL_CONNECTIONS,
    SLOW_BYTES_PER_SECOND,
    TRIAL_BYTES,
    ConnectionScaler,
)
from odhtec_jupyter.transfers.copying.throughput import PROBE_BYTES, Throughput
from odhtec_jupyter.transfers.runtime.parts import MIB
from tests.transfers.steps import Clock, Delayed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.connection_scaler.time", clock)
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.throughput.time", clock)
    return clock


def store_parts(scaler: ConnectionScaler, clock: Clock, rate: float) -> None:
    """Store parts of 8 MiB at this rate until a trial has ended."""
    scaler.stored(8 * MIB)  # started by a single connection
    for _ in range(TRIAL_BYTES // (8 * MIB)):
        clock.now += 8 * MIB / rate
        scaler.stored(8 * MIB)


def test_fast_connection_stays_alone_and_streams() -> None:
    scaler = ConnectionScaler(may_stream=True)
    assert (scaler.size, scaler.streams) == (1, False), "the speed is unknown before the first part"
    assert not scaler.judge(FAST_BYTES_PER_SECOND)
    assert (scaler.size, scaler.streams) == (1, True)


def test_several_connections_are_kept_when_faster_than_one(clock: Clock) -> None:
    scaler = ConnectionScaler(may_stream=True)
    assert scaler.judge(FAST_BYTES_PER_SECOND - 1)
    assert (scaler.size, scaler.streams) == (SEVERAL_CONNECTIONS, False)
    store_parts(scaler, clock, MIN_GAIN * FAST_BYTES_PER_SECOND)
    assert (scaler.size, scaler.streams) == (SEVERAL_CONNECTIONS, False)


def test_one_connection_is_used_when_several_are_no_faster(clock: Clock) -> None:
    scaler = ConnectionScaler(may_stream=True)
    scaler.judge(FAST_BYTES_PER_SECOND - 1)
    store_parts(scaler, clock, FAST_BYTES_PER_SECOND)
    assert (scaler.size, scaler.streams) == (1, True)
    assert not scaler.judge(FAST_BYTES_PER_SECOND / 2)
    assert scaler.streams, "more connections have been tried"


def test_slow_connection_raises_the_number_to_the_maximum_at_any_time(clock: Clock) -> None:
    scaler = ConnectionScaler(may_stream=True)
    scaler.judge(FAST_BYTES_PER_SECOND)
    assert scaler.judge(SLOW_BYTES_PER_SECOND - 1)
    assert (scaler.size, scaler.slow, scaler.streams) == (MAX_CONNECTIONS, True, False)
    store_parts(scaler, clock, 1)
    scaler.judge(FAST_BYTES_PER_SECOND)
    assert (scaler.size, scaler.slow, scaler.streams) == (MAX_CONNECTIONS, True, False)


def test_small_files_get_several_connections_immediately(clock: Clock) -> None:
    scaler = ConnectionScaler(may_stream=False)
    assert scaler.size == SEVERAL_CONNECTIONS
    scaler.judge(FAST_BYTES_PER_SECOND)
    store_parts(scaler, clock, 1)
    assert (scaler.size, scaler.streams) == (SEVERAL_CONNECTIONS, False)


def test_fixed_size_does_not_change() -> None:
    scaler = ConnectionScaler(may_stream=True, size=1)
    scaler.judge(SLOW_BYTES_PER_SECOND - 1)
    assert scaler.size == 1


def test_throughput_excludes_the_source_latency_and_is_reported_once(clock: Clock) -> None:
    reported: list[float] = []
    throughput = Throughput(reported.append, Delayed())
    clock.now += 30
    throughput.add(MIB)
    for _ in range(2 * PROBE_BYTES // MIB):
        clock.now += 0.5
        throughput.add(MIB)
    assert reported == [2 * MIB]


@pytest.mark.parametrize(("delayed", "judged"), [(0.0, [2 * MIB]), (0.2, [MIB / 0.3]), (0.3, [])])
def test_delays_by_the_bandwidth_limit_do_not_make_a_connection_slow(
    clock: Clock, delayed: float, judged: list[float]
) -> None:
    """If they took most of the time, nothing is known: the bytes have arrived while the connection waited."""
    told: list[float] = []
    throughput = Throughput(told.append, flow := Delayed())
    throughput.add(MIB)
    for _ in range(2 * PROBE_BYTES // MIB):
        clock.now += 0.5
        flow.seconds += delayed
        throughput.add(MIB)
    assert told == pytest.approx(judged)


def test_trial_does_not_include_parts_that_the_bandwidth_limit_has_delayed(clock: Clock) -> None:
    scaler = ConnectionScaler(may_stream=True)
    scaler.judge(FAST_BYTES_PER_SECOND - 1)
    scaler.stored(8 * MIB)
    for _ in range(2 * TRIAL_BYTES // (8 * MIB)):
        clock.now += 10
        scaler.stored(8 * MIB, is_limited=True)
    assert (scaler.size, scaler.streams) == (SEVERAL_CONNECTIONS, False)
    store_parts(scaler, clock, MIN_GAIN * FAST_BYTES_PER_SECOND)
    assert (scaler.size, scaler.streams) == (SEVERAL_CONNECTIONS, False), "without a limit they are faster than one"
