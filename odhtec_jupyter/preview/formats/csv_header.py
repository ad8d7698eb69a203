"""Detection of a header row by comparing the first row of a table with the others, as csv.Sniffer does."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_COMPARED = 50  # rows
MAX_NAMES = 200  # columns
LONG_CODE = 6  # characters; longer values that all have one length are IDs or hashes, not words
_VALUE = re.compile(
    r"[-+]?[$€£¥]?[0-9][0-9.,:/ TZE+-]{0,40}%?|[-+]?[$€£¥]?\.[0-9]{1,40}(?:E[-+]?[0-9]{1,3})?"
    r"|[-+]?(?:nan|inf|infinity)|true|false|null|none|na|n/a",
    re.IGNORECASE,
)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row is a header: each column votes; in a tie, a row of distinct words is one."""
    if not rows:
        return False
    first = [field.strip() for field in rows[0][:MAX_NAMES]]
    # In concatenated files, the header is repeated.
    below = [row for row in rows[1 : MAX_COMPARED + 1] if row != rows[0] and any(map(str.strip, row))]
    if _are_numbers_of_columns(first, below):
        return True
    score = sum(
        _vote(name, [row[at].strip() for row in below if at < len(row) and row[at].strip()])
        for at, name in enumerate(first)
        if name
    )
    if score:
        return score > 0
    # pandas writes no name for its index column.
    names = first[1:] if len(first) > 1 and not first[0] else first
    return all(names) and len(set(names)) == len(names) and not any(map(_is_value, names))


def _vote(name: str, values: list[str]) -> int:
    """Return 1 if the first field of a column differs from all others, -1 if it is one of them, else 0."""
    if not values:
        return 0
    if all(map(_is_value, values)):
        if name.isdecimal() and not any(value.isdecimal() for value in values):
            return 0  # for example a year above measurements
        return -1 if _is_value(name) else 1
    if name in values:
        return -1
    lengths = set(map(len, values))
    if len(values) < 3 or len(lengths) > 1:
        return 0
    length = lengths.pop()
    if len(name) == length:
        return -1 if length >= LONG_CODE else 0
    return 1


def _is_value(text: str) -> bool:
    return _VALUE.fullmatch(text) is not None


def _are_numbers_of_columns(first: list[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the row is ``,0,1,2``, or ``0,1,2`` above words: pandas' names for columns without names."""
    has_index = len(first) > 2 and not first[0]
    numbers = first[1:] if has_index else first
    if len(numbers) < 2 or numbers != [str(number) for number in range(len(numbers))]:
        return False
    return has_index or any(not _is_value(field.strip()) for row in below for field in row[:MAX_NAMES] if field.strip())
