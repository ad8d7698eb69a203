from __future__ import annotations

import pytest

from odhtec_jupyter.transfers.copying.connection_scaler import AMPLE, GAIN, MOST, SEVERAL, SLOW, TRIAL, ConnectionScaler
from odhtec_jupyter.transfers.copying.throughput import PROBE, Throughput
from odhtec_jupyter.transfers.runtime.parts import MIB
from tests.transfers.steps import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.connection_scaler.time", clock)
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.throughput.time", clock)
    return clock


def bring(crew: ConnectionScaler, clock: Clock, rate: float) -> None:
    """Store parts of 8 MiB at so many bytes per second, until a trial is over."""
    crew.stored(8 * MIB)  # begun by one alone
    for _ in range(TRIAL // (8 * MIB)):
        clock.now += 8 * MIB / rate
        crew.stored(8 * MIB)


def test_one_that_is_fast_stays_alone_and_streams() -> None:
    crew = ConnectionScaler(may_stream=True)
    assert (crew.size, crew.streams) == (1, False), "how fast it is has to be seen first"
    assert not crew.judge(AMPLE)
    assert (crew.size, crew.streams) == (1, True)


def test_several_stay_where_they_are_faster_than_one(clock: Clock) -> None:
    crew = ConnectionScaler(may_stream=True)
    assert crew.judge(AMPLE - 1)
    assert (crew.size, crew.streams) == (SEVERAL, False)
    bring(crew, clock, GAIN * AMPLE)
    assert (crew.size, crew.streams) == (SEVERAL, False)


def test_one_goes_on_where_several_are_no_faster(clock: Clock) -> None:
    crew = ConnectionScaler(may_stream=True)
    crew.judge(AMPLE - 1)
    bring(crew, clock, AMPLE)
    assert (crew.size, crew.streams) == (1, True)
    assert not crew.judge(AMPLE / 2)
    assert crew.streams, "this has been tried"


def test_most_where_one_is_slow_at_any_time(clock: Clock) -> None:
    crew = ConnectionScaler(may_stream=True)
    crew.judge(AMPLE)
    assert crew.judge(SLOW - 1)
    assert (crew.size, crew.slow, crew.streams) == (MOST, True, False)
    bring(crew, clock, 1)
    crew.judge(AMPLE)
    assert (crew.size, crew.slow, crew.streams) == (MOST, True, False)


def test_small_files_get_several_at_once(clock: Clock) -> None:
    crew = ConnectionScaler(may_stream=False)
    assert crew.size == SEVERAL
    crew.judge(AMPLE)
    bring(crew, clock, 1)
    assert (crew.size, crew.streams) == (SEVERAL, False)


def test_a_fixed_size_stays() -> None:
    crew = ConnectionScaler(may_stream=True, size=1)
    crew.judge(SLOW - 1)
    assert crew.size == 1


def test_pace_leaves_out_what_the_source_thought_and_tells_once(clock: Clock) -> None:
    told: list[float] = []
    pace = Throughput(told.append)
    clock.now += 30
    pace.came(MIB)
    for _ in range(2 * PROBE // MIB):
        clock.now += 0.5
        pace.came(MIB)
    assert told == [2 * MIB]
