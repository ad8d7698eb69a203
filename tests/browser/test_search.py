"""Searching the store and counting folders in the panel, by mouse and by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = (
    "data/2026/needle.csv",
    "data/2026/other.csv",
    "data/hay/needle in hay.txt",
    "needle.txt",
    "not at all.txt",
)


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key in KEYS:
        client.put_object(Bucket="models", Key=key, Body=b"x" * 100)
    panel.button("Refresh").click()
    panel.row("needle.txt").wait_for()
    return panel


def test_store_is_searched_by_keyboard(filled: Panel, client: S3Client) -> None:
    panel, page = filled, filled.page
    panel.run_command("Search Object Storage")
    panel.filter.and_(page.locator(":focus")).wait_for()
    page.keyboard.type("needle")
    panel.expect_names("needle.txt")  # among the loaded rows
    panel.press("Enter")
    panel.expect_names("needle.txt", "data/2026/needle.csv", "data/hay/needle in hay.txt", any_order=True)
    panel.foot.get_by_text("3 found, 5 searched").wait_for()

    page.get_by_role("combobox", name="Search in").select_option("here")
    panel.expect_names("needle.txt")
    page.get_by_role("combobox", name="Search in").select_option("below")
    panel.filter.fill("*/needle*.csv")
    panel.press("Enter")
    panel.expect_names("data/2026/needle.csv")

    # A hit is a row like any other.
    panel.row("data/2026/needle.csv").click()
    panel.run_command("Open Containing Folder")
    panel.expect_names("needle.csv", "other.csv")
    panel.expect_focus("needle.csv")
    assert panel.filter.input_value() == ""


def test_hit_is_deleted_and_escape_returns_to_the_folder(filled: Panel, client: S3Client) -> None:
    panel, page = filled, filled.page
    panel.filter.fill("hay")
    panel.press("Enter")
    panel.row("data/hay/needle in hay.txt").click()
    panel.press("Delete")
    panel.dialog.get_by_role("button", name="Delete").click()
    panel.row("data/hay/needle in hay.txt").wait_for(state="detached")
    assert "data/hay/needle in hay.txt" not in {
        entry["Key"] for entry in client.list_objects_v2(Bucket="models")["Contents"]
    }
    panel.filter.fill("nowhere to be found")
    panel.press("Enter")
    page.get_by_role("heading", name="No name contains “nowhere to be found”").wait_for()
    panel.press("Escape")
    panel.expect_names("data", "needle.txt", "not at all.txt")


def test_size_of_a_folder_is_counted(filled: Panel) -> None:
    panel = filled
    panel.row("data").click()
    panel.run_command("Count Size of Folder")
    panel.row("data").get_by_text("300 B").wait_for()
    panel.row("data").hover()
    assert "300 B in 3 objects" in (panel.row("data").get_attribute("title") or "")
