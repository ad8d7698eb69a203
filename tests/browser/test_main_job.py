"""The main job as a user does it: real JupyterLab, real Chromium, a real object gateway, a real model."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.hub import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.demo.model import REPO_ID as REPO
from odhtec_jupyter.demo.model import fetch_model
from odhtec_jupyter.demo.repository import Repository
from tests.conftest import S3Server, empty_bucket, make_s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Browser, Page

BASE_URL = "/notebook/project/workbench/"  # as a workbench has it
# `ODHTEC_SCREENSHOTS=docs scripts/test tests/browser` renews the pictures of the README.
SCREENSHOTS = os.environ.get("ODHTEC_SCREENSHOTS")
PATIENCE = 30_000  # ms


@pytest.fixture(scope="module")
def client(rgw_servers: dict[str, S3Server]) -> Iterator[S3Client]:
    made = make_s3_client(rgw_servers["rgw"])
    made.create_bucket(Bucket="models")
    yield made
    empty_bucket(made, "models")
    made.delete_bucket(Bucket="models")
    made.close()


@pytest.fixture(scope="module")
def model_folder() -> Path:
    return fetch_model()


@pytest.fixture(scope="module")
def lab(
    rgw_servers: dict[str, S3Server], client: S3Client, model_folder: Path, lab_server: Callable[..., JupyterProcess]
) -> Iterator[JupyterProcess]:
    with HubStandIn(Repository.from_folder(REPO, model_folder)) as hub:
        yield lab_server(
            rgw_servers["rgw"].env | {"HF_ENDPOINT": hub.endpoint, "AWS_S3_BUCKET": "models"},
            options=[f"--ServerApp.base_url={BASE_URL}", "--LabApp.expose_app_in_browser=True"],
        )


@pytest.fixture
def page(chromium: Browser, lab: JupyterProcess) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1180, "height": 720}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(f"{lab.url}lab?token={lab.token}&reset")
    opened.get_by_role("tab", name="Object storage").click()
    opened.get_by_role("grid", name="Objects").wait_for()
    yield opened
    context.close()


def widen(page: Page) -> None:
    """Pull the sidebar's edge, as one does to read long names."""
    edge = page.locator("#jp-left-stack").bounding_box()
    assert edge is not None
    x, y = edge["x"] + edge["width"] + 2, 400
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y, steps=4)
    page.mouse.up()


def shoot(page: Page, name: str, folder: Path) -> None:
    target = Path(SCREENSHOTS) if SCREENSHOTS else folder
    page.mouse.move(900, 600)
    page.screenshot(path=target / f"{name}.png")


def use_theme(page: Page, name: str) -> None:
    page.evaluate(
        """async name => {
             const commands = window.jupyterapp.commands;
             await commands.execute('apputils:change-theme', {theme: name});
           }""",
        name,
    )
    page.locator(f'body[data-jp-theme-name="{name}"]').wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def row(page: Page, name: str) -> Any:
    return page.get_by_role("grid", name="Objects").get_by_role("row", name=re.compile(rf"^{re.escape(name)}\b"))


def test_the_main_job(page: Page, client: S3Client, model_folder: Path, tmp_path: Path) -> None:
    page.get_by_role("heading", name="This bucket is empty").wait_for()

    page.get_by_role("toolbar", name="Object storage").get_by_role("button", name="Import from Hugging Face").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Repository").fill(REPO)
    page.keyboard.press("Enter")
    files = dialog.get_by_role("list", name="Files").get_by_role("listitem")
    files.first.wait_for()
    expected = {path.relative_to(model_folder).as_posix(): path for path in model_folder.rglob("*") if path.is_file()}
    assert files.count() == len(expected)
    shoot(page, "import-light", tmp_path)
    dialog.get_by_role("button", name="Start import").click()

    transfers = page.get_by_role("region", name="Transfers")
    bar = transfers.get_by_role("progressbar")
    bar.wait_for()
    transfers.get_by_text(re.compile(r"^Completed")).wait_for(timeout=2 * PATIENCE)
    assert bar.count() == 0

    row(page, "sentence-transformers").dblclick()
    row(page, "all-MiniLM-L6-v2").dblclick()
    row(page, "model.safetensors").wait_for()
    widen(page)
    shoot(page, "panel-light", tmp_path)
    use_theme(page, "JupyterLab Dark")
    shoot(page, "panel-dark", tmp_path)
    use_theme(page, "JupyterLab Light")
    for path, file in expected.items():
        stored = client.get_object(Bucket="models", Key=f"{REPO}/{path}")["Body"].read()
        assert hashlib.sha256(stored).digest() == hashlib.sha256(file.read_bytes()).digest(), path

    with page.expect_download() as started:
        row(page, "vocab.txt").hover()
        row(page, "vocab.txt").get_by_role("link", name="Download vocab.txt").click()
    download = started.value
    assert download.suggested_filename == "vocab.txt"
    assert Path(download.path()).read_bytes() == expected["vocab.txt"].read_bytes()

    page.reload()
    page.get_by_role("region", name="Transfers").get_by_text(re.compile(r"^Completed")).wait_for()

    page.get_by_role("button", name="Top level of models").click()
    row(page, "sentence-transformers").click()
    page.keyboard.press("Delete")
    asked = page.get_by_role("dialog")
    asked.get_by_text("sentence-transformers").first.wait_for()
    asked.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("heading", name="This bucket is empty").wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")


def test_files_are_uploaded_with_progress_and_a_conflict_is_asked_about(
    page: Page, client: S3Client, tmp_path: Path
) -> None:
    names = {"日本.txt": b"one", "a b+c%2F.txt": b"two", "empty": b"", "large.bin": os.urandom(20_000_000)}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in names]

    def upload() -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("toolbar", name="Object storage").get_by_role("button", name="Upload files").click()
        chooser.value.set_files(paths)

    upload()
    transfers = page.get_by_role("region", name="Transfers")
    transfers.get_by_text(re.compile(r"4 files")).first.wait_for()
    row(page, "large.bin").wait_for()
    for name, data in names.items():
        assert client.get_object(Bucket="models", Key=name)["Body"].read() == data

    (tmp_path / "日本.txt").write_bytes(b"changed")
    upload()
    asked = page.get_by_role("dialog")
    asked.wait_for()
    assert client.get_object(Bucket="models", Key="日本.txt")["Body"].read() == b"one", "asked before it is replaced"
    asked.get_by_role("button", name="Keep both").click()
    row(page, "日本 (1).txt").wait_for()
    assert client.get_object(Bucket="models", Key="日本 (1).txt")["Body"].read() == b"changed"
    assert client.get_object(Bucket="models", Key="日本.txt")["Body"].read() == b"one"
