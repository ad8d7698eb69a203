"""Transfers of the server in their rows: paused, resumed, retried, cancelled and cleared by mouse and by keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.content import BytesContent, SyntheticContent
from odhtec_jupyter.demo.hub.faults import Changed
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS, wait_until
from tests.conftest import S3Server
from tests.content import MIB, body_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

# Bytes per second of each connection, of which there are up to eight: even a busy machine pauses and cancels in time.
SLOW = 16 * 1024
REPO = "org/name"
FILES = {
    "config.json": BytesContent(b'{"model_type": "test"}'),
    "a/very/long/path/to/a/file/with/a/long/name/tokenizer.json": SyntheticContent(300_000, seed=2),
    "model.safetensors": SyntheticContent(24 * MIB, seed=1),
}


@pytest.fixture(scope="module")
def store(rgw_servers: dict[str, S3Server]) -> S3Server:
    return rgw_servers["rgw"]


@pytest.fixture
def hub(hub: HubStandIn) -> HubStandIn:
    """The hub with one model, which it sends slowly."""
    hub.add(Repository(REPO)).commit(FILES)
    hub.service.bytes_per_second = SLOW
    return hub


def start_import(panel: Panel) -> Locator:
    """Start an import and return its row."""
    panel.button("Import from Hugging Face").click()
    panel.dialog.get_by_role("textbox", name="Repository").fill(REPO)
    panel.press("Enter")
    panel.dialog.get_by_role("listbox", name="Files").get_by_role("option").first.wait_for()
    panel.dialog.get_by_role("button", name="Start Import").click()
    panel.dialog.wait_for(state="detached")
    row = panel.transfers.get_by_role("listitem").filter(has_text=f"Import {REPO}").first
    row.wait_for()
    return row


def expect_files(client: S3Client) -> None:
    for path, content in FILES.items():
        assert body_of(client, "models", f"{REPO}/{path}") == content.read(), path


def expect_text(row: Locator, text: str) -> None:
    row.get_by_text(re.compile(text)).first.wait_for(timeout=2 * TIMEOUT_MS)


def test_transfer_is_paused_resumed_and_cleared_by_mouse(
    panel: Panel, client: S3Client, hub: HubStandIn, pictures: Path
) -> None:
    row = start_import(panel)
    row.get_by_role("button", name="Pause").click()
    expect_text(row, "^Paused")
    row.get_by_role("button", name="Resume").wait_for()
    row.get_by_role("button", name="Files", exact=True).click()
    files = row.get_by_role("list").get_by_role("listitem")
    files.filter(has_text="model.safetensors").wait_for()
    assert files.count() == len(FILES)
    panel.shoot(pictures, "transfer-paused-light")
    panel.use_theme("JupyterLab Dark")
    panel.shoot(pictures, "transfer-paused-dark")
    panel.use_theme("JupyterLab Light")

    panel.page.reload()
    expect_text(row, "^Paused")
    hub.service.bytes_per_second = None
    row.get_by_role("button", name="Resume").click()
    expect_text(row, "^Completed")
    expect_files(client)
    row.get_by_role("button", name="Clear").click()
    row.wait_for(state="detached")


def test_transfer_is_paused_resumed_and_cancelled_by_keyboard(panel: Panel, client: S3Client, hub: HubStandIn) -> None:
    row = start_import(panel)
    focus = panel.page.locator(":focus")
    row.get_by_role("button", name="Files", exact=True).focus()
    panel.press("Enter")
    row.get_by_role("list").wait_for()
    panel.press("Enter")
    row.get_by_role("list").wait_for(state="detached")
    panel.press("Tab", "Enter")
    row.get_by_role("button", name="Resume").and_(focus).wait_for()
    panel.press(" ")
    row.get_by_role("button", name="Pause").and_(focus).wait_for()
    panel.press("Tab", "Enter")
    expect_text(row, "^Cancelled")
    row.get_by_role("button", name="Clear").and_(focus).wait_for()
    # The row shows the new state before the cleanup is done.
    wait_until(lambda: "Uploads" not in client.list_multipart_uploads(Bucket="models"), "the upload was not aborted")
    panel.press("Enter")
    row.wait_for(state="detached")


@pytest.mark.usefixtures("page_is_spent")  # the sidebar is made wider
def test_retry_transfers_only_failed_files(panel: Panel, client: S3Client, hub: HubStandIn, pictures: Path) -> None:
    hub.service.bytes_per_second = None
    fail_always(hub)
    row = start_import(panel)
    expect_text(row, "^Failed")
    row.get_by_role("button", name="Files", exact=True).click()
    files = row.get_by_role("list").get_by_role("listitem")
    expect_text(files.first, "^Failed$")
    assert "model.safetensors" in files.first.inner_text()
    panel.shoot(pictures, "transfer-failed-light")
    panel.widen()
    panel.use_theme("JupyterLab Dark")
    panel.shoot(pictures, "transfer-failed-dark-wide")
    panel.use_theme("JupyterLab Light")

    before = client.head_object(Bucket="models", Key=f"{REPO}/config.json")["LastModified"]
    hub.service.faults.clear()
    row.get_by_role("button", name="Retry failed files").click()
    expect_text(row, "^Completed")
    expect_files(client)
    assert client.head_object(Bucket="models", Key=f"{REPO}/config.json")["LastModified"] == before


@pytest.mark.usefixtures("page_is_spent")  # notifications stay for a while
@pytest.mark.extended
def test_user_is_notified_while_the_panel_is_hidden(panel: Panel, client: S3Client, hub: HubStandIn) -> None:
    hub.service.bytes_per_second = 64 * SLOW
    start_import(panel)
    hide_panel(panel)
    panel.page.get_by_text(f"Import {REPO}: completed").first.wait_for(timeout=2 * TIMEOUT_MS)

    panel.page.get_by_role("tab", name="Object Storage").click()
    client.delete_object(Bucket="models", Key=f"{REPO}/model.safetensors")
    fail_always(hub)
    start_import(panel)
    hide_panel(panel)
    panel.page.get_by_role("button", name="Show", exact=True).click(timeout=2 * TIMEOUT_MS)
    panel.grid.wait_for()


def hide_panel(panel: Panel) -> None:
    panel.page.get_by_role("tab", name="File Browser").click()
    panel.grid.wait_for(state="hidden")


def fail_always(hub: HubStandIn) -> None:
    """Let the hub send bytes that do not match its checksum."""
    hub.inject(Changed(SyntheticContent(24 * MIB, seed=9)), "*model.safetensors", host="cdn", times=None)
