"""CSV and TSV. The dialect is detected in the first lines."""

from __future__ import annotations

import csv
from typing import Literal

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import Column, TablePreview
from odhtec_jupyter.preview.cell import MAX_COLUMNS, MAX_ROWS, cell, words
from odhtec_jupyter.preview.formats.csv_header import has_header
from odhtec_jupyter.preview.formats.csv_rows import delimiter_of, rows_of
from odhtec_jupyter.preview.formats.text import decoded
from odhtec_jupyter.preview.preview_input import HEAD_BYTES, PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

READ_STEPS = (HEAD_BYTES, 1024 * KIB)  # bytes; the second step is for long rows
MAX_EMPTY = 10_000  # lines that are searched for a row


def preview(item: PreviewInput) -> TablePreview:
    """Return the first rows. Raises :class:`Unreadable`."""
    rows: list[list[str]] = []
    format_: Literal["csv", "tsv"] = "tsv" if item.extension in {"tsv", "tab"} else "csv"
    for limit in READ_STEPS:
        found = decoded(item, limit)
        whole = item.size <= limit
        delimiter = "\t" if format_ == "tsv" else delimiter_of(found.text)
        rows, complete = _rows(item, found.text, delimiter, whole)
        if whole or len(rows) > MAX_ROWS:
            break
    if not rows and item.size:
        raise Unreadable(f"The first row is longer than {READ_STEPS[-1] // KIB} KiB.")
    header, body = (rows[0], rows[1:]) if has_header(rows) else ([], rows)
    width = max((len(row) for row in [header, *body]), default=0)
    if width > MAX_COLUMNS:
        item.notes.append(f"Showing the first {MAX_COLUMNS} of {width} columns.")
    shown = min(width, MAX_COLUMNS)
    named = [name.strip() for name in header[:shown]] + [""] * (shown - len(header))
    names = [name or f"column {number}" for number, name in enumerate(named, 1)]
    return TablePreview(
        format=format_,
        columns=[Column(name=words(name, 200), type=None) for name in names],
        rows=[[cell(value) for value in row[:shown]] + [None] * (shown - len(row)) for row in body[:MAX_ROWS]],
        total_rows=len(body) if complete else None,
        row_groups=None,
        metadata={"delimiter": "tab" if delimiter == "\t" else delimiter, "encoding": found.encoding},
        truncated=not complete or len(body) > MAX_ROWS or width > MAX_COLUMNS,
        **item.common(),
    )


def _rows(item: PreviewInput, text: str, delimiter: str, whole: bool) -> tuple[list[list[str]], bool]:
    """Return up to one row more than is shown, without empty lines, and whether these are all."""
    rows: list[list[str]] = []
    empty = 0
    try:
        for row in rows_of(text, delimiter, whole=whole):
            if row:
                rows.append(row)
            empty += not row
            if len(rows) > MAX_ROWS + 1 or empty > MAX_EMPTY:
                return rows, False
    except csv.Error:
        if not rows:
            raise Unreadable("The first row has a field of more than 128 KiB.") from None
        item.notes.append("The rows end before a field of more than 128 KiB.")
        return rows, False
    return rows, whole
