from __future__ import annotations

import random

import pytest

from odhtec_jupyter.transfers.runtime.parts import (
    MAX_OBJECT,
    MAX_PARTS,
    MIB,
    PART_SIZE,
    STREAM_SIZE,
    Cutting,
    Part,
    open_part_size,
    part_size,
    plan,
    stream_size,
)

SIZES = [1, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 3 * PART_SIZE, MAX_PARTS * PART_SIZE, MAX_PARTS * PART_SIZE + 1]


@pytest.mark.parametrize("size", [*SIZES, 500 * 1024**3, MAX_OBJECT])
def test_plan_covers_every_byte_once_in_at_most_10000_parts(size: int) -> None:
    end = count = 0
    for part in plan(size):
        assert part.number == count + 1
        assert part.start == end
        assert part.size > 0
        end, count = part.end, count + 1
    assert end == size
    assert count <= MAX_PARTS


def test_plan_of_an_empty_file_has_no_part() -> None:
    assert list(plan(0)) == []


def test_part_size_is_8_mib_until_10000_parts_are_not_enough() -> None:
    assert part_size(MAX_PARTS * PART_SIZE) == PART_SIZE
    assert part_size(MAX_PARTS * PART_SIZE + 1) == 9 * MIB
    assert part_size(MAX_OBJECT) == 525 * MIB


def test_open_part_size_grows_but_never_above_the_largest() -> None:
    sizes = [open_part_size(number, 32 * MIB) for number in range(1, MAX_PARTS + 1)]
    assert sizes[0] == sizes[999] == PART_SIZE
    assert sizes[1000] == 2 * PART_SIZE
    assert max(sizes) == 32 * MIB
    assert sum(sizes) > 270 * 1024**3


def cut(cutting: Cutting, size: int | None = None) -> list[Part]:
    return list(iter(lambda: cutting.next(size), None))


def test_cutting_without_larger_parts_equals_the_plan() -> None:
    size = 3 * PART_SIZE + 5
    assert cut(Cutting(size, PART_SIZE, {})) == list(plan(size))
    assert cut(Cutting(0, PART_SIZE, {})) == []


def test_stored_parts_keep_their_places_and_gaps_have_the_usual_size() -> None:
    cutting = Cutting(30, 4, {1: 4, 3: 4, 4: 12})
    assert cut(cutting, 12) == [
        Part(1, 0, 4),
        Part(2, 4, 8),
        Part(3, 8, 12),
        Part(4, 12, 24),
        Part(5, 24, 30),
    ]
    assert sorted(cutting.kept) == [1, 3, 4]
    assert cutting.count == 5


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ({0: 4, 1: 4}, []),  # part numbers start at 1
        ({1: 3, 2: 4}, []),  # too short for a part before the last
        ({1: 4, 2: 3}, [1]),
        ({1: 4, 2: 27}, [1]),  # beyond the end
        ({7: 4, 8: 2}, [7, 8]),
        ({9: 4}, []),
    ],
)
def test_stored_parts_that_do_not_fit_the_file_are_not_used(stored: dict[int, int], kept: list[int]) -> None:
    cutting = Cutting(30, 4, stored)
    assert sorted(cutting.kept) == kept
    assert cut(cutting)[-1].end == 30


@pytest.mark.parametrize("seed", range(200))
def test_every_byte_is_in_one_part_after_any_number_of_kills(seed: int) -> None:
    """As in a copy: parts of the usual size in parallel, or a larger one alone at the end."""
    dice = random.Random(seed)
    size, step = dice.randint(1, 300), dice.choice([4, 8])
    stored: dict[int, Part] = {}
    while True:
        cutting = Cutting(size, step, {number: part.size for number, part in stored.items()})
        assert cutting.kept == stored, "all stored parts are used"
        under_way: list[Part] = []
        while part := cutting.next(8 * step if dice.random() < 0.3 else None):
            if part.number not in stored:
                under_way.append(part)
            if part.size > step or len(under_way) == 4:
                if dice.random() < 0.1:
                    break  # killed
                stored |= {one.number: one for one in under_way}
                under_way.clear()
        else:
            stored |= {one.number: one for one in under_way}
            break
        stored |= {one.number: one for one in under_way if dice.random() < 0.5 and one.size <= step}
    end = 0
    for number in range(1, cutting.count + 1):
        assert stored[number].start == end
        end = stored[number].end
    assert end == size


def test_larger_parts_reduce_their_number() -> None:
    assert len(cut(Cutting(MAX_OBJECT, part_size(MAX_OBJECT), {}), STREAM_SIZE)) <= MAX_PARTS


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, 64 * MIB), (511 * MIB, 64 * MIB), (1024 * MIB, 128 * MIB), (2048 * MIB, 256 * MIB), (MAX_OBJECT, 256 * MIB)],
)
def test_a_streamed_part_is_an_eighth_of_its_file_within_limits(size: int, expected: int) -> None:
    assert stream_size(size) == expected
