"""CSV and TSV: the dialect is found in the first lines, a quoted line break does not end a row."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import Column, TablePreview
from odhtec_jupyter.preview.cell import MAX_COLUMNS, MAX_ROWS, cell, words
from odhtec_jupyter.preview.ranged_file import KIB
from odhtec_jupyter.preview.subject import HEAD, Subject
from odhtec_jupyter.preview.text import decoded

STEPS = (HEAD, 1024 * KIB)  # more is read only where the rows are long
DELIMITERS = ",;\t|"
SAMPLE = 32 * KIB  # characters
SAMPLE_ROWS = 20
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,:/ TZ+-]{0,40}|[-+]?\.[0-9]{1,40}|nan|inf|true|false|null|na", re.IGNORECASE)


def look(subject: Subject) -> TablePreview:
    """The first rows. Raises :class:`Unreadable`."""
    rows: list[list[str]] = []
    format_: Literal["csv", "tsv"] = "tsv" if subject.extension in {"tsv", "tab"} else "csv"
    for limit in STEPS:
        found = decoded(subject, limit)
        whole = subject.size <= limit
        delimiter = "\t" if format_ == "tsv" else delimiter_of(found.text)
        rows = _rows(subject, found.text, delimiter, whole)
        if whole or len(rows) > MAX_ROWS:
            break
    if not rows and subject.size:
        raise Unreadable(f"Its first row does not end within {STEPS[-1] // KIB} KiB.")
    header, rows, complete = _header(rows), rows, whole and len(rows) <= MAX_ROWS + 1
    body = rows[1:] if header else rows
    width = max((len(row) for row in [header, *body]), default=0)
    if width > MAX_COLUMNS:
        subject.notes.append(f"Of its {width} columns the first {MAX_COLUMNS} are shown.")
    shown = min(width, MAX_COLUMNS)
    names = header[:shown] + [f"column {number}" for number in range(len(header) + 1, shown + 1)]
    return TablePreview(
        format=format_,
        columns=[Column(name=words(name, 200), type=None) for name in names],
        rows=[[cell(value) for value in row[:shown]] + [None] * (shown - len(row)) for row in body[:MAX_ROWS]],
        total_rows=len(body) if complete else None,
        row_groups=None,
        metadata={"delimiter": "tab" if delimiter == "\t" else delimiter, "encoding": found.encoding},
        truncated=not complete or len(body) > MAX_ROWS or width > MAX_COLUMNS,
        **subject.common(),
    )


def delimiter_of(text: str) -> str:
    """The one that cuts the first rows into the same number of fields, the more the better."""

    def score(delimiter: str) -> tuple[float, int]:
        try:
            rows = list(islice(_reader(text[:SAMPLE], delimiter), SAMPLE_ROWS))
        except csv.Error:
            return 0.0, 0
        widths = Counter(len(row) for row in rows[:-1] or rows if row)
        if not widths:
            return 0.0, 0
        width, count = widths.most_common(1)[0]
        return (count / widths.total() if width > 1 else 0.0), width

    return max(DELIMITERS, key=score)


def _reader(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _rows(subject: Subject, text: str, delimiter: str, whole: bool) -> list[list[str]]:
    """At most one row more than is shown with its header, without the one that the end of the text cuts."""
    rows: list[list[str]] = []
    reader = _reader(text, delimiter)
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > MAX_ROWS + 1:
                return [one for one in rows if one]
    except csv.Error:  # a field of more than 128 KiB: a quote that is never closed, as a rule
        if not rows:
            raise Unreadable("Its first row has a field of more than 128 KiB.") from None
        subject.notes.append("After the rows that are shown comes a field of more than 128 KiB.")
        return [one for one in rows if one]
    if not whole:
        rows = rows[:-1]
    return [one for one in rows if one]  # an empty line is none


def _header(rows: list[list[str]]) -> list[str]:
    """The first row, where it has names for all columns and no value in them."""
    first = rows[0] if rows else []
    names = [name.strip() for name in first]
    named = all(names) and len(set(names)) == len(names) and not any(_NUMBER.fullmatch(name) for name in names)
    return first if named else []
