"""The list with a hundred thousand rows, in real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.fake_listing import FakeListing
from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

MANY = 100_000
STEPS = 100


def fill(panel: Panel, count: int) -> FakeListing:
    listing = FakeListing(count)
    listing.serve(panel.page)
    panel.button("Refresh").click()
    panel.row("row-0000000").wait_for()
    return listing


def scroller(panel: Panel) -> Locator:
    return panel.grid.get_by_role("rowgroup")


@pytest.mark.usefixtures("page_is_spent")  # it holds a hundred thousand rows in memory
def test_only_visible_rows_of_a_hundred_thousand_are_drawn(panel: Panel, client: S3Client) -> None:
    listing = fill(panel, MANY)
    panel.row("row-0000000").click()
    panel.press("End")
    panel.expect_focus("row-0000999")
    panel.foot.get_by_text(" rows loaded so far").wait_for()
    assert len(listing.requests) <= 4, "only the pages that were shown are requested"

    panel.press("Control+End")  # loads the rest
    panel.expect_focus(f"row-{MANY - 1:07}")
    panel.press("Home")
    panel.expect_focus("a folder")

    # Scroll over the whole length, one step in each frame, as when the scroll bar is dragged.
    space = scroller(panel)
    drawn: dict[str, int] = space.evaluate(
        """async (node, steps) => {
             const frame = () => new Promise(requestAnimationFrame);
             const drawn = { least: Infinity, most: 0, added: 0 };
             const watch = new MutationObserver(changes => {
               for (const { addedNodes } of changes) {
                 drawn.added += [...addedNodes].filter(it => it.matches?.('.odhtec-Row')).length;
               }
             });
             watch.observe(node, { childList: true, subtree: true });
             for (let step = 1; step <= steps; step++) {
               node.scrollTop = (node.scrollHeight - node.clientHeight) * step / steps;
               await frame();
               await frame();
               const rows = node.querySelectorAll('.odhtec-Row').length;
               drawn.least = Math.min(drawn.least, rows);
               drawn.most = Math.max(drawn.most, rows);
             }
             watch.disconnect();
             return drawn;
           }""",
        STEPS,
    )
    assert 5 < drawn["least"] <= drawn["most"] < 100, "only visible rows are in the page"
    assert drawn["added"] <= STEPS * drawn["most"], "each step draws a row at most once"
    panel.row(f"row-{MANY - 1:07}").wait_for()
    space.evaluate("it => { it.scrollTop = (it.scrollHeight - it.clientHeight) / 2; }")
    panel.row(f"row-{MANY // 2:07}").wait_for()

    panel.grid.get_by_role("columnheader", name="Size").get_by_role("button").click()
    space.evaluate("it => { it.scrollTop = 0; }")
    largest = max(range(MANY), key=FakeListing.size)
    panel.row(f"row-{largest:07}").wait_for()


def test_incomplete_list_is_described_as_incomplete(panel: Panel, client: S3Client) -> None:
    fill(panel, 5000)
    panel.grid.get_by_role("columnheader", name="Size").get_by_role("button").click()
    panel.foot.get_by_text("rows loaded so far are sorted").wait_for()
    panel.filter.fill("row-0004999")
    panel.foot.get_by_text("rows loaded so far are filtered").wait_for()
    panel.page.get_by_role("button", name="Load All").click()
    panel.row("row-0004999").wait_for()
    panel.press("Escape")
