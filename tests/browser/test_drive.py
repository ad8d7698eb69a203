"""Objects as documents of JupyterLab: opened, edited, run and saved, without overwriting another user's changes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.conftest import TIMEOUT_MS
from tests.browser.panel import Panel
from tests.conftest import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator, Response

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "one",
            "metadata": {},
            "outputs": [],
            "source": ["import os\n", "print(os.path.basename(os.getcwd()), 20 + 22)"],
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module")
def store(rgw_servers: dict[str, S3Server]) -> S3Server:
    return rgw_servers["rgw"]


def body(client: S3Client, key: str) -> str:
    return client.get_object(Bucket="models", Key=key)["Body"].read().decode()


def fill(panel: Panel, client: S3Client, objects: dict[str, str | bytes]) -> None:
    for key, content in objects.items():
        client.put_object(Bucket="models", Key=key, Body=content if isinstance(content, bytes) else content.encode())
    panel.button("Refresh").click()


def open_row(panel: Panel, name: str) -> None:
    """Open an object by keyboard."""
    panel.row(name).click()
    panel.press("Enter")


def editor(panel: Panel) -> Locator:
    return panel.page.locator(".jp-FileEditor:visible .cm-content")


def is_saving(response: Response) -> bool:
    """Return whether this is the reply to a save. Lab also sends PUTs for its layout."""
    return "/objects/upload/" in response.url and response.request.method == "PUT"


def save(panel: Panel) -> None:
    with panel.page.expect_response(is_saving):
        panel.press("Control+s")


def test_notebook_is_run_and_saved(panel: Panel, client: S3Client) -> None:
    page = panel.page
    fill(panel, client, {"notebooks/日本 a+b.ipynb": json.dumps(NOTEBOOK)})
    panel.row("notebooks").dblclick()
    panel.row("日本 a+b.ipynb").dblclick()
    notebook = page.locator(".jp-Notebook:visible")
    notebook.locator(".cm-content").first.wait_for()
    page.locator(".jp-NotebookPanel-toolbar").get_by_text("Python 3 (ipykernel)").wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=2 * TIMEOUT_MS)
    notebook.locator(".cm-content").first.click()
    panel.press("Shift+Enter")
    # Its working directory is the root directory of the server, because the folder in S3 is not one of its folders.
    output = notebook.get_by_text(re.compile(r"^\s*work 42\s*$"))
    output.wait_for(timeout=2 * TIMEOUT_MS)
    save(panel)
    stored = body(client, "notebooks/日本 a+b.ipynb")
    saved: dict[str, Any] = json.loads(stored)
    cell = saved["cells"][0]
    assert cell["source"] == NOTEBOOK["cells"][0]["source"], "the source has to be a list of lines"  # type: ignore[index]
    assert cell["outputs"][0]["text"] == ["work 42\n"]
    assert "trusted" not in stored
    assert stored == json.dumps(saved, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def test_opening_a_notebook_runs_none_of_its_scripts(panel: Panel, client: S3Client) -> None:
    """Its cells claim to be trusted, or inherit that from a prototype in the file."""
    flags = {
        "own": {"trusted": True},
        "proto": {"__proto__": {"trusted": True}},
        "constructor": {"constructor": {"prototype": {"trusted": True}}},
    }

    def run(name: str) -> str:
        return f"(window.odhtecRan ??= []).push({name!r})"

    def output(data: dict[str, str]) -> dict[str, Any]:
        return {"output_type": "display_data", "data": data, "metadata": {}}

    cells: list[dict[str, Any]] = []
    for name, flag in flags.items():
        image = f'<img src="data:," onerror="{run(name)}"><script>{run(name)}</script><b>{name} HTML</b>'
        script = {"application/javascript": run(name), "text/plain": f"{name} is not run"}
        code = {"cell_type": "code", "execution_count": None, "source": ""} | flag
        cells.append(code | {"id": name, "metadata": flag, "outputs": [output(script), output({"text/html": image})]})
        cells.append({"cell_type": "markdown", "id": f"{name}-text", "metadata": flag, "source": image} | flag)
    notebook = NOTEBOOK | flags["proto"] | {"cells": cells}
    notebook["metadata"] = flags["proto"] | flags["own"]
    fill(panel, client, {"hostile.ipynb": json.dumps(notebook)})
    panel.row("hostile.ipynb").dblclick()
    shown = panel.page.locator(".jp-Notebook:visible")
    for name in flags:
        shown.locator(".jp-OutputArea").get_by_text(f"{name} HTML").wait_for()
        shown.locator(".jp-MarkdownOutput").get_by_text(f"{name} HTML").wait_for()
    assert panel.page.evaluate("() => window.odhtecRan ?? []") == []
    for name in flags:
        assert shown.get_by_text(f"{name} is not run").is_visible(), "the plain text is shown instead of the script"
    assert shown.locator("[onerror], script").count() == 0


def test_save_asks_when_another_user_has_changed_the_object(panel: Panel, client: S3Client) -> None:
    page = panel.page
    fill(panel, client, {"notes.txt": "one\r\ntwo\r\n"})
    client.put_object(Bucket="models", Key="notes.txt", Body=b"one\r\ntwo\r\n", ContentType="text/plain; charset=utf-8")
    panel.row("notes.txt").wait_for()
    open_row(panel, "notes.txt")
    editor(panel).get_by_text("two").click()
    page.keyboard.type("mine ")
    client.put_object(Bucket="models", Key="notes.txt", Body=b"theirs")

    panel.press("Control+s")
    dialog = panel.dialog
    dialog.get_by_text(re.compile("has changed on disk")).wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    assert body(client, "notes.txt") == "theirs"

    panel.press("Control+s")
    with page.expect_response(is_saving):
        dialog.get_by_role("button", name="Overwrite").click()
    assert "mine" in body(client, "notes.txt")
    assert body(client, "notes.txt").count("\r\n") == 2, "the line ends have to stay"

    # The next save is compared with the version that was just saved.
    editor(panel).click()
    page.keyboard.type("more")
    save(panel)
    assert "more" in body(client, "notes.txt")
    client.put_object(Bucket="models", Key="notes.txt", Body=b"theirs again")
    panel.press("Control+s")
    dialog.get_by_role("button", name="Revert").click()
    editor(panel).get_by_text("theirs again").wait_for()


def test_save_does_not_overwrite_a_change_made_while_saving(panel: Panel, client: S3Client) -> None:
    page = panel.page
    fill(panel, client, {"race.txt": "old"})
    open_row(panel, "race.txt")
    editor(panel).get_by_text("old").click()
    page.keyboard.type("mine ")

    def overtake(route: Any) -> None:
        client.put_object(Bucket="models", Key="race.txt", Body=b"theirs")
        route.continue_()

    page.route("**/objects/upload/**", overtake, times=1)
    panel.press("Control+s")
    panel.dialog.get_by_text("has changed in the store, so nothing was saved").wait_for()
    assert body(client, "race.txt") == "theirs"
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")
    panel.press("Control+s")
    panel.dialog.get_by_role("button", name="Overwrite").wait_for()
    panel.press("Escape")


def test_objects_open_in_the_viewers_of_lab(panel: Panel, client: S3Client) -> None:
    page = panel.page
    requests: list[str] = []
    page.on("request", lambda it: requests.append(f"{it.method} {it.url}") if "/objects/download/" in it.url else None)
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005000"
        "1ff89993d1d0000000049454e44ae426082"
    )
    objects: dict[str, str | bytes] = {"a.csv": "x,y\n1,2\n", "b.png": pixel, "c.md": "# Title", "d.json": '{"a": [1]}'}
    fill(panel, client, objects | {"e\u202edm.exe": "hidden"})
    for name, found in {
        "a.csv": ".jp-CSVViewer:visible",
        "b.png": ".jp-ImageViewer:visible img",
        "c.md": ".jp-FileEditor:visible",
        "d.json": ".jp-RenderedJSON:visible",
    }.items():
        requests.clear()
        panel.row(name).dblclick()
        page.locator(found).wait_for()
        assert len(requests) <= 2, f"one GET and at most one HEAD: {requests}"
    panel.row("e\\u{202E}dm.exe").click()
    panel.press("Alt+Enter")
    editor(panel).get_by_text("hidden").wait_for()
    page.locator(".lm-TabBar-tabLabel").get_by_text("e\\u{202E}dm.exe", exact=True).wait_for()
    assert body(client, "e\u202edm.exe") == "hidden", "the title does not rename the object"


def test_save_as_writes_another_object(panel: Panel, client: S3Client) -> None:
    page = panel.page
    fill(panel, client, {"first.txt": "content", "there.txt": "keep me"})
    open_row(panel, "first.txt")
    editor(panel).get_by_text("content").click()
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Text As|^Save .*As…")).click()
    name = panel.dialog.get_by_role("textbox")
    name.fill("models/second.txt")
    panel.press("Enter")
    panel.dialog.wait_for(state="detached")
    panel.row("second.txt").wait_for()
    assert body(client, "second.txt") == "content"
    assert body(client, "first.txt") == "content"


def test_object_that_is_not_a_document_is_previewed(
    open_panel: Callable[..., Panel], use_settings: Callable[..., None], lab: JupyterProcess, client: S3Client
) -> None:
    use_settings(editorSizeLimit=1)
    panel = open_panel(f"{lab.url}lab?token={lab.token}&reset")
    page = panel.page
    fill(
        panel, client, {"large.csv": b"x,y\n" + b"1,2\n" * 300_000, "model.bin": bytes(range(64)), "d//odd.txt": "odd"}
    )
    for name, size in {"large.csv": "1.2 MB", "model.bin": "64 bytes"}.items():
        open_row(panel, name)
        page.locator(".odhtec-Preview:visible").get_by_text(size).wait_for()
        assert page.locator(".jp-CSVViewer").count() == 0
    panel.row("d").dblclick()
    panel.grid.get_by_text("/", exact=True).dblclick()
    panel.row("odd.txt").dblclick()
    view = page.locator(".odhtec-Preview:visible")
    view.locator(".cm-content").get_by_text("odd").wait_for()
    assert view.get_by_role("button", name="Open in Editor").count() == 0, "its key is not a path that Lab can open"


def test_object_that_an_editor_would_damage_is_previewed_with_the_reason(
    panel: Panel, client: S3Client, pictures: Path
) -> None:
    page = panel.page
    table = "姓名,城市\n张伟,北京\n李娜,上海\n".encode("gbk")
    fill(panel, client, {"old.csv": table, "rows.csv.gz": gzip.compress(b"id,name\n1,one\n2,two\n"), "new.ipynb": b""})
    view = page.locator(".odhtec-Preview:visible")
    panel.row("old.csv").dblclick()
    panel.dialog.get_by_text("not UTF-8 text").wait_for()
    panel.shoot(pictures, "editor-refused")
    panel.dialog.get_by_role("button", name=re.compile("Close|Dismiss|OK")).first.click()
    panel.dialog.wait_for(state="detached")
    view.get_by_role("columnheader", name="城市").wait_for()
    edit = view.get_by_role("button", name="Not UTF-8 text, so an editor would damage it")
    assert edit.is_disabled()
    panel.row("rows.csv.gz").dblclick()
    view.get_by_role("columnheader", name="name").wait_for()
    view.get_by_text(re.compile("csv · gzip")).wait_for()
    assert view.get_by_role("button", name="Compressed with gzip, so an editor would damage it").is_disabled()
    for theme in ("Light", "Dark"):
        panel.use_theme(f"JupyterLab {theme}")
        panel.shoot(pictures, f"preview-gzip-{theme.lower()}")
    panel.row("new.ipynb").dblclick()
    panel.dialog.get_by_text("This file is empty, so it is not a notebook.").wait_for()
    panel.shoot(pictures, "empty-notebook")
