"""Code for an object is inserted into a notebook, by mouse and by keyboard, and runs in a kernel without S3 keys."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas
import pytest
import yaml

from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

NO_KEYS = "import os\nfor name in [n for n in os.environ if n.startswith('AWS_')]:\n    del os.environ[name]"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
CONTENT = "window.jupyterapp.shell.currentWidget?.content"
ODD = 'odd "name" \\ é 😀 # [*]\u2028::x.csv'


class Notebook:
    """A new notebook. Its kernel has no environment variables of the store."""

    def __init__(self, panel: Panel) -> None:
        self.page = panel.page
        self.page.locator(".jp-LauncherCard", has_text="Python 3").first.click()
        # Before that, Lab may render the cell again and lose what was inserted.
        self.page.wait_for_function(
            """() => { const it = window.jupyterapp.shell.currentWidget;
                       return it?.context?.isReady && it.sessionContext?.session?.kernel?.status === 'idle'; }""",
            timeout=2 * TIMEOUT_MS,
        )
        self.add(NO_KEYS)
        self.run(1)

    def add(self, line: str) -> None:
        """Append a line to the active cell."""
        self.page.evaluate(
            f"line => {{ const text = {CONTENT}.activeCell.model.sharedModel;"
            "            text.setSource(text.getSource() + '\\n' + line); }",
            line,
        )

    def wait_for_code(self, last: str) -> None:
        """Wait until the active cell ends with ``last`` and has the cursor."""
        self.page.wait_for_function(
            f"""last => {{ const cell = {CONTENT}?.activeCell;
                          return cell?.model.sharedModel.getSource().endsWith(last) && cell.editor?.hasFocus(); }}""",
            arg=last,
        )

    def run(self, count: int) -> list[dict[str, Any]]:
        """Run the active cell, which is number ``count``, and return its outputs."""
        self.page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-cell-and-insert-below'); }")
        return self.outputs(count)

    def outputs(self, count: int) -> list[dict[str, Any]]:
        """Return the outputs of cell number ``count`` when it has run. Fails if there is an error."""
        cell = f"[...{CONTENT}.model.cells][count - 1]"
        self.page.wait_for_function(f"count => {cell}?.executionCount && {cell}.executionState === 'idle'", arg=count)
        outputs: list[dict[str, Any]] = self.page.evaluate(f"count => {cell}.toJSON().outputs", count)
        assert not [one for one in outputs if one["output_type"] == "error"], outputs
        return outputs


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    frame = pandas.DataFrame({"a": [1, 2], "b": ["drei", "vier"]})
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    weights = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"format": "pt"}}
    header = json.dumps(weights).encode()
    objects = {
        "table.csv": frame.to_csv(index=False).encode(),
        "table.parquet": parquet.getvalue(),
        ODD: frame.to_csv(index=False).encode(),
        "lines.jsonl.gz": gzipped_json_lines(frame),
        "w.safetensors": len(header).to_bytes(8, "little") + header + bytes(8),
        "pixel.png": PIXEL,
        "c.json": b'{"k": [1]}',
        "note.txt": "ä text".encode(),
        "other.bin": b"bytes",
        "models/My Model/config.json": b"{}",
    }
    for key, body in objects.items():
        client.put_object(Bucket="models", Key=key, Body=body)
    panel.button("Refresh").click()
    panel.row("table.csv").wait_for()
    return panel


def gzipped_json_lines(frame: pandas.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.to_json(written, orient="records", lines=True, compression="gzip")
    return written.getvalue()


def submenu(panel: Panel, label: str) -> Locator:
    """Return the entry of a submenu, which has no role in Lumino."""
    return panel.page.locator('.lm-Menu-item[data-type="submenu"]', has_text=label)


@pytest.mark.extended
def test_table_is_read_without_keys_by_mouse(filled: Panel, pictures: Path) -> None:
    panel, page = filled, filled.page
    notebook = Notebook(panel)
    for count, name in ((2, "table.csv"), (3, "table.parquet")):
        panel.row(name).click(button="right")
        submenu(panel, "Insert into Notebook").click()
        page.get_by_role("menuitem", name="Read with pandas").wait_for()
        assert page.get_by_role("menuitem", name="Read Text").count() == 0
        if count == 2:
            page.screenshot(path=pictures / "insert.png")
        page.get_by_role("menuitem", name="Read with pandas").click()
        notebook.wait_for_code(f'("odhtec://models/{name}")')
        panel.press("Enter")
        page.keyboard.type("df")
        panel.press("Shift+Enter")
        (shown,) = notebook.outputs(count)
        assert "vier" in shown["data"]["text/plain"]


def test_table_is_read_without_keys_by_keyboard_alone(filled: Panel) -> None:
    panel, page = filled, filled.page
    notebook = Notebook(panel)
    panel.press("Control+Alt+o")
    panel.grid.locator(":focus").wait_for()
    page.keyboard.type("table.p")
    panel.expect_focus("table.parquet")
    panel.press("Alt+i")
    notebook.wait_for_code('df = pd.read_parquet("odhtec://models/table.parquet")')
    panel.press("Enter")
    page.keyboard.type("df")
    panel.press("Shift+Enter")
    (shown,) = notebook.outputs(2)
    assert "vier" in shown["data"]["text/plain"]

    # The palette has the other forms. In the middle of a line, only the URI is inserted.
    page.keyboard.type("x = ")
    panel.run_command("Insert into Notebook: URI")
    notebook.wait_for_code('x = "s3://models/table.parquet"')
    panel.press("Shift+Enter")
    assert notebook.outputs(3) == []
    panel.run_command("Insert into Notebook: Open as File")
    notebook.wait_for_code('file = Client().open("s3://models/table.parquet")')
    panel.press("Shift+Enter")
    assert notebook.outputs(4) == []


def test_all_inserted_code_runs_without_keys(filled: Panel) -> None:
    panel, page = filled, filled.page
    notebook = Notebook(panel)
    shown: dict[tuple[str, str | None], str] = {}
    for count, (key, form, value) in enumerate(
        [
            ("table.csv", None, "df"),
            (ODD, None, "df"),
            (ODD, "download", f"os.path.exists({ODD!r})"),
            ("lines.jsonl.gz", None, "df"),
            ("pixel.png", None, None),
            ("w.safetensors", None, None),
            ("c.json", None, "data"),
            ("note.txt", None, "text"),
            ("other.bin", None, "file.read()"),
            ("models/", None, None),
            ("models/", "download", "open('models/My Model/config.json').read()"),
            ("models/My Model/", "serve", None),
            (ODD, "uri", None),
        ],
        start=2,
    ):
        page.evaluate(
            """([key, form]) => window.jupyterapp.commands.execute(
                 'odhtec:insert-into-notebook', {bucket: 'models', key, ...(form ? {form} : {})})""",
            [key, form],
        )
        if value is not None:
            notebook.add(value)
        outputs = notebook.run(count)
        shown[key, form] = "".join(one.get("text") or json.dumps(one["data"]) for one in outputs)
    table, odd = shown["table.csv", None], shown[ODD, None]
    assert "vier" in table
    assert odd.replace(" ", "") == table.replace(" ", "")
    assert "True" in shown[ODD, "download"]
    assert "vier" in shown["lines.jsonl.gz", None]
    assert "image/png" in shown["pixel.png", None]
    assert "F32" in shown["w.safetensors", None]
    assert "{'k': [1]}" in shown["c.json", None]
    assert "\\u00e4 text" in shown["note.txt", None]
    assert "b'bytes'" in shown["other.bin", None]
    assert "My Model" in shown["models/", None]
    assert "{}" in shown["models/", "download"]
    manifest = yaml.safe_load(shown["models/My Model/", "serve"])
    assert manifest["metadata"]["name"] == "my-model"
    assert manifest["spec"]["predictor"]["model"]["storageUri"] == "s3://models/models/My Model/"


def test_code_is_copied_if_no_notebook_is_open(filled: Panel) -> None:
    panel, page = filled, filled.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.row("models").click(button="right")
    submenu(panel, "Copy Code for Notebook").hover()
    page.get_by_role("menuitem", name="Download to Kernel").click()
    page.wait_for_function(
        'async () => (await navigator.clipboard.readText()).includes(\'"s3://models/models/", "models"\')'
    )
    panel.row("note.txt").click()
    panel.row("other.bin").click(modifiers=["Control"])
    panel.row("other.bin").click(button="right")
    submenu(panel, "Copy Code for Notebook").hover()
    page.locator(".lm-Menu-item.lm-mod-disabled", has_text=re.compile("^URI$")).wait_for()
