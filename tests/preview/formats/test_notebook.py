"""Notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from odhtec_jupyter import demo
from tests.preview.conftest import damaged

PNG = "iVBORw0KGgo="


def notebook(*cells: dict[str, Any], **members: Any) -> bytes:
    metadata = {"kernelspec": {"language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5, **members}).encode()


def code(source: Any, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": outputs, "execution_count": 1}


def test_cells_of_a_real_notebook_are_shown(see: Any) -> None:
    path = Path(demo.__file__).parent / "assets" / "first_look.ipynb"
    reply = see("work/First.IPYNB", path.read_bytes())
    stored = json.loads(path.read_bytes())
    assert [cell["source"] for cell in reply["cells"]] == ["".join(cell["source"]) for cell in stored["cells"]]
    assert reply["cells"][1]["outputs"] == ["15.0"]
    assert (reply["language"], reply["cellCount"], reply["truncated"]) == ("python", len(stored["cells"]), False)


def test_outputs_are_plain_text(see: Any) -> None:
    reply = see(
        "a.ipynb",
        notebook(
            code(
                ["a\n", "b"],
                {"output_type": "stream", "name": "stdout", "text": ["one\n", "\x1b[1;31mtwo\x1b[0m"]},
                {"output_type": "display_data", "data": {"text/plain": ["<Figure>"], "image/png": PNG}},
                {"output_type": "display_data", "data": {"image/png": PNG}},
                {"output_type": "execute_result", "data": {"text/html": "<b>x</b>", "text/plain": "x"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mE\x1b[0m", "at 1"]},
            )
        ),
    )
    cell = reply["cells"][0]
    assert cell["source"] == "a\nb"
    assert cell["outputs"] == ["one\ntwo", "<Figure>\n[image/png]", "[image/png]", "x", "E\nat 1"]


def test_first_cells_of_a_large_notebook_are_shown(see: Any) -> None:
    large = {"output_type": "display_data", "data": {"image/png": "A" * 400_000}}
    reply = see("a.ipynb", notebook(*(code(f"cell {number}", large) for number in range(20))))
    assert [cell["source"] for cell in reply["cells"]] == [f"cell {number}" for number in range(7)]
    assert reply["truncated"] is True
    assert reply["note"] == "Showing the first 3072 KiB of a large notebook."


def test_many_and_long_cells_are_truncated(see: Any) -> None:
    reply = see("a.ipynb", notebook(*(code("x" * 50) for _ in range(500))))
    assert (len(reply["cells"]), reply["cellCount"], reply["truncated"]) == (200, 500, True)
    reply = see("a.ipynb", notebook(code("x" * 100_000, *({"output_type": "stream", "text": "y"},) * 50)))
    assert len(reply["cells"][0]["source"]) == 20_001
    assert reply["cells"][0]["outputs"][-1] == "… 30 more outputs"


def test_json_that_is_not_a_notebook_is_shown_as_text(see: Any) -> None:
    for data in (b'{"worksheets": [], "nbformat": 3}', b"[1, 2]", b'{"cells": [', b"words"):
        reply = see("a.ipynb", data)
        assert (reply["kind"], reply["text"], reply["language"]) == ("text", data.decode(), "json")
        assert (
            reply["note"]
            == "This cannot be shown as a notebook. The file is not a notebook in format 4, or it is damaged."
        )
    for cells in (b"[" * 100_000, b'[{"a":' * 100_000):
        assert "nested too deeply" in see("a.ipynb", b'{"cells": [' + cells)["note"]
    assert "too many values" in see("a.ipynb", b'{"cells": [' + b"[]," * 200_000)["note"]


def test_empty_notebook_is_shown_as_text_and_nan_is_accepted(see: Any) -> None:
    for data in (b"", b" \n"):
        reply = see("a.ipynb", data)
        assert (reply["kind"], reply["note"]) == ("text", "This cannot be shown as a notebook. The file is empty.")
    output = {"output_type": "display_data", "data": {"text/plain": "x", "application/json": [float("nan")]}}
    data = notebook(code("a", output))
    assert b"NaN" in data
    assert see("a.ipynb", data)["cells"][0]["outputs"] == ["x"]
    assert see("a.jsonl", b'{"a": NaN, "b": -Infinity}\n')["rows"] == [["nan", "-inf"]]


def test_cells_of_any_shape_are_shown(see: Any) -> None:
    odd: list[Any] = [None, 1, "x", [], {}, {"a": [1]}, ["x", 1, None], "\ud800"]
    cells: list[Any] = [*odd, *({"cell_type": one, "source": one, "outputs": one} for one in odd)]
    cells += [{"cell_type": "code", "outputs": [{"output_type": kind, "text": one, "data": one, "traceback": one}]}
              for one in odd for kind in ("stream", "error", "display_data", one)]  # fmt: skip
    reply = see("a.ipynb", json.dumps({"cells": cells, "metadata": {"language_info": 1, "kernelspec": []}}).encode())
    assert reply["cellCount"] == len(cells)


def test_terminal_codes_take_bounded_time(see: Any) -> None:
    for text in ("\x1b[" * 20_000, "\x1b]" * 20_000, "\x1b[0;" * 10_000):
        assert see("a.ipynb", notebook(code(text)))["kind"] == "notebook"


def test_damaged_file_never_raises(see: Any) -> None:
    for data in damaged(notebook(*(code("x = 1", {"output_type": "stream", "text": "ü"}) for _ in range(20))), 60):
        see("a.ipynb", data)
