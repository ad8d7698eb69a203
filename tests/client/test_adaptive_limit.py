"""How the number of connections follows the throughput."""

from __future__ import annotations

from math import inf

from odhtec_jupyter.client.local.adaptive_limit import KEPT_WINDOWS, AdaptiveLimit

MIB = 1024 * 1024


class Measured:
    """A limit with a clock that the test sets."""

    def __init__(self, first: int, most: int, enough: float = inf) -> None:
        self.now = 0.0
        self.limit = AdaptiveLimit(first, most, MIB, enough=enough, clock=lambda: self.now)
        self.limit.add(1)

    def move(self, rate: int) -> int:
        """Move bytes for a minute, with so many per second. Returns the number of connections afterwards."""
        self.now += 60
        self.limit.add(60 * rate)
        return self.limit.size


def test_number_is_doubled_while_that_is_faster() -> None:
    one = Measured(4, 32)
    assert [one.move(10 * MIB * 2**number) for number in range(5)] == [8, 16, 32, 32, 32]


def test_number_returns_to_the_last_one_that_was_faster_and_is_increased_again_later() -> None:
    one = Measured(4, 32)
    assert [one.move(10 * MIB), one.move(11 * MIB)] == [8, 4]
    assert {one.move(10 * MIB) for _ in range(KEPT_WINDOWS)} == {4}
    assert one.move(10 * MIB) == 8


def test_one_fast_connection_is_enough() -> None:
    one = Measured(1, 8, enough=200 * MIB)
    assert {one.move(200 * MIB) for _ in range(9)} == {1}
    assert one.move(100 * MIB) == 2


def test_busy_store_halves_the_number_once_for_all_connections() -> None:
    one = Measured(32, 32)
    for _ in range(32):
        one.limit.halve()
    assert one.limit.size == 16
    one.now += 2
    one.limit.halve()
    assert one.limit.size == 8


def test_number_is_kept_until_enough_was_measured() -> None:
    one = Measured(4, 32)
    one.now = 10
    one.limit.add(4 * MIB - 1)
    assert one.limit.size == 4
    one.limit.add(1)
    assert one.limit.size == 8
    one.now += 0.1
    one.limit.add(100 * MIB)
    assert one.limit.size == 8
