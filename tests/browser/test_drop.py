"""Files and folders dragged from the computer, with Chromium's own drag events, into a Ceph object gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.panel import Panel
from tests.browser.waiting import wait_until
from tests.conftest import S3Server
from tests.content import MIB, noise

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def store(rgw_servers: dict[str, S3Server]) -> S3Server:
    return rgw_servers["rgw"]


@pytest.fixture
def dropped(tmp_path: Path) -> dict[str, bytes]:
    """Files on the disk: relative path → content."""
    # More files in one folder than Chromium returns in one batch.
    files = {f"data/many/{number:03}.txt": f"file {number}\n".encode() for number in range(300)}
    files |= {f"data/a/{number}/b/deep.txt": b"deep %d" % number for number in range(15)}
    files |= {
        "data/empty": b"",
        "data/日本/a b+c%2F.txt": "ü".encode(),
        "data/.hidden": b"not seen, but there",
        "alone.bin": noise(100_000),
        "zwei Wörter.txt": b"two words",
    }
    for name, content in files.items():
        path = tmp_path / "disk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def keys(client: S3Client) -> set[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="models")
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def test_dropped_folder_is_uploaded_completely(
    panel: Panel, client: S3Client, dropped: dict[str, bytes], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    panel.drag(*sorted(disk.iterdir()))
    work = panel.transfers.get_by_role("listitem")
    work.get_by_text(f"Upload {len(dropped)} files").wait_for()
    work.get_by_text(re.compile(rf"^Completed · .* · {len(dropped)} files$")).wait_for()
    assert panel.transfers.get_by_role("progressbar").count() == 0

    assert keys(client) == set(dropped)
    for name, content in dropped.items():
        assert client.get_object(Bucket="models", Key=name)["Body"].read() == content, name

    panel.row("alone.bin").wait_for()
    panel.row("data").dblclick()
    panel.row("日本").dblclick()
    panel.row("a b+c%2F.txt").wait_for()

    # The second drop uploads to the open folder, not to the top level.
    panel.drag(disk / "alone.bin")
    panel.row("alone.bin").wait_for()
    assert keys(client) == {*dropped, "data/日本/alone.bin"}


def test_drag_that_leaves_the_list_uploads_nothing(
    panel: Panel, client: S3Client, dropped: dict[str, bytes], tmp_path: Path
) -> None:
    panel.drag(tmp_path / "disk" / "data", drop=False)
    panel.button("Refresh").click()
    panel.page.get_by_role("heading", name="This bucket is empty").wait_for()
    assert panel.transfers.count() == 0
    assert keys(client) == set()


@pytest.mark.usefixtures("page_is_spent")  # its network is slowed down
def test_upload_shows_its_progress_and_can_be_cancelled(panel: Panel, client: S3Client, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(noise(48 * MIB))
    network = panel.page.context.new_cdp_session(panel.page)
    network.send("Network.enable")

    def limit(bytes_per_second: int) -> None:
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        network.send("Network.emulateNetworkConditions", conditions)

    def open_uploads() -> list[str]:
        return [upload["Key"] for upload in client.list_multipart_uploads(Bucket="models").get("Uploads", [])]

    limit(4 * MIB)  # slow enough to be cancelled after its first fifth
    panel.drag(large)
    bar = panel.transfers.get_by_role("progressbar", name="Upload large.bin")
    bar.wait_for()
    wait_until(lambda: open_uploads() == ["large.bin"], "no upload has started")
    wait_until(lambda: int(bar.get_attribute("aria-valuenow") or 0) >= 20, "the progress bar does not move")
    panel.transfers.get_by_text(re.compile(r"^[\d.]+ MB of 50\.3 MB · [\d.]+ [Mk]B/s · \d+ (s|min) left$")).wait_for()

    panel.transfers.get_by_role("button", name="Cancel").click()
    panel.transfers.get_by_text(re.compile("^Cancelled")).wait_for()
    assert bar.count() == 0
    wait_until(lambda: not open_uploads(), "the multipart upload is still in the store")
    assert keys(client) == set()

    limit(-1)
    panel.drag(large)
    panel.row("large.bin").wait_for()
    assert client.get_object(Bucket="models", Key="large.bin")["Body"].read() == large.read_bytes()
