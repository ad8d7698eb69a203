"""The extension in other parts of Lab: launcher, Running panel, status bar, notifications, keyboard, settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.panel import Panel

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_launcher_opens_the_panel(panel: Panel, pictures: Path) -> None:
    page = panel.page
    page.get_by_role("tab", name=re.compile("^File Browser")).click()
    panel.grid.wait_for(state="hidden")
    panel.shoot(pictures, "launcher")
    page.locator(".jp-LauncherCard", has_text="Open Object Storage").click()
    panel.grid.wait_for()


def test_running_transfers_are_listed_and_can_be_cancelled(panel: Panel, pictures: Path, tmp_path: Path) -> None:
    page = panel.page
    page.route("**/objects/upload/**", lambda _: None)  # never answered, so the upload does not end
    (tmp_path / "slow.txt").write_bytes(b"slow")
    with page.expect_file_chooser() as chooser:
        panel.button("Upload Files").click()
    chooser.value.set_files(str(tmp_path / "slow.txt"))
    page.locator("#jp-main-statusbar").get_by_text(re.compile(r"^1 transfer")).wait_for()
    page.get_by_role("tab", name=re.compile("^Running")).click()
    item = page.locator(".jp-RunningSessions-item", has_text="Upload slow.txt")
    item.wait_for()
    panel.shoot(pictures, "running")
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    panel.dialog.get_by_role("button", name="Keep Running").click()
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    panel.dialog.get_by_role("button", name="Cancel Transfer").click()
    item.wait_for(state="detached")
    page.locator("#jp-main-statusbar").get_by_text(re.compile(r"^1 transfer")).wait_for(state="detached")


@pytest.mark.usefixtures("page_is_spent")  # notifications stay for a while
def test_failed_files_are_one_notification_while_the_panel_is_hidden(
    panel: Panel, pictures: Path, tmp_path: Path
) -> None:
    page = panel.page
    held: list[Any] = []
    page.route("**/objects/upload/**", lambda route: held.append(route))
    files = [tmp_path / f"{number}.txt" for number in range(2)]
    for file in files:
        file.write_bytes(b"x")
    with page.expect_file_chooser() as chooser:
        panel.button("Upload Files").click()
    with page.expect_request("**/objects/upload/**"):
        chooser.value.set_files([str(file) for file in files])
    page.get_by_role("tab", name=re.compile("^File Browser")).click()
    panel.grid.wait_for(state="hidden")
    for route in held:
        route.fulfill(status=403, json={"error": "AccessDenied", "message": "S3 does not allow this."})
    page.unroute("**/objects/upload/**")
    toast = page.locator(".Toastify__toast")
    toast.get_by_text("S3 does not allow this.").wait_for()
    assert toast.count() == 1
    panel.shoot(pictures, "notification")
    toast.get_by_role("button", name="Retry").click()
    page.locator(".Toastify__toast").get_by_text(re.compile("completed")).wait_for()
    page.locator(".Toastify__toast").get_by_role("button", name="Show").last.click()
    panel.grid.wait_for()


def test_shortcut_focuses_the_list_and_double_click_follows_the_settings(
    open_panel: Callable[..., Panel], use_settings: Callable[..., None], lab: JupyterProcess, client: S3Client
) -> None:
    client.put_object(Bucket="models", Key="a.csv", Body=b"x\n1\n")
    use_settings(doubleClick="preview")
    panel = open_panel(f"{lab.url}lab?token={lab.token}&reset")
    page = panel.page
    panel.row("a.csv").wait_for()
    page.locator(".jp-Launcher").first.click()
    panel.press("Control+Alt+o")
    panel.grid.locator(":focus").wait_for()
    panel.press("ArrowDown", "Enter")
    page.locator(".odhtec-Preview:visible").wait_for()
    panel.row("a.csv").click()
    panel.press("Alt+Enter")
    page.locator(".jp-CSVViewer:visible").wait_for()


def test_panel_without_a_connection_explains_how_to_get_one(
    open_panel: Callable[..., Panel], lab_server: Callable[..., JupyterProcess], pictures: Path, tmp_path: Path
) -> None:
    env = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_S3_ENDPOINT": "http://127.0.0.1:9",
    }
    lab = lab_server(env, options=["--LabApp.expose_app_in_browser=True"])
    try:
        page = open_panel(f"{lab.url}lab?token={lab.token}&reset", False).page
        page.get_by_role("heading", name="Not connected").wait_for()
        page.get_by_text("attach a data connection").wait_for()
        page.screenshot(path=pictures / "not-connected.png")
        page.get_by_role("button", name="Open Settings").click()
        page.get_by_role("dialog").get_by_role("form", name="S3 connection").wait_for()
    finally:
        lab.stop()
