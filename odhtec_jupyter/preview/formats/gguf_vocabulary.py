"""The end of a vocabulary in a GGUF header, found without reading it.

A large vocabulary has more megabytes than a preview reads, and each string has its own length, so that it can only be
skipped string by string. But consecutive strings are easy to distinguish from everything else in the file, so their end
is found by reading a few positions. The entries that follow confirm the position.
"""

from __future__ import annotations

import struct

from odhtec_jupyter.preview.ranged_file import KIB, RangedFile

MAX_HEADER_BYTES = 48 * 1024 * KIB  # the largest header
PROBE_BYTES = 8 * KIB
READ_ALL_BYTES = 64 * KIB  # shorter ranges are read completely
MAX_WORD_BYTES = 1024  # of one string
MIN_CHAIN = 16  # so many consecutive strings are not a coincidence
MAX_CANDIDATES = 6


def ends_of_strings(file: RangedFile, start: int, order: str) -> list[int]:
    """Return the offsets of the last strings after ``start``, the offset of a string, starting with the very last.

    One of them is not a string of the vocabulary but the name of the entry or tensor that follows.
    """
    low, high = start, min(file.size, start + MAX_HEADER_BYTES)
    while high - low > READ_ALL_BYTES:
        middle = (low + high) // 2
        offset = _first_string(file.at(middle, PROBE_BYTES), order)
        if offset is None:
            high = middle
        else:
            low = middle + offset
    window = file.at(low, high - low + PROBE_BYTES)
    places, offset = [], 0
    while offset + 8 <= len(window):
        (length,) = struct.unpack_from(f"{order}Q", window, offset)
        if length > MAX_WORD_BYTES:
            break
        places.append(low + offset)
        offset += 8 + length
    return places[: -MAX_CANDIDATES - 1 : -1]


def _first_string(window: bytes, order: str) -> int | None:
    """Return the offset of the first string of a chain; None if there is no chain."""
    return next(
        (offset for offset in range(min(len(window), MAX_WORD_BYTES + 8)) if _chained(window, offset, order)), None
    )


def _chained(window: bytes, offset: int, order: str) -> bool:
    count = empty = 0
    while offset + 8 <= len(window) and count < MIN_CHAIN:
        (length,) = struct.unpack_from(f"{order}Q", window, offset)
        if length > MAX_WORD_BYTES:
            return False
        offset += 8 + length
        count += 1
        empty += length == 0
    # A range of zeros would be a chain of empty strings.
    return count >= MIN_CHAIN // 4 and empty <= count // 4
