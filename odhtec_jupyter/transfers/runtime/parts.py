"""How an object is cut into parts: pure arithmetic.

S3 takes at most 10,000 parts of 5 MiB to 5 GiB, and 5 TiB in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

MIB = 1024 * 1024
PART_SIZE = 8 * MIB
# For parts that one thread reads and sends block by block: their size needs no memory, but each part costs some
# milliseconds, and a failed one is sent again.
STREAM_SIZE, LARGEST_STREAM = 64 * MIB, 256 * MIB
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
        """The length in bytes."""
        return self.end - self.start


def part_size(size: int) -> int:
    """Return the part size for an object of a known size: 8 MiB, or more if it needs 10,000 parts; in whole MiB."""
    return max(PART_SIZE, ceil(ceil(size / MAX_PARTS) / MIB) * MIB)


def stream_size(size: int) -> int:
    """Return the size of such parts for an object of a known size: an eighth of it, within these limits."""
    return min(max(STREAM_SIZE, size // 8), LARGEST_STREAM)


def plan(size: int, step: int | None = None) -> Iterator[Part]:
    """Return the parts of a file of ``size`` bytes in order, each of ``step`` bytes. An empty file has none."""
    step = step or part_size(size)
    for number, start in enumerate(range(0, size, step), 1):
        yield Part(number, start, min(start + step, size))


def open_part_size(number: int, largest: int) -> int:
    """Return the size of part ``number`` of an object of unknown size: it doubles every 1,000 parts, up to ``largest``.

    With 32 MiB at most that is room for 273 GiB without knowing it beforehand.
    """
    return min(PART_SIZE << min((number - 1) // 1000, 9), largest)


class Cutting:
    """Cuts a file into parts while it is copied, because the best size of the next part depends on its speed.

    All parts have ``step`` bytes, except the last one and those requested larger. While a larger part is being
    copied, no later part can start. So every part that is missing between stored parts has ``step`` bytes, and the
    numbers and sizes of the stored parts determine where each of them starts.
    """

    def __init__(self, size: int, step: int, stored: Mapping[int, int]) -> None:
        """``stored`` has the sizes, by number, of parts that an earlier run has stored."""
        self.size = size
        self.step = step
        self.kept = _placed(size, step, stored)
        self.count = 0  # of the parts that were returned
        self._last_kept = max(self.kept, default=0)
        self._end = 0

    @property
    def left(self) -> int:
        """The bytes that are in no part yet."""
        return self.size - self._end

    def next(self, size: int | None = None) -> Part | None:
        """Return the next part, of ``size`` bytes if no stored part is in between; None at the end of the file."""
        if not self.left:
            return None
        self.count += 1
        part = self.kept.get(self.count)
        if part is None:
            free = self.step if self.count < self._last_kept else max(self.step, size or 0)
            part = Part(self.count, self._end, min(self._end + free, self.size))
        self._end = part.end
        return part


def _placed(size: int, step: int, stored: Mapping[int, int]) -> dict[int, Part]:
    """Return the stored parts by position, as far as they can be of a file of this size."""
    kept: dict[int, Part] = {}
    number = end = 0
    for following in sorted(stored):
        start = end + (following - number - 1) * step
        number, end = following, start + stored[following]
        if number < 1 or end > size or (stored[following] < step and end != size):
            break
        kept[number] = Part(number, start, end)
    return kept
