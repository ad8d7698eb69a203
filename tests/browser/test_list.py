"""The list: its order, renaming, entered paths, tabs; by mouse and by keyboard alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SIZES = {"data/deep/a.csv": 5, "data/b.csv": 7, "large.bin": 3000, "middle.txt": 200, "small.txt": 1}


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key, size in SIZES.items():
        client.put_object(Bucket="models", Key=key, Body=b"x" * size)
    panel.button("Refresh").click()
    panel.row("small.txt").wait_for()
    return panel


def keys(client: S3Client) -> set[str]:
    return {entry["Key"] for entry in client.list_objects_v2(Bucket="models").get("Contents", [])}


def test_columns_sort_by_mouse_and_by_keyboard(filled: Panel) -> None:
    panel = filled
    size = panel.grid.get_by_role("columnheader", name="Size")
    assert panel.names() == ["data", "large.bin", "middle.txt", "small.txt"]
    size.get_by_role("button").click()
    panel.expect_names("data", "large.bin", "middle.txt", "small.txt")
    assert size.get_attribute("aria-sort") == "descending"
    size.get_by_role("button").click()
    panel.expect_names("data", "small.txt", "middle.txt", "large.bin")
    assert size.get_attribute("aria-sort") == "ascending"

    panel.row("data").click()
    panel.press("ArrowUp")  # to the header
    panel.press("Enter")
    panel.press("Enter")
    name = panel.grid.get_by_role("columnheader", name="Name")
    assert name.get_attribute("aria-sort") == "descending"
    panel.expect_names("data", "small.txt", "middle.txt", "large.bin")
    panel.press("ArrowRight", "Enter")
    panel.expect_names("data", "large.bin", "middle.txt", "small.txt")
    panel.press("ArrowDown", "ArrowDown")
    panel.expect_focus("large.bin")


def test_file_and_folder_are_renamed_by_keyboard(filled: Panel, client: S3Client) -> None:
    panel = filled
    panel.row("middle.txt").click()
    panel.press("F2")
    panel.page.keyboard.type("renamed")  # the extension is not selected
    panel.press("Enter")
    panel.row("renamed.txt").wait_for()
    panel.expect_focus("renamed.txt")
    assert keys(client) == {*SIZES, "renamed.txt"} - {"middle.txt"}

    panel.press("Home", "F2")
    panel.page.keyboard.type("other data")
    panel.press("Enter")
    panel.row("other data").wait_for()
    panel.row("data").wait_for(state="detached")
    panel.expect_focus("other data")
    panel.transfers.get_by_text(re.compile("Completed")).first.wait_for()
    assert {"other data/deep/a.csv", "other data/b.csv"} <= keys(client)
    assert not {key for key in keys(client) if key.startswith("data/")}

    panel.press("End", "F2")
    panel.page.keyboard.type("this name is not used")
    panel.press("Escape")
    panel.expect_focus("small.txt")


def test_renaming_never_replaces_an_existing_object(filled: Panel, client: S3Client) -> None:
    panel = filled
    for taken in ("large.bin", "data"):
        panel.row("small.txt").click()
        panel.press("F2", "Control+a")
        panel.page.keyboard.type(taken)
        panel.press("Enter")
        panel.page.get_by_text(f"{taken} already exists").wait_for()
    assert client.head_object(Bucket="models", Key="large.bin")["ContentLength"] == SIZES["large.bin"]
    assert keys(client) == set(SIZES)


def test_entered_path_is_opened_and_offered_again(filled: Panel, client: S3Client) -> None:
    panel, page = filled, filled.page
    panel.row("large.bin").click()
    panel.press("F4")
    place = page.get_by_role("textbox", name="Path")
    assert place.input_value() == "s3://models/"
    place.fill("s3://models/data/deep")  # without a slash at the end
    panel.press("Enter")
    panel.row("a.csv").wait_for()
    panel.press("Alt+ArrowUp")
    panel.expect_focus("deep")
    page.get_by_role("button", name="Enter a path").click()
    place.fill("s3://models/large.bin")  # an object: its folder opens, with the focus on the object
    panel.press("Enter")
    panel.expect_focus("large.bin")
    panel.press("Control+l", "Escape")
    panel.expect_focus("large.bin")

    page.get_by_role("combobox", name="Bucket").click()
    page.get_by_role("option", name="s3://models/data/deep/").click()
    panel.row("a.csv").wait_for()
    visited = [{"bucket": "models", "prefix": prefix} for prefix in ("data/deep/", "", "data/")]
    panel.reload('plugin:recent":' + json.dumps(visited, separators=(",", ":")).removesuffix("]"))
    panel.row("a.csv").wait_for()
    page.get_by_role("combobox", name="Bucket").click()
    page.get_by_role("option", name="s3://models/data/", exact=True).wait_for()


def test_browser_in_a_tab_is_restored_after_a_reload(filled: Panel, client: S3Client) -> None:
    panel, page = filled, filled.page
    panel.row("data").dblclick()
    panel.row("b.csv").wait_for()
    panel.run_command("Open Object Storage in New Tab")
    tab = page.locator("#jp-main-dock-panel").get_by_role("grid", name="Objects")
    tab.get_by_role("row", name=re.compile("^b.csv")).wait_for()
    assert tab.get_by_role("columnheader", name="Modified").is_visible()
    assert tab.get_by_text("STANDARD").first.is_visible()

    # Commands and keys act on the tab while it has the focus.
    panel.press("Alt+ArrowUp")
    tab.get_by_role("row", name=re.compile("^deep")).dblclick()
    tab.get_by_role("row", name=re.compile("^a.csv")).click()
    panel.press("Delete")
    panel.dialog.get_by_role("button", name="Delete").click()
    tab.get_by_role("row", name=re.compile("^a.csv")).wait_for(state="detached")
    assert keys(client) == set(SIZES) - {"data/deep/a.csv"}
    panel.row("b.csv").wait_for()

    panel.reload('"bucket":"models","prefix":"data/deep/"}}')
    page.get_by_role("tab", name="deep").wait_for(timeout=TIMEOUT_MS)
