"""Two stores with a bucket of the same name as two connections of the panel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.conftest import load_panel, panel_url
from tests.browser.panel import Panel
from tests.browser.test_drag import drag_to
from tests.conftest import S3Server, empty_bucket, make_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.usefixtures("page_is_spent")


@pytest.fixture
def archive(rgw_servers: dict[str, S3Server]) -> S3Server:
    """Another store than that of Lab."""
    return rgw_servers["rgw"]


@pytest.fixture
def archived(archive: S3Server) -> Iterator[S3Client]:
    """A client of the other store, with a bucket that has the name of the panel's bucket."""
    client = make_s3_client(archive)
    client.create_bucket(Bucket="models")
    yield client
    empty_bucket(client, "models")
    client.delete_bucket(Bucket="models")
    client.close()


@pytest.fixture
def connections(lab: JupyterProcess) -> Iterator[Any]:
    """A function that adds a connection to the server. All of them are removed after the test."""
    address = f"{lab.url}odhtec/api/connections"

    def add(name: str, store: S3Server, **values: object) -> None:
        body = {
            "name": name,
            "endpoint": store.endpoint_url,
            "region": store.region,
            "accessKeyId": store.access_key_id,
            "secretAccessKey": store.secret_access_key,
        }
        requests.post(address, json=body | values, headers=lab.headers, timeout=60).raise_for_status()

    yield add
    for one in requests.get(address, headers=lab.headers, timeout=60).json()["connections"]:
        if one["removable"]:
            requests.delete(f"{address}/{one['name']}", headers=lab.headers, timeout=60)


@pytest.fixture
def opened(
    chromium: Browser, lab: JupyterProcess, client: S3Client, archived: S3Client, archive: S3Server, connections: Any
) -> Iterator[Panel]:
    """The panel with two connections, each with an object of the same key and one of its own."""
    for store, name in ((client, "mine"), (archived, "archived")):
        store.put_object(Bucket="models", Key="same.txt", Body=name.encode())
        store.put_object(Bucket="models", Key=f"{name}/only.txt", Body=b"only")
    connections("archive", archive, title="Archive")
    connections("frozen", archive, title="Frozen", readOnly=True)
    panel = load_panel(chromium, panel_url(lab))
    yield panel
    panel.page.context.close()


def chooser(panel: Panel) -> Locator:
    return panel.page.locator("#odhtec-browser").get_by_role("combobox", name="Connection")


def keys(client: S3Client) -> set[str]:
    return {entry["Key"] for entry in client.list_objects_v2(Bucket="models").get("Contents", [])}


def body(client: S3Client, key: str) -> bytes:
    return client.get_object(Bucket="models", Key=key)["Body"].read()


def test_switch_shows_the_other_store_and_returns_to_the_last_folder(opened: Panel) -> None:
    opened.expect_names("mine", "same.txt")
    opened.row("mine").dblclick()
    opened.expect_names("only.txt")
    chooser(opened).select_option("archive")
    opened.expect_names("archived", "same.txt")
    chooser(opened).select_option("")
    opened.expect_names("only.txt")
    chooser(opened).select_option("archive")
    opened.expect_names("archived", "same.txt")
    opened.reload("archive@models")
    opened.expect_names("archived", "same.txt")
    assert chooser(opened).input_value() == "archive"


def test_deletion_removes_only_the_object_of_the_open_connection(
    opened: Panel, client: S3Client, archived: S3Client
) -> None:
    chooser(opened).select_option("archive")
    opened.expect_names("archived", "same.txt")
    opened.row("same.txt").click()
    opened.press("Delete")
    opened.dialog.get_by_role("button", name="Delete").click()
    opened.expect_names("archived")
    assert keys(archived) == {"archived/only.txt"}
    assert keys(client) == {"same.txt", "mine/only.txt"}


def test_copy_dialog_copies_to_another_connection(opened: Panel, client: S3Client, archived: S3Client) -> None:
    opened.row("mine").click()
    opened.run_command("Copy To…")
    opened.dialog.get_by_label("Connection").select_option("archive")
    opened.dialog.get_by_label("Bucket").fill("models")
    opened.dialog.get_by_text("archived").wait_for()
    opened.dialog.get_by_role("button", name="Copy", exact=True).click()
    opened.transfers.get_by_text(re.compile("^Completed")).first.wait_for()
    assert keys(archived) == {"same.txt", "archived/only.txt", "mine/only.txt"}
    assert body(archived, "same.txt") == b"archived"
    assert keys(client) == {"same.txt", "mine/only.txt"}


def test_rows_that_are_dragged_to_another_connection_are_copied_and_stay(
    opened: Panel, client: S3Client, archived: S3Client
) -> None:
    page = opened.page
    client.put_object(Bucket="models", Key="across.txt", Body=b"across")
    opened.run_command("Open Object Storage in New Tab")
    tab = Panel(page, page.locator("[id^=odhtec-tab-][id$=-main]"))
    sidebar = Panel(page, page.locator("#odhtec-browser"))
    tab.row("across.txt").wait_for()
    chooser(sidebar).select_option("archive")
    sidebar.row("archived").wait_for()

    # Within a connection, a drop without Ctrl moves.
    drag_to(sidebar, tab.row("across.txt"), sidebar.row("archived"))
    sidebar.transfers.get_by_role("listitem").filter(has_text="across.txt").get_by_text(
        re.compile("^Completed")
    ).first.wait_for()
    drag_to(sidebar, tab.row("mine"), sidebar.row("archived"))
    sidebar.dialog.get_by_role("button", name="Copy", exact=True).click()
    sidebar.transfers.get_by_role("listitem").filter(has_text="mine").get_by_text(
        re.compile("^Completed")
    ).first.wait_for()

    assert body(archived, "archived/across.txt") == b"across"
    assert keys(archived) == {"same.txt", "archived/only.txt", "archived/across.txt", "archived/mine/only.txt"}
    assert keys(client) == {"same.txt", "across.txt", "mine/only.txt"}


def test_upload_goes_to_the_open_connection(
    opened: Panel, client: S3Client, archived: S3Client, tmp_path: Path
) -> None:
    chooser(opened).select_option("archive")
    opened.expect_names("archived", "same.txt")
    (tmp_path / "new.txt").write_text("new")
    opened.drag(tmp_path / "new.txt")
    opened.row("new.txt").wait_for()
    assert body(archived, "new.txt") == b"new"
    assert "new.txt" not in keys(client)


def test_read_only_connection_disables_what_would_write(opened: Panel, archived: S3Client) -> None:
    chooser(opened).select_option("frozen")
    opened.expect_names("archived", "same.txt")
    assert opened.button("Upload Files").is_disabled()
    assert opened.button("Upload Files").get_attribute("title") == "The connection “Frozen” is read-only."
    opened.row("same.txt").click()
    opened.press("Delete")
    opened.page.get_by_text("The connection “Frozen” is read-only.").first.wait_for()
    assert opened.dialog.count() == 0
    assert "same.txt" in keys(archived)


def test_connection_is_added_tested_and_removed_in_the_panel(
    opened: Panel, archive: S3Server, pictures: Path, lab: JupyterProcess
) -> None:
    page = opened.page
    page.get_by_role("button", name="Add Connection…").click()
    dialog = opened.dialog
    dialog.get_by_label("Store").select_option("compatible")
    dialog.get_by_label("Name", exact=True).fill("added")
    opened.shoot(pictures, "connection-add")
    dialog.get_by_label("Endpoint").fill("no address")
    dialog.get_by_label("Access key ID").fill(archive.access_key_id)
    dialog.get_by_label("Secret access key").fill(archive.secret_access_key)
    dialog.get_by_role("button", name="Add", exact=True).click()
    dialog.get_by_role("alert").wait_for()
    opened.shoot(pictures, "connection-add-error")
    dialog.get_by_label("Endpoint").fill(archive.endpoint_url)
    dialog.get_by_role("button", name="Add", exact=True).click()
    opened.expect_names("archived", "same.txt")
    assert chooser(opened).input_value() == "added"
    opened.shoot(pictures, "connection-added")

    page.get_by_role("button", name="Test Connection…").click()
    dialog.get_by_text("Credentials").first.wait_for()
    dialog.get_by_role("button", name="Copy").wait_for()
    opened.shoot(pictures, "connection-test")
    assert archive.secret_access_key not in dialog.inner_text()
    dialog.get_by_role("button", name="Close").last.click()

    page.get_by_role("button", name="Remove Connection…").click()
    opened.shoot(pictures, "connection-remove")
    dialog.get_by_role("button", name="Remove", exact=True).click()
    opened.expect_names("mine", "same.txt")
    assert chooser(opened).input_value() == ""
    found = requests.get(f"{lab.url}odhtec/api/connections", headers=lab.headers, timeout=60).json()["connections"]
    assert "added" not in {one["name"] for one in found}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_chooser_fits_a_narrow_panel(opened: Panel, pictures: Path, theme: str) -> None:
    opened.use_theme(f"JupyterLab {theme}")
    chooser(opened).select_option("frozen")
    opened.expect_names("archived", "same.txt")
    opened.shoot(pictures, f"connections-{theme.lower()}")
    box = opened.page.locator(".odhtec-ConnectionBox").bounding_box()
    panel = opened.page.locator("#odhtec-browser").bounding_box()
    assert box is not None
    assert panel is not None
    assert panel["x"] <= box["x"]
    assert box["x"] + box["width"] <= panel["x"] + panel["width"]
    opened.use_theme("JupyterLab Light")
