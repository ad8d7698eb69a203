"""Where the vocabulary in a GGUF header ends, without reading it.

The words of a large vocabulary and their merges take more megabytes than a preview reads, and each says its own length,
so that only walking from one to the next leads past them. But strings one behind the other are easily told from all
else in such a file, so their end is found by looking at a few places; what follows there must prove that it was found.
"""

from __future__ import annotations

import struct

from odhtec_jupyter.preview.ranged_file import KIB, RangedFile

MAX_HEADER_BYTES = 48 * 1024 * KIB  # no header is larger
PROBE_BYTES = 8 * KIB
READ_ALL_BYTES = 64 * KIB  # from here on all of it is read
MAX_WORD_BYTES = 1024  # bytes of a word
MIN_CHAIN = 16  # strings one behind the other are no accident
MAX_CANDIDATES = 6


def ends_of_strings(file: RangedFile, start: int, order: str) -> list[int]:
    """Where the last strings behind ``start``, itself the place of a string, begin: the very last one first.

    One of them is no word any more but the name of the entry, or of the tensor, that follows.
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
    """Where in it the first string of a chain begins; None where there is no chain."""
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
    # A stretch of zeros would be a chain of empty strings.
    return count >= MIN_CHAIN // 4 and empty <= count // 4
