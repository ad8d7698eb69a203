"""Values of a table as JSON, shortened for display."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the process that reads Parquet starts faster without this import
    from pydantic import JsonValue

MAX_ROWS = 100
MAX_COLUMNS = 100
MAX_CELL_CHARACTERS = 1000  # characters
MAX_ITEMS = 20  # of a list in a cell
MAX_DEPTH = 4
UNREAD = "…"  # in place of a value that was not read, or not completely
MAX_EXACT_INTEGER = 2**53  # JavaScript cannot represent all larger integers


def words(text: str, limit: int = MAX_CELL_CHARACTERS) -> str:
    """Return a text for JSON: shortened, and without the surrogates that JSON's escapes allow."""
    cut = text[:limit] + UNREAD if len(text) > limit else text
    return cut.encode("utf-8", "replace").decode()


def cell(value: object, depth: int = 0) -> JsonValue:
    """Return any value as JSON; a value that JSON cannot represent becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < MAX_EXACT_INTEGER else _digits(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return words(value)
    if isinstance(value, bytes):
        shown = value[: MAX_CELL_CHARACTERS // 2]
        return words(f"0x{shown.hex()}{UNREAD if len(value) > len(shown) else ''}", MAX_CELL_CHARACTERS + 4)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, Sequence | set | frozenset):
        return _list(value, len(value), depth)
    return words(str(value))


def _digits(value: int) -> str:
    # str() raises an error for very many digits.
    return str(value) if value.bit_length() < 1024 else hex(value)[:MAX_CELL_CHARACTERS]


def _mapping(value: Mapping[object, object], depth: int) -> JsonValue:
    if depth >= MAX_DEPTH:
        return UNREAD
    found = {words(str(name), 100): cell(one, depth + 1) for name, one in islice(value.items(), MAX_ITEMS)}
    return found | ({UNREAD: f"{len(value) - MAX_ITEMS} more"} if len(value) > MAX_ITEMS else {})


def _list(value: Iterable[object], length: int, depth: int) -> JsonValue:
    if depth >= MAX_DEPTH:
        return UNREAD
    found = [cell(one, depth + 1) for one in islice(value, MAX_ITEMS)]
    return [*found, f"{UNREAD} {length - MAX_ITEMS} more"] if length > MAX_ITEMS else found
