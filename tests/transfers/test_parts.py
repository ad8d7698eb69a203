from __future__ import annotations

import pytest

from odhtec_jupyter.transfers.parts import MAX_OBJECT, MAX_PARTS, MIB, PART_SIZE, open_part_size, part_size, plan

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


def test_plan_of_nothing_has_no_part() -> None:
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
