"""Random access: each byte is requested once, and the numbers of bytes and requests are limited."""

from __future__ import annotations

import itertools
import random

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.errors import Unreachable
from odhtec_jupyter.preview.ranged_file import READ_AHEAD, BudgetSpent, RangedFile
from tests.preview.conftest import Range, Source

CONTENT = SyntheticContent(3_000_000)


def test_every_range_is_read_correctly_and_no_byte_twice() -> None:
    rng = random.Random(3)
    whole = CONTENT.read()
    source = Source(CONTENT)
    file = RangedFile(source, max_requests=1000)
    for _ in range(300):
        start, count = rng.randrange(len(whole) + 100), rng.choice((0, 1, 500, 200_000))
        assert file.at(start, count) == whole[start : start + count]
    fetched = sorted(source.ranges)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(fetched))
    assert file.bytes_read == sum(end - start for start, end in fetched) <= len(whole)


def test_sequential_reads_request_growing_ranges() -> None:
    source = Source(CONTENT)
    file = RangedFile(source)
    for position in range(0, 1_000_000, 1000):
        file.at(position, 1000)
    assert file.requests <= 5
    file.at(2_500_000, 10)
    assert source.ranges[-1] == (2_500_000, 2_500_000 + READ_AHEAD)


def test_more_bytes_than_allowed_are_not_read() -> None:
    source = Source(CONTENT)
    file = RangedFile(source, max_bytes=100_000)
    with pytest.raises(BudgetSpent, match="more than 97 KiB"):
        file.at(0, 100_001)
    assert source.ranges == []
    assert file.at(0, 90_000) == CONTENT.read(0, 90_000)
    assert file.at(500_000, 10_000) == CONTENT.read(500_000, 510_000)
    assert file.bytes_left == 0
    assert file.at(10, 80_000) == CONTENT.read(10, 80_010)  # bytes that were read before are still available
    with pytest.raises(BudgetSpent):
        file.at(1_000_000, 1)


def test_more_requests_than_allowed_are_not_made() -> None:
    file = RangedFile(Source(CONTENT), max_requests=2)
    file.at(0, 1)
    file.at(1_000_000, 1)
    with pytest.raises(BudgetSpent):
        file.at(2_000_000, 1)


def test_a_range_that_ends_too_early_is_an_error() -> None:
    class Torn(Source):
        def open_range(self, start: int, end: int) -> Range:
            return Range(bytes(end - start - 1))

    with pytest.raises(Unreachable, match="stopped sending"):
        RangedFile(Torn(CONTENT)).at(0, 10)
