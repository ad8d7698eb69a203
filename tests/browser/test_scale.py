"""The list with a hundred thousand and with a million rows, in real Chromium."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from tests.browser.fake_listing import FakeListing
from tests.browser.panel import Panel
from tests.conftest import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator


@pytest.fixture(scope="module")
def store(moto_server: S3Server) -> S3Server:
    return moto_server


def fill(panel: Panel, count: int) -> FakeListing:
    listing = FakeListing(count)
    listing.serve(panel.page)
    panel.button("Refresh").click()
    panel.row("row-0000000").wait_for()
    return listing


def load_all(panel: Panel, count: int) -> None:
    panel.foot.get_by_role("button", name="Load all").click()
    panel.page.wait_for_function(
        "count => document.querySelector('[role=grid]').ariaRowCount === String(count + 2)", arg=count, timeout=300_000
    )


def scroller(panel: Panel) -> Locator:
    return panel.grid.get_by_role("rowgroup")


MILLION = 1_000_000
LOADING = 600_000  # ms


def longest_tasks(trace: bytes) -> list[float]:
    """How long the page's tasks kept its thread busy, in ms of CPU: what else runs on the machine is not in it."""
    events = json.loads(trace)["traceEvents"]
    main = {(it["pid"], it["tid"]) for it in events if it.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [it["tdur"] / 1000 for it in events if (it["pid"], it["tid"]) in main and "tdur" in it]
    return sorted(tasks, reverse=True)


def test_a_hundred_thousand_rows_scroll(panel: Panel, client: S3Client) -> None:
    fill(panel, 100_000)
    load_all(panel, 100_000)
    page = panel.page
    box = scroller(panel).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel"])
    for _ in range(100):
        page.mouse.wheel(0, 700)
    # The whole length, as one who drags the scroll bar has it: a step for each frame.
    page.evaluate(
        """async () => {
             const node = document.querySelector('.odhtec-List-body');
             const frame = () => new Promise(requestAnimationFrame);
             for (let step = 0; step <= 300; step++) {
               node.scrollTop = (node.scrollHeight - node.clientHeight) * step / 300;
               await frame();
             }
             await frame();
           }"""
    )
    # Ends before anything is looked for by its role, which is a long task of the test's own.
    tasks = longest_tasks(browser.stop_tracing())
    logging.getLogger(__name__).info("Longest tasks while scrolling 100,000 rows, in ms of CPU: %s", tasks[:5])
    assert panel.grid.locator(".odhtec-Row").count() < 100, "only what can be seen is in the page"
    panel.row("row-0099999").wait_for()


def test_a_million_rows_are_loaded_sorted_and_scrolled_to_both_ends(panel: Panel, client: S3Client) -> None:
    listing = fill(panel, MILLION)
    panel.row("row-0000000").click()
    panel.press("End")
    panel.expect_focus("row-0000999")
    panel.foot.get_by_text(" rows loaded so far").wait_for()
    assert len(listing.asked) <= 4, "nothing more than what was looked at"

    panel.press("Control+End")  # all there is
    panel.expect_focus(f"row-{MILLION - 1:07}", patience=LOADING)
    panel.press("Home")
    panel.expect_focus("a folder")
    space = scroller(panel)
    space.evaluate("it => { it.scrollTop = it.scrollHeight; }")
    panel.row(f"row-{MILLION - 1:07}").wait_for()
    space.evaluate("it => { it.scrollTop = (it.scrollHeight - it.clientHeight) / 2; }")
    panel.row(f"row-{MILLION // 2:07}").wait_for()
    assert panel.grid.locator(".odhtec-Row").count() < 100

    panel.grid.get_by_role("columnheader", name="Size").get_by_role("button").click()
    space.evaluate("it => { it.scrollTop = 0; }")
    largest = max(range(MILLION), key=lambda number: FakeListing.size(number))
    panel.row(f"row-{largest:07}").wait_for()


def test_what_is_only_loaded_in_part_says_so(panel: Panel, client: S3Client) -> None:
    fill(panel, 5000)
    panel.grid.get_by_role("columnheader", name="Size").get_by_role("button").click()
    panel.foot.get_by_text("Sorted: the ").wait_for()
    panel.filter.fill("row-0004999")
    panel.foot.get_by_text("The filter looks at the ").wait_for()
    panel.page.get_by_role("button", name="Load all").click()
    panel.row("row-0004999").wait_for()
    panel.press("Escape")
