"""Copying, moving, deleting, sharing and editing objects in real JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.browser.panel import Panel
from tests.conftest import empty_bucket
from tests.content import contents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

FILES = {"docs/a.txt": b"a", "docs/deep/b.txt": b"bb", "data/c.csv": b"1,2\n", "one.txt": b"one", "two.txt": b"two"}


@pytest.fixture
def filled(panel: Panel, client: S3Client) -> Panel:
    for key, data in FILES.items():
        client.put_object(Bucket="models", Key=key, Body=data)
    panel.button("Refresh").click()
    panel.row("two.txt").wait_for()
    return panel


@pytest.fixture
def archive(client: S3Client) -> Iterator[str]:
    """A second bucket."""
    client.create_bucket(Bucket="archive")
    yield "archive"
    empty_bucket(client, "archive")
    client.delete_bucket(Bucket="archive")


def choose(panel: Panel, name: str, entry: str) -> Locator:
    """Choose an entry of a row's context menu, and return the dialog."""
    panel.row(name).click(button="right")
    panel.page.get_by_role("menuitem", name=entry, exact=True).click()
    panel.dialog.wait_for()
    return panel.dialog


def command(panel: Panel, label: str) -> Locator:
    """Run a command through the palette, by keyboard, and return its dialog."""
    panel.press("Control+Shift+C")
    panel.page.keyboard.type(label)
    panel.page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=label).wait_for()
    panel.press("Enter")
    # The palette returns the focus when it closes.
    panel.page.locator("#modal-command-palette").wait_for(state="hidden")
    panel.dialog.locator(":focus").wait_for()
    return panel.dialog


def completed(panel: Panel, count: int = 1) -> None:
    panel.transfers.get_by_text(re.compile("^Completed")).nth(count - 1).wait_for()


def test_selection_is_copied_to_another_bucket(filled: Panel, client: S3Client, archive: str) -> None:
    client.put_object(Bucket=archive, Key="one.txt", Body=b"existing")
    filled.row("docs").click()
    filled.row("one.txt").click(modifiers=["Control"])
    dialog = choose(filled, "one.txt", "Copy To…")
    dialog.get_by_text("Already in this folder").wait_for()
    assert dialog.get_by_role("button", name="Copy").is_disabled()
    dialog.get_by_role("combobox", name="Bucket").fill(archive)
    dialog.get_by_text("3 files, 3 B, to s3://archive/").wait_for()
    dialog.get_by_text("One object already exists and is different").wait_for()
    assert contents(client, archive) == {"one.txt": b"existing"}, "the dialog writes nothing before Copy is pressed"
    dialog.get_by_role("radio", name="Keep Both").check()
    dialog.get_by_role("button", name="Copy").click()
    completed(filled)
    filled.transfers.get_by_text("Copy 2 items of s3://models/").wait_for()
    assert contents(client, archive) == {
        "docs/a.txt": b"a",
        "docs/deep/b.txt": b"bb",
        "one (1).txt": b"one",
        "one.txt": b"existing",
    }
    assert contents(client, "models") == FILES


def test_folder_is_moved_by_keyboard_alone(filled: Panel, client: S3Client) -> None:
    page = filled.page
    filled.row("docs").click()
    dialog = command(filled, "Move To…")
    folders = dialog.get_by_role("listbox", name="Folders")
    folders.get_by_role("option", name="data").wait_for()
    filled.tab_to(folders)
    filled.press("Home", "Enter")
    dialog.get_by_text("2 files, 3 B, to s3://models/data/").wait_for()
    filled.press("Tab", "Enter")  # creates a folder in it
    page.keyboard.type("kept")
    filled.press("Enter")
    dialog.get_by_text("to s3://models/data/kept/").wait_for()
    dialog.get_by_role("textbox", name="Folder", exact=True).focus()
    filled.press("Enter")
    completed(filled)
    filled.row("docs").wait_for(state="detached")
    moved = {"data/kept/docs/a.txt": b"a", "data/kept/docs/deep/b.txt": b"bb", "data/kept/": b""}
    stays = {key: data for key, data in FILES.items() if not key.startswith("docs/")}
    assert contents(client, "models") == moved | stays


def test_deletion_shows_what_it_deletes_and_asks_for_confirmation(filled: Panel, client: S3Client) -> None:
    filled.row("docs").click()
    filled.row("two.txt").click(modifiers=["Control"])
    filled.press("Delete")
    dialog = filled.dialog
    dialog.get_by_text("3 objects, 6 B").wait_for()
    dialog.get_by_text("This cannot be undone").wait_for()
    dialog.get_by_role("button", name="Cancel").and_(filled.page.locator(":focus")).wait_for()
    filled.press("Enter")  # Cancel has the focus, because Delete and Enter are neighbours on a keyboard
    dialog.wait_for(state="detached")
    assert contents(client, "models") == FILES
    filled.press("Delete")
    dialog.get_by_text("3 objects, 6 B").wait_for()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    completed(filled)
    assert sorted(contents(client, "models")) == ["data/c.csv", "one.txt"]


def test_folder_is_downloaded_as_a_zip(filled: Panel) -> None:
    filled.row("docs").click(button="right")
    with filled.page.expect_download() as started:
        filled.page.get_by_role("menuitem", name="Download", exact=True).click()
    assert started.value.suggested_filename == "docs.zip"
    with zipfile.ZipFile(started.value.path()) as archive:
        assert {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")} == {
            "docs/a.txt": b"a",
            "docs/deep/b.txt": b"bb",
        }


def test_shared_links_download_and_upload(filled: Panel, client: S3Client, pictures: Path) -> None:
    filled.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = choose(filled, "one.txt", "Share Link…")
    dialog.get_by_role("button", name="Create Link").click()
    dialog.get_by_text(re.compile("Anyone with this link can download the object until")).wait_for()
    filled.shoot(pictures, "share-light")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    dialog.get_by_role("button", name="Copied").wait_for()
    link = filled.page.evaluate("navigator.clipboard.readText()")
    assert requests.get(link, timeout=30).content == b"one"

    dialog.get_by_role("radio", name="upload a file here").check()
    dialog.get_by_role("textbox", name="Name of the uploaded file").fill("sent.bin")
    dialog.get_by_role("combobox", name="Expires after").select_option(label="custom")
    dialog.get_by_role("textbox", name="Number").fill("8")
    dialog.get_by_text("up to seven days").wait_for()
    dialog.get_by_role("textbox", name="Number").fill("1.5")
    filled.press("Enter")
    write = dialog.get_by_role("textbox", name="Link")
    write.wait_for()
    requests.put(write.input_value(), data=b"from outside", timeout=30).raise_for_status()
    assert contents(client, "models")["sent.bin"] == b"from outside"
    filled.press("Escape")
    filled.dialog.wait_for(state="detached")


def test_properties_are_edited_unless_the_object_was_changed(filled: Panel, client: S3Client, pictures: Path) -> None:
    dialog = choose(filled, "one.txt", "Properties…")
    dialog.get_by_text("3 B (3 bytes)").wait_for()
    dialog.get_by_role("tab", name="General").and_(filled.page.locator(":focus")).wait_for()
    filled.press("ArrowRight")
    dialog.get_by_role("textbox", name="Content-Type").fill("text/markdown")
    metadata = dialog.get_by_role("group", name="Metadata")
    metadata.get_by_role("button", name="Add").click()
    metadata.get_by_role("textbox", name="Name 1").fill("author")
    metadata.get_by_role("textbox", name="Value of author").fill("me")
    filled.shoot(pictures, "properties-light")
    filled.press("Enter")
    dialog.get_by_text("Saved.").wait_for()
    head = client.head_object(Bucket="models", Key="one.txt")
    assert (head["ContentType"], head["Metadata"]) == ("text/markdown", {"author": "me"})
    assert contents(client, "models")["one.txt"] == b"one"

    client.put_object(Bucket="models", Key="one.txt", Body=b"another user's")
    dialog.get_by_role("textbox", name="Cache-Control").fill("no-cache")
    filled.press("Enter")
    dialog.get_by_role("alert").filter(has_text="Nothing was saved").wait_for()
    assert contents(client, "models")["one.txt"] == b"another user's"
    dialog.get_by_role("button", name="Reload").click()
    dialog.get_by_role("tab", name="General").click()
    dialog.get_by_text("14 B (14 bytes)").wait_for()
    filled.press("Escape")
    filled.dialog.wait_for(state="detached")
    filled.row("one.txt").and_(filled.page.locator(":focus")).wait_for()


def test_older_version_is_restored(filled: Panel, client: S3Client) -> None:
    client.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="models", Key="one.txt", Body=b"worse")
    dialog = choose(filled, "one.txt", "Properties…")
    dialog.get_by_role("tab", name="Versions").click()
    dialog.get_by_text("The bucket keeps versions.").wait_for()
    versions = dialog.get_by_role("region", name="Versions").get_by_role("listitem")
    assert versions.count() == 2
    versions.nth(1).get_by_role("button", name="Restore").click()
    versions.nth(2).wait_for()
    assert contents(client, "models")["one.txt"] == b"one"
    versions.nth(1).get_by_role("button", name="Delete").click()
    assert versions.count() == 3, "nothing is deleted before the confirmation"
    dialog.get_by_role("button", name="Delete Version").press("Enter")
    versions.nth(2).wait_for(state="detached")
    assert contents(client, "models")["one.txt"] == b"one"
    filled.press("Escape")
    filled.dialog.wait_for(state="detached")
    filled.row("one.txt").click()
    filled.press("Delete")
    filled.dialog.get_by_text("a delete marker hides each object").wait_for()
    filled.press("Escape")


def test_unfinished_uploads_are_found_and_removed(filled: Panel, client: S3Client) -> None:
    for key in ("big/one.bin", "big/two.bin"):
        client.create_multipart_upload(Bucket="models", Key=key)
    filled.row("one.txt").click()
    dialog = command(filled, "Incomplete Uploads…")
    uploads = dialog.get_by_role("listbox", name="Incomplete uploads")
    uploads.get_by_role("option", name="big/one.bin").wait_for()
    filled.tab_to(uploads, "Shift+Tab")
    filled.press("End", "Space")
    uploads.get_by_role("option", name="big/two.bin", selected=True).wait_for()
    filled.tab_to(dialog.get_by_role("button", name="Remove One Upload"))
    filled.press("Enter")
    dialog.get_by_text("One upload was removed").wait_for()
    left = client.list_multipart_uploads(Bucket="models")["Uploads"]
    assert [upload["Key"] for upload in left] == ["big/one.bin"]
    filled.press("Escape")
    filled.dialog.wait_for(state="detached")


def test_only_an_empty_bucket_is_deleted(filled: Panel, client: S3Client, archive: str) -> None:
    bucket = filled.page.get_by_role("combobox", name="Bucket")
    bucket.fill(archive)
    filled.press("Enter")
    filled.page.get_by_role("heading", name="This bucket is empty").wait_for()
    client.put_object(Bucket=archive, Key="x", Body=b"")
    filled.page.evaluate("void window.jupyterapp.commands.execute('odhtec:delete-bucket')")
    filled.page.get_by_text("s3://archive/ is not empty").wait_for()
    client.delete_object(Bucket=archive, Key="x")
    dialog = command(filled, "Delete Bucket…")
    dialog.get_by_text("Anyone can then create a bucket named “archive”").wait_for()
    dialog.get_by_role("button", name="Delete").click()
    filled.row("one.txt").wait_for()
    assert [entry["Name"] for entry in client.list_buckets()["Buckets"]] == ["models"]
    client.create_bucket(Bucket=archive)
