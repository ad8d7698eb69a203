"""The import dialog in real JupyterLab: what it shows before the import, and what it imports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.browser.panel import Panel
from tests.content import contents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Locator

REPO = "org/small-model"
FILES = {
    "README.md": b"# A model",
    "config.json": b"{}",
    "model.safetensors": b"s" * 3000,
    "onnx/model.onnx": b"o" * 2000,
    "pytorch_model.bin": b"p" * 3000,
    "tokenizer.json": b'{"a": 1}',
}
MANY = 10_000


def serve(hub: HubStandIn, repository: Repository) -> Repository:
    repository.commit(FILES)
    return hub.add(repository)


@pytest.fixture
def repository(hub: HubStandIn) -> Repository:
    return serve(hub, Repository(REPO))


@pytest.fixture
def dialog(panel: Panel, repository: Repository) -> Locator:
    panel.button("Import from Hugging Face").click()
    panel.dialog.get_by_role("textbox", name="Repository").wait_for()
    return panel.dialog


def look_up(panel: Panel, name: str = REPO) -> Locator:
    """Type a name into the dialog, which has the focus in this field, and wait for the files."""
    panel.dialog.locator("input[name=repo]:focus").wait_for()
    panel.page.keyboard.type(name)
    panel.press("Enter")
    files = panel.dialog.get_by_role("listbox", name="Files")
    files.wait_for()
    return files


def test_existing_objects_are_shown_before_the_import_starts(
    panel: Panel, client: S3Client, dialog: Locator, pictures: Path
) -> None:
    client.put_object(Bucket="models", Key=f"{REPO}/config.json", Body=b"another")
    files = look_up(panel)
    dialog.get_by_text("5 new, 1 different").wait_for()
    assert files.get_by_role("option").count() == len(FILES)
    assert "different" in files.get_by_role("option", name="config.json").inner_text()
    dialog.get_by_text(f"Files are stored in s3://models/{REPO}/").wait_for()
    panel.shoot(pictures, "import-dialog-light")
    panel.use_theme("JupyterLab Dark")
    panel.shoot(pictures, "import-dialog-dark")
    panel.use_theme("JupyterLab Light")

    dialog.get_by_role("button", name="Safetensors Only").click()
    dialog.get_by_text("3 of 6 files selected").wait_for()
    assert contents(client, "models") == {f"{REPO}/config.json": b"another"}, "looking up a repository writes nothing"
    dialog.get_by_role("radio", name="Replace existing objects").check()
    dialog.get_by_role("button", name="Start Import").click()
    panel.dialog.wait_for(state="detached")
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    wanted = {name: FILES[name] for name in ("config.json", "model.safetensors", "tokenizer.json")}
    assert contents(client, "models") == {f"{REPO}/{name}": data for name, data in wanted.items()}


def test_objects_of_another_revision_are_removed_on_request(
    panel: Panel, client: S3Client, repository: Repository, dialog: Locator, pictures: Path
) -> None:
    old = [f"model-{number:05}-of-00007.safetensors" for number in range(1, 8)]
    repository.commit(dict.fromkeys(old, b"o" * 5000))
    metadata = {"hf-repo": REPO, "hf-commit": repository.branches["main"]}
    for name in old:
        client.put_object(Bucket="models", Key=f"{REPO}/{name}", Body=b"o" * 5000, Metadata=metadata)
    client.put_object(Bucket="models", Key=f"{REPO}/mine.txt", Body=b"mine")
    repository.commit({"README.md": b"# A newer model", **dict.fromkeys(old)})
    look_up(panel)
    dialog.get_by_text(re.compile("7 objects are left over from revision")).wait_for()
    box = dialog.get_by_role("checkbox", name="Delete them when the import is complete")
    assert not box.is_checked()
    box.check()
    for theme in ("Light", "Dark"):
        panel.use_theme(f"JupyterLab {theme}")
        panel.shoot(pictures, f"import-remaining-{theme.lower()}")
    dialog.get_by_role("button", name="Start Import").click()
    panel.dialog.wait_for(state="detached")
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    panel.transfers.get_by_text("7 old objects removed").wait_for()
    keys = {f"{REPO}/{name}" for name in (*FILES, "mine.txt")}
    assert set(contents(client, "models")) == keys


def test_repository_is_imported_by_keyboard_alone(panel: Panel, client: S3Client, repository: Repository) -> None:
    page = panel.page
    client.put_object(Bucket="models", Key="served/x", Body=b"")
    panel.button("Refresh").click()
    panel.row("served").dblclick()
    panel.row("x").click()
    panel.button("Import from Hugging Face").focus()
    panel.press("Enter")
    files = look_up(panel)
    panel.dialog.get_by_text("6 of 6 files selected · ").wait_for()
    panel.tab_to(files)
    for name in FILES:  # in this order; the first is README.md
        if name not in {"config.json", "onnx/model.onnx"}:
            panel.press("Space")
        panel.press("ArrowDown")
    panel.dialog.get_by_text("2 of 6 files selected").wait_for()
    panel.press("Tab")
    target = panel.dialog.get_by_role("textbox", name="Target folder in models")
    target.and_(page.locator(":focus")).wait_for()
    assert target.input_value() == f"served/{REPO}"
    page.keyboard.type("served/one/")
    panel.dialog.get_by_text("Files are stored in s3://models/served/one/").wait_for()
    panel.press("Enter")
    panel.dialog.wait_for(state="detached")
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    assert sorted(contents(client, "models", "served/one/")) == ["served/one/config.json", "served/one/onnx/model.onnx"]
    focused = page.evaluate("document.activeElement.ariaLabel")
    assert focused == "Import from Hugging Face", "the focus has to return to the button"

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.transfers.get_by_role("button", name=re.compile("^Copy path")).press("Enter")
    assert page.evaluate("navigator.clipboard.readText()") == "s3://models/served/one/"


def test_only_new_files_can_be_imported(panel: Panel, client: S3Client, dialog: Locator) -> None:
    look_up(panel)
    dialog.get_by_role("button", name="Start Import").click()
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    client.delete_object(Bucket="models", Key=f"{REPO}/README.md")
    client.put_object(Bucket="models", Key=f"{REPO}/config.json", Body=b"mine")

    panel.dialog.wait_for(state="detached")
    panel.button("Import from Hugging Face").click()
    look_up(panel)
    dialog.get_by_text("1 new, 4 identical, 1 different").wait_for()
    dialog.get_by_role("button", name="New Files Only").click()
    dialog.get_by_text("1 of 6 files selected").wait_for()
    dialog.get_by_role("button", name="Start Import").click()
    panel.dialog.wait_for(state="detached")
    panel.transfers.get_by_text(re.compile(r"^Completed")).nth(1).wait_for()
    assert contents(client, "models")[f"{REPO}/README.md"] == FILES["README.md"]
    assert contents(client, "models")[f"{REPO}/config.json"] == b"mine"


def test_pasted_address_selects_repository_and_revision(
    panel: Panel, hub: HubStandIn, client: S3Client, dialog: Locator, repository: Repository
) -> None:
    repository.versions["v1"] = repository.branches["main"]
    repository.commit({"config.json": b"newer"})
    panel.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.page.evaluate("text => navigator.clipboard.writeText(text)", f"{hub.endpoint}/{REPO}/tree/v1")
    dialog.locator("input[name=repo]:focus").wait_for()
    panel.press("Control+v")  # pasting looks the repository up
    dialog.get_by_role("listbox", name="Files").wait_for()
    assert dialog.get_by_role("textbox", name="Repository").input_value() == REPO
    revision = dialog.get_by_role("combobox", name="Revision")
    assert revision.input_value() == "v1"
    named = dialog.locator("datalist option")
    named.nth(1).wait_for(state="attached")
    assert named.evaluate_all("all => all.map(it => it.value)") == ["main", "v1"]
    dialog.get_by_role("button", name="Start Import").click()
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    assert contents(client, "models")[f"{REPO}/config.json"] == b"{}", "the revision in the dialog is imported"


def test_gated_repository_shows_how_to_get_access(panel: Panel, hub: HubStandIn, client: S3Client) -> None:
    serve(hub, Repository("org/gated", gated="auto", accepted=frozenset({"hf_good"})))
    panel.button("Import from Hugging Face").click()
    panel.dialog.locator("input[name=repo]:focus").wait_for()
    panel.page.keyboard.type("org/gated")
    panel.press("Enter")
    said = panel.dialog.get_by_role("alert")
    said.wait_for()
    assert "license" in said.inner_text()
    link = said.get_by_role("link", name="Open repository page")
    assert link.get_attribute("href") == f"{hub.endpoint}/org/gated"
    assert panel.dialog.get_by_role("button", name="Start Import").is_disabled()
    panel.dialog.get_by_label("Token for this import only").fill("hf_good")
    panel.press("Enter")
    panel.dialog.get_by_text("6 of 6 files selected").wait_for()
    panel.dialog.get_by_role("button", name="Start Import").click()
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    assert len(contents(client, "models")) == len(FILES)
    assert "hf_good" not in panel.page.content()


def test_ten_thousand_files_can_be_searched_and_selected(panel: Panel, hub: HubStandIn, client: S3Client) -> None:
    many = hub.add(Repository("org/many"))
    many.commit({f"part-{number:05}.txt": b"" for number in range(MANY)})
    panel.button("Import from Hugging Face").click()
    files = look_up(panel, "org/many")
    panel.dialog.get_by_text("10,000 of 10,000 files selected").wait_for()
    assert files.get_by_role("option").count() < 100, "only visible rows are in the page"
    files.focus()
    panel.press("End")
    files.get_by_role("option", name="part-09999.txt").wait_for()
    panel.dialog.get_by_role("button", name="None").click()
    panel.dialog.get_by_role("searchbox", name="Search files").fill("09998")
    files.get_by_role("option", name="part-09998.txt").click()
    panel.dialog.get_by_text("1 of 10,000 files selected").wait_for()
    panel.dialog.get_by_role("button", name="Start Import").click()
    panel.dialog.wait_for(state="detached")
    panel.transfers.get_by_text(re.compile(r"^Completed")).wait_for()
    assert list(contents(client, "models")) == ["org/many/part-09998.txt"]


def test_dialog_fits_into_a_small_window(panel: Panel, dialog: Locator, pictures: Path) -> None:
    panel.page.set_viewport_size({"width": 420, "height": 480})
    look_up(panel)
    start = dialog.get_by_role("button", name="Start Import")
    box = start.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 480
    assert box["x"] + box["width"] <= 420
    wide = dialog.locator(".jp-Dialog-body").evaluate("it => it.scrollWidth - it.clientWidth")
    assert wide <= 0, "the dialog must not scroll horizontally"
    panel.shoot(pictures, "import-dialog-small")
