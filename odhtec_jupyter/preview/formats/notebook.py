"""Notebooks: their cells with outputs as plain text, also of a notebook that is too large to be read completely."""

from __future__ import annotations

import json
import re
from typing import Any

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import NotebookCell, NotebookPreview
from odhtec_jupyter.preview.cell import words
from odhtec_jupyter.preview.formats.text import decoded
from odhtec_jupyter.preview.json_text import require_few_values
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

MAX_READ_BYTES = 3072 * KIB
MAX_CELLS = 200
MAX_SHOWN = 512 * KIB  # characters of all cells together
MAX_TEXT = 20_000  # characters of a source or an output
MAX_OUTPUTS = 20  # of a cell
# Escape sequences of terminals. The parts exclude each other, so that no input makes this slow.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_SPACE = re.compile(r"[ \t\r\n]*")


def preview(item: PreviewInput) -> NotebookPreview:
    """Return the first cells. Raises :class:`Unreadable`."""
    text = decoded(item, MAX_READ_BYTES).text
    if not text.strip():
        raise Unreadable("The file is empty.")
    require_few_values(text)
    try:
        reader = _Reader(text)
        reader.read()
    except RecursionError:
        raise Unreadable("The JSON is nested too deeply.") from None
    if reader.cells is None or (not reader.whole and item.size <= MAX_READ_BYTES):
        raise Unreadable("The file is not a notebook in format 4, or it is damaged.")
    cells: list[NotebookCell] = []
    room = MAX_SHOWN
    for found in reader.cells[:MAX_CELLS]:
        cell = _cell(found)
        room -= len(cell.source) + sum(map(len, cell.outputs))
        if cells and room < 0:
            break
        cells.append(cell)
    if not reader.whole:
        item.notes.append(f"Showing the first {MAX_READ_BYTES // KIB} KiB of a large notebook.")
    return NotebookPreview(
        language=_language(reader.metadata),
        cells=cells,
        cell_count=len(reader.cells),
        truncated=not reader.whole or len(cells) < len(reader.cells),
        **item.common(),
    )


class _Reader:
    """A reader of the members of the outermost object, and of its ``cells`` one by one, until the text ends."""

    def __init__(self, text: str) -> None:
        self.cells: list[Any] | None = None
        self.metadata: Any = None
        self.whole = False
        self._text = text
        self._position = 0
        self._decoder = json.JSONDecoder()

    def read(self) -> None:
        """Read what is there; an error or the end of the text stops it, with ``whole`` still false."""
        try:
            self._expect("{")
            while True:
                name = self._value()
                self._expect(":")
                if name == "cells":
                    self._read_cells()
                elif name == "metadata":
                    self.metadata = self._value()
                else:
                    self._value()
                if self._expect(",}") == "}":
                    break
            self.whole = True
        except ValueError:
            return

    def _read_cells(self) -> None:
        self._expect("[")
        self.cells = []
        if self._peek() == "]":
            self._expect("]")
            return
        while True:
            self.cells.append(self._value())
            if self._expect(",]") == "]":
                return

    def _peek(self) -> str:
        match = _SPACE.match(self._text, self._position)
        assert match
        self._position = match.end()
        return self._text[self._position : self._position + 1]

    def _expect(self, one_of: str) -> str:
        found = self._peek()
        if not found or found not in one_of:
            raise ValueError
        self._position += 1
        return found

    def _value(self) -> Any:
        self._peek()
        value, self._position = self._decoder.raw_decode(self._text, self._position)
        return value


def _cell(found: Any) -> NotebookCell:
    found = found if isinstance(found, dict) else {}
    kind = found.get("cell_type")
    outputs = found.get("outputs")
    listed = outputs if isinstance(outputs, list) else []
    shown = [_output(one) for one in listed[:MAX_OUTPUTS] if isinstance(one, dict)]
    if len(listed) > MAX_OUTPUTS:
        shown.append(f"… {len(listed) - MAX_OUTPUTS} more outputs")
    return NotebookCell(
        cell_type=kind if kind in ("code", "markdown", "raw") else "raw",
        source=_joined(found.get("source")),
        outputs=[text for text in shown if text],
    )


def _output(output: dict[str, Any]) -> str:
    """Return an output as a terminal without colors shows it; an output for browsers is named by its type."""
    if output.get("output_type") == "stream":
        return _joined(output.get("text"))
    if output.get("output_type") == "error":
        trace = output.get("traceback")
        lines = trace if isinstance(trace, list) and trace else [f"{output.get('ename')}: {output.get('evalue')}"]
        return _joined("\n".join(str(line)[:MAX_TEXT] for line in lines[:500]))
    data = output.get("data")
    data = data if isinstance(data, dict) else {}
    if "text/plain" in data:
        text = _joined(data["text/plain"])
        images = [name for name in data if str(name).startswith("image/")]
        return f"{text}\n[{words(images[0], 50)}]" if images else text
    return words(f"[{next(iter(data))}]", 100) if data else ""


def _joined(text: Any) -> str:
    """Return a text of nbformat, which is a string or a list of strings."""
    if isinstance(text, list):
        text = "".join(one for one in text if isinstance(one, str))
    return words(_ANSI.sub("", text[: 2 * MAX_TEXT]), MAX_TEXT) if isinstance(text, str) else ""


def _language(metadata: Any) -> str | None:
    for part, name in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata.get(part) if isinstance(metadata, dict) else None
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return words(found[name], 50)
    return None
