"""The main job of a user in real JupyterLab, with a Ceph object gateway: import, browse, download, delete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.model import REPO_ID as REPO
from odhtec_jupyter.demo.model import fetch_model
from tests.browser.panel import Panel
from tests.browser.waiting import TIMEOUT_MS
from tests.conftest import S3Server
from tests.content import MIB, body_of, noise

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def store(rgw_servers: dict[str, S3Server]) -> S3Server:
    return rgw_servers["rgw"]


@pytest.fixture(params=["made", pytest.param("published", marks=pytest.mark.network)])
def model_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A generated model like those of sentence-transformers, or the published one."""
    if request.param == "published":
        return fetch_model()
    folder = tmp_path / "model"
    files = {
        "1_Pooling/config.json": b'{"word_embedding_dimension": 384}',
        "README.md": b"# all-MiniLM-L6-v2\n",
        "config.json": b'{"model_type": "bert"}',
        "model.safetensors": safetensors(20 * MIB),  # several parts
        "tokenizer.json": noise(300_000),
        "vocab.txt": b"[PAD]\n[UNK]\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def safetensors(size: int) -> bytes:
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    return len(header).to_bytes(8, "little") + header + noise(size)


@pytest.mark.usefixtures("page_is_spent")  # the sidebar is made wider
def test_model_is_imported_browsed_downloaded_and_deleted(
    panel: Panel, client: S3Client, hub: HubStandIn, model_folder: Path, pictures: Path
) -> None:
    hub.add(Repository.from_folder(REPO, model_folder))
    page, transfers, row = panel.page, panel.transfers, panel.row
    page.get_by_role("heading", name="This bucket is empty").wait_for()

    panel.button("Import from Hugging Face").click()
    dialog = panel.dialog
    dialog.get_by_role("textbox", name="Repository").fill(REPO)
    page.keyboard.press("Enter")
    files = dialog.get_by_role("listbox", name="Files").get_by_role("option")
    files.first.wait_for()
    expected = {path.relative_to(model_folder).as_posix(): path for path in model_folder.rglob("*") if path.is_file()}
    assert files.count() == len(expected)
    panel.shoot(pictures, "import-light")
    dialog.get_by_role("button", name="Start Import").click()

    bar = transfers.get_by_role("progressbar")
    bar.wait_for()
    transfers.get_by_text(re.compile(r"^Completed")).wait_for(timeout=2 * TIMEOUT_MS)
    assert bar.count() == 0

    row("sentence-transformers").dblclick()
    row("all-MiniLM-L6-v2").dblclick()
    row("model.safetensors").wait_for()
    panel.widen()
    panel.shoot(pictures, "panel-light")
    panel.use_theme("JupyterLab Dark")
    panel.shoot(pictures, "panel-dark")
    panel.use_theme("JupyterLab Light")
    for path, file in expected.items():
        assert body_of(client, "models", f"{REPO}/{path}") == file.read_bytes(), path

    with page.expect_download() as started:
        row("vocab.txt").hover()
        row("vocab.txt").get_by_role("link", name="Download vocab.txt").click()
    download = started.value
    assert download.suggested_filename == "vocab.txt"
    assert Path(download.path()).read_bytes() == expected["vocab.txt"].read_bytes()

    page.reload()
    transfers.get_by_text(re.compile(r"^Completed")).wait_for()

    page.get_by_role("button", name="Top level of models").click()
    row("sentence-transformers").click()
    page.keyboard.press("Delete")
    dialog = panel.dialog
    dialog.get_by_text("sentence-transformers").first.wait_for()
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("heading", name="This bucket is empty").wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")


def test_files_are_uploaded_with_progress_and_a_conflict_is_asked_about(
    panel: Panel, client: S3Client, tmp_path: Path
) -> None:
    page, transfers, row = panel.page, panel.transfers, panel.row
    names = {"日本.txt": b"one", "a b+c%2F.txt": b"two", "empty": b"", "large.bin": noise(20_000_000)}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in names]

    def upload() -> None:
        with page.expect_file_chooser() as chooser:
            panel.button("Upload Files").click()
        chooser.value.set_files(paths)

    upload()
    transfers.get_by_text(re.compile(r"4 files")).first.wait_for()
    row("large.bin").wait_for()
    for name, data in names.items():
        assert body_of(client, "models", name) == data

    (tmp_path / "日本.txt").write_bytes(b"changed")
    upload()
    dialog = panel.dialog
    dialog.wait_for()
    assert body_of(client, "models", "日本.txt") == b"one", "the object must not be replaced before the answer"
    dialog.get_by_role("button", name="Keep Both").click()
    row("日本 (1).txt").wait_for()
    assert body_of(client, "models", "日本 (1).txt") == b"changed"
    assert body_of(client, "models", "日本.txt") == b"one"
