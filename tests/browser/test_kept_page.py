"""A page that tests share has its initial state at the start of each test."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.conftest import forget_work, panel_url
from tests.browser.kept_page import KeptPage
from tests.browser.panel import Panel
from tests.conftest import empty_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def loading(url: str) -> Panel:
    raise AssertionError("the page was loaded again")


def test_page_is_reset_to_its_initial_state(
    panel: Panel, kept_page: KeptPage, lab: JupyterProcess, client: S3Client, tmp_path: Path
) -> None:
    page = panel.page
    before = panel.page.locator("#odhtec-browser").inner_text()
    client.put_object(Bucket="models", Key="folder/a.txt", Body=b"a")
    (tmp_path / "b.txt").write_bytes(b"b")
    panel.button("Refresh").click()
    panel.row("folder").dblclick()
    panel.row("a.txt").dblclick()
    page.locator(".jp-FileEditor:visible .cm-content").click()
    page.keyboard.type("not saved")
    with page.expect_file_chooser() as chooser:
        panel.button("Upload Files").click()
    chooser.value.set_files(tmp_path / "b.txt")
    panel.transfers.get_by_text(re.compile("^Completed")).wait_for()
    panel.grid.get_by_role("columnheader", name="Size").get_by_role("button").click()
    panel.filter.fill("b")
    panel.row("a.txt").wait_for(state="detached")
    panel.use_theme("JupyterLab Dark")
    page.route("**/odhtec/api/objects/**", lambda route: route.abort())
    panel.button("Settings").click()
    panel.dialog.wait_for()

    kept_page.give_back()
    forget_work(lab)
    empty_bucket(client, "models")
    again = kept_page.take(panel_url(lab), loading)
    assert again is panel
    assert page.locator("#odhtec-browser").inner_text() == before
    assert panel.filter.input_value() == ""
    assert page.locator("#jp-main-dock-panel .lm-TabBar-tab").all_inner_texts() == ["Launcher"]
    assert page.evaluate("document.body.dataset.jpThemeName") == "JupyterLab Light"
    client.put_object(Bucket="models", Key="c.txt", Body=b"c")
    panel.button("Refresh").click()
    panel.expect_names("c.txt")
