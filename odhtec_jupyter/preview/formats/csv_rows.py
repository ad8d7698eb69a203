"""Rows of CSV and TSV. A quoted field can contain line breaks, but a quote that is only a character must not.

``csv`` reads a field that starts with a quote up to the next quote, however far away. A lone quote (ditto marks,
inches, TSV in general) would make one field of all the rows up to it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

SAMPLE = 32 * 1024  # characters
SAMPLE_ROWS = 20
DELIMITERS = ",;\t|"
MAX_LONE_QUOTES = 20  # each can cause much of the text to be read again


def delimiter_of(text: str) -> str:
    """Return the delimiter that splits the first rows into the same number of fields, the more the better."""

    def score(delimiter: str) -> tuple[float, int]:
        try:
            rows = list(islice(rows_of(text[:SAMPLE], delimiter, whole=True), SAMPLE_ROWS))
        except csv.Error:
            return 0.0, 0
        widths = Counter(len(row) for row in rows[:-1] or rows if row)
        if not widths:
            return 0.0, 0
        width, count = widths.most_common(1)[0]
        return (count / widths.total() if width > 1 else 0.0), width

    return max(DELIMITERS, key=score)


def rows_of(text: str, delimiter: str, *, whole: bool) -> Iterator[list[str]]:
    """Return the rows, including empty ones, but without the last one, which can be incomplete, unless ``whole``.

    Raises :class:`csv.Error` for a field of more than 128 KiB.
    """
    return iter(_Rows(text, delimiter, whole))


class _Rows:
    def __init__(self, text: str, delimiter: str, whole: bool) -> None:
        self._end = len(text)
        self._whole = whole
        self._lines = lines = _Lines(text)
        self._strict = csv.reader(lines, delimiter=delimiter, strict=True)
        self._lenient = csv.reader(lines, delimiter=delimiter)
        self._literal = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        self._width = _usual_width(text, delimiter)
        self._lone_quotes = 0

    def __iter__(self) -> Iterator[list[str]]:
        while self._lines.position < self._end:
            row = self._row(self._lines.position)
            if row is None or (self._lines.position == self._end and not self._whole):
                return
            self._width = self._width or len(row)
            yield row

    def _row(self, start: int) -> list[str] | None:
        """Return the row that starts here; None if the rest of the text is not enough to know."""
        most = None if self._lone_quotes < MAX_LONE_QUOTES else 1
        row = self._read(self._strict, start, most)
        is_proper = row is not None
        if row is None:  # the quote is never closed, or characters follow the closing quote
            row = self._read(self._lenient, start, most)
        if row is not None and self._lines.count == 1:
            return row
        count, end = self._lines.count, self._lines.position
        fits = len(self._line(start)) == self._width > 1
        if row is not None:
            has_width = len(row) == self._width
            if (
                (is_proper and has_width and not self._are_rows(start, count))
                or (is_proper and not fits)
                or (has_width and not fits)
            ):
                self._lines.go_to(end)
                return row
        elif not fits and not self._whole:
            return None  # its quote can be closed after the part that was read
        self._lone_quotes += 1
        return self._line(start)

    def _read(self, reader: Iterator[list[str]], start: int, most: int | None = None) -> list[str] | None:
        """Return a row with all its lines; None if it is not valid, or if a quote is open after ``most`` lines."""
        self._lines.go_to(start, most)
        try:
            row = next(reader)
        except csv.Error:
            return None
        return None if self._lines.was_short else row

    def _line(self, start: int) -> list[str]:
        """Return the row in the single line that starts here, where a quote that is never closed is a character."""
        row = self._read(self._lenient, start, 1)
        if row is None:
            self._lines.go_to(start, 1)
            row = next(self._literal)
        return row

    def _are_rows(self, start: int, count: int) -> bool:
        """Return whether each of the lines is a row of the usual width."""
        for _ in range(count):
            if len(self._line(start)) != self._width or self._width < 2:
                return False
            start = self._lines.position
        return True


class _Lines:
    """The lines of a text for ``csv.reader``, which can be read again."""

    def __init__(self, text: str) -> None:
        self._text = io.StringIO(text, newline="")
        self._most: int | None = None
        self.count = 0  # lines since :meth:`go_to`
        self.was_short = False  # the reader needed more lines than there are, or than allowed

    @property
    def position(self) -> int:
        """The position of the next line."""
        return self._text.tell()

    def go_to(self, position: int, most: int | None = None) -> None:
        """Continue at a position, for up to ``most`` lines."""
        self._text.seek(position)
        self._most = most
        self.count = 0
        self.was_short = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = "" if self.count == self._most else self._text.readline()
        if not line:
            self.was_short = self.count > 0
            raise StopIteration
        self.count += 1
        return line


def _usual_width(text: str, delimiter: str) -> int:
    """Return the number of fields of most lines without a quote; 0 if it is not clear."""
    lines = text[:SAMPLE].split("\n")
    if len(text) > SAMPLE:
        lines.pop()  # cut
    widths = Counter(line.count(delimiter) + 1 for line in lines if line.strip() and '"' not in line)
    return widths.most_common(1)[0][0] if widths else 0
