"""JSON Lines: each line is an object, whose names are the columns."""

from __future__ import annotations

from typing import Any

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import Column, TablePreview
from odhtec_jupyter.preview.cell import MAX_COLUMNS, MAX_ROWS, cell, words
from odhtec_jupyter.preview.formats.text import decoded
from odhtec_jupyter.preview.json_text import parse_json
from odhtec_jupyter.preview.preview_input import HEAD_BYTES, PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

READ_STEPS = (HEAD_BYTES, 2048 * KIB)  # bytes; the second step is for long lines
VALUE = "value"  # the column for lines that are not objects
_WORDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


def preview(item: PreviewInput) -> TablePreview:
    """Return the first lines. Raises :class:`Unreadable`."""
    lines: list[str] = []
    for limit in READ_STEPS:
        found = decoded(item, limit)
        whole = item.size <= limit
        # Not splitlines(), because JSON strings can contain other line separators of Unicode.
        lines = found.text.split("\n")
        lines = [line for line in (lines if whole else lines[:-1]) if line.strip()]
        if whole or len(lines) > MAX_ROWS:
            break
    if not lines and item.size:
        raise Unreadable(f"The first line is longer than {READ_STEPS[-1] // KIB} KiB.")
    values = _values(item, lines[:MAX_ROWS])
    names = list(dict.fromkeys(name for value in values for name in (value if isinstance(value, dict) else [VALUE])))
    if len(names) > MAX_COLUMNS:
        item.notes.append(f"Showing the first {MAX_COLUMNS} of {len(names)} columns.")
    complete = whole and len(values) == len(lines)
    return TablePreview(
        format="jsonl",
        columns=[Column(name=words(name, 200), type=_type(values, name)) for name in names[:MAX_COLUMNS]],
        rows=[[cell(_field(value, name)) for name in names[:MAX_COLUMNS]] for value in values],
        total_rows=len(lines) if complete else None,
        row_groups=None,
        metadata={"encoding": found.encoding},
        truncated=not complete or len(names) > MAX_COLUMNS,
        **item.common(),
    )


def _values(item: PreviewInput, lines: list[str]) -> list[Any]:
    values: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(parse_json(line))
        except Unreadable as error:
            if number == 1:
                raise
            item.notes.append(f"Line {number} cannot be read: {str(error)[0].lower()}{str(error)[1:]}")
            break
    return values


def _field(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    return value if name == VALUE else None


def _type(values: list[Any], name: str) -> str | None:
    """Return JSON's name for the type of a column; None if its values differ."""
    found = {_WORDS.get(type(one)) for value in values if (one := _field(value, name)) is not None}
    return found.pop() if len(found) == 1 else None
