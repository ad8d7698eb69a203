"""Rows and files are dragged within the list, out of it and into it, or moved by commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

FILES = ("folder/inner.txt", "folder/sub/deep.txt", "one.txt", "target/old.txt", "two.txt")


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key in FILES:
        client.put_object(Bucket="models", Key=key, Body=key.encode())
    panel.button("Refresh").click()
    panel.row("two.txt").wait_for()
    return panel


def keys(client: S3Client) -> set[str]:
    return {entry["Key"] for entry in client.list_objects_v2(Bucket="models").get("Contents", [])}


def completed(panel: Panel, title: str) -> None:
    row = panel.transfers.get_by_role("listitem").filter(has_text=title)
    row.get_by_text(re.compile("^Completed")).first.wait_for()


def centre(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box is not None
    return box["x"] + min(box["width"] / 2, 60), box["y"] + min(box["height"] / 2, 200)


def drag_to(panel: Panel, source: Locator, target: Locator) -> None:
    """Drag with mouse events only: during a drag, Lab covers the page with an element that receives them."""
    source.wait_for()
    target.wait_for()
    (from_x, from_y), (x, y) = centre(source), centre(target)
    mouse = panel.page.mouse
    mouse.move(from_x, from_y)
    mouse.down()
    mouse.move(from_x + 8, from_y + 8, steps=3)
    mouse.move(x, y, steps=5)
    mouse.move(x + 1, y)
    mouse.up()


def test_rows_are_moved_by_drop_and_copied_with_ctrl(filled: Panel, client: S3Client) -> None:
    panel, page = filled, filled.page
    drag_to(panel, panel.row("one.txt"), panel.row("target"))
    panel.row("one.txt").wait_for(state="detached")
    assert keys(client) == {*FILES, "target/one.txt"} - {"one.txt"}

    page.keyboard.down("Control")
    drag_to(panel, panel.row("two.txt"), panel.row("target"))
    page.keyboard.up("Control")
    completed(panel, "two.txt")
    assert {"two.txt", "target/two.txt"} <= keys(client)

    drag_to(panel, panel.row("folder"), panel.row("target"))
    panel.dialog.get_by_text("folder/ and everything in it").wait_for()
    panel.dialog.get_by_role("button", name="Move").click()
    panel.row("folder").wait_for(state="detached")
    assert {"target/folder/inner.txt", "target/folder/sub/deep.txt"} <= keys(client)

    # Dropped on the breadcrumb, a row moves to a folder above.
    panel.row("target").dblclick()
    drag_to(panel, panel.row("old.txt"), page.get_by_role("button", name="Top level of models"))
    panel.row("old.txt").wait_for(state="detached")
    assert "old.txt" in keys(client)


def test_row_dropped_on_a_cell_inserts_its_uri(filled: Panel) -> None:
    panel, page = filled, filled.page
    page.evaluate("void window.jupyterapp.commands.execute('notebook:create-new', {kernelName: 'python3'})")
    cell = page.locator(".jp-Notebook .cm-content").first
    cell.wait_for()
    # Before that, Lab may render the cell again and lose what was dropped into it.
    page.wait_for_function(
        """() => { const it = window.jupyterapp.shell.currentWidget;
                   return it?.context?.isReady && it.sessionContext?.session?.kernel?.status === 'idle'; }"""
    )
    drag_to(panel, panel.row("one.txt"), cell)
    cell.get_by_text('"s3://models/one.txt"').wait_for()
    cell.click()
    panel.press("Control+a", "Delete")
    drag_to(panel, panel.row("folder"), cell)
    cell.get_by_text('"s3://models/folder/"').wait_for()


@pytest.mark.usefixtures("page_is_spent")  # Lab's file browser is moved
def test_rows_are_dragged_to_the_file_browser_and_back(filled: Panel, client: S3Client, lab: JupyterProcess) -> None:
    panel, page = filled, filled.page
    # Lab's file browser is moved to the right, beside the panel.
    page.evaluate(
        """() => { const app = window.jupyterapp;
             const files = [...app.shell.widgets('left')].find(it => it.id === 'filebrowser');
             app.shell.add(files, 'right'); app.shell.activateById('filebrowser'); }"""
    )
    listing = page.locator("#filebrowser .jp-DirListing-content")
    listing.wait_for()
    drag_to(panel, panel.row("one.txt"), listing)
    assert page.locator(".jp-mod-native-drop").count() == 0, "Lab did not treat the drag as its own"
    item = listing.get_by_role("listitem").or_(listing.locator(".jp-DirListing-item"))
    completed(panel, "one.txt")
    page.evaluate("void window.jupyterapp.commands.execute('filebrowser:refresh')")
    brought = item.filter(has_text="one.txt").first
    brought.wait_for()

    panel.row("folder").dblclick()
    panel.row("inner.txt").wait_for()
    drag_to(panel, brought, panel.row("sub"))
    completed(panel, "workspace://one.txt")
    assert client.get_object(Bucket="models", Key="folder/sub/one.txt")["Body"].read() == b"one.txt"

    # The same without a mouse.
    panel.row("inner.txt").click()
    panel.row("sub").click(modifiers=["Control"])
    panel.run_command("Copy to File Browser")
    completed(panel, "Copy 2 items of s3://models/folder/")
    page.evaluate("void window.jupyterapp.commands.execute('filebrowser:refresh')")
    for name in ("inner.txt", "sub"):
        item.filter(has_text=name).first.wait_for()
    brought.click()
    panel.run_command("Copy to Object Storage")
    panel.row("one.txt").wait_for()
    assert client.get_object(Bucket="models", Key="folder/one.txt")["Body"].read() == b"one.txt"
