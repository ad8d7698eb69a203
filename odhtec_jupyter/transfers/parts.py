"""How an object is cut into parts: pure arithmetic.

S3 takes at most 10,000 parts of 5 MiB to 5 GiB, and 5 TiB in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

MIB = 1024 * 1024
PART_SIZE = 8 * MIB
MAX_PARTS = 10_000
MAX_OBJECT = 5 * 1024**4


@dataclass(frozen=True)
class Part:
    """Bytes ``start`` to ``end`` (exclusive); ``number`` counts from 1 as S3 does."""

    number: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


def part_size(size: int) -> int:
    """The part size for an object of a known size: 8 MiB, or what 10,000 parts need, rounded up to a MiB."""
    return max(PART_SIZE, ceil(ceil(size / MAX_PARTS) / MIB) * MIB)


def plan(size: int) -> Iterator[Part]:
    """The parts of an object of ``size`` bytes, in order; none for an empty one."""
    step = part_size(size)
    for number, start in enumerate(range(0, size, step), 1):
        yield Part(number, start, min(start + step, size))


def open_part_size(number: int, largest: int) -> int:
    """The size of part ``number`` of an object whose size is not known: it doubles each 1,000 parts up to ``largest``.

    With 32 MiB at most that is room for 273 GiB without knowing it beforehand.
    """
    return min(PART_SIZE << min((number - 1) // 1000, 9), largest)
