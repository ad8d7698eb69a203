"""What is interrupted goes on: an upload over a lost network and a reload, by the sidebar of a real JupyterLab."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.browser.conftest import BASE_URL
from tests.browser.panel import Panel
from tests.browser.relay import LimitingRelay, Relay
from tests.browser.waiting import PATIENCE
from tests.conftest import S3Server
from tests.content import MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Dialog, Request

PART = 8 * MIB
IN_FLIGHT = 3  # parts that may be on their way when the line breaks
SIZE = int(os.environ.get("ODHTEC_BIG_UPLOAD", 96 * MIB))  # 2147483648 for a run by hand
SPEED = max(12 * MIB, SIZE // 16)  # bytes per second, so that there is a middle to be interrupted in
SLOW = 256 * 1024  # bytes per second: its end is far away
LONG = PATIENCE + SIZE // MIB * 100  # ms
PART_URL = re.compile(r"/odhtec/api/uploads/[^/]+/(\d+)$")
LIST_URL = re.compile(r"/odhtec/api/uploads(\?|$)")
COMPLETED = re.compile("^Completed")
TROUBLE = re.compile("retrying: The Jupyter server is not responding")
INTERRUPTED = re.compile(r"^Interrupted at \d+%")

# Their uploads live on in the page, or their network is not as it was.
pytestmark = pytest.mark.usefixtures("page_is_spent")


@pytest.fixture(scope="module")
def store(rgw_servers: dict[str, S3Server]) -> S3Server:
    return rgw_servers["rgw"]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("disk") / "big.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    yield path
    path.unlink()


class Line:
    """The page's network, which can be slow or gone, and the parts that were put on it."""

    def __init__(self, panel: Panel) -> None:
        self.sent: list[int] = []
        self._up = True
        self._page = panel.page
        self._session = panel.page.context.new_cdp_session(panel.page)
        self._session.send("Network.enable")
        panel.page.on("request", self._note)
        self.limit(SPEED)

    @property
    def twice(self) -> int:
        """Parts that were sent once more."""
        return len(self.sent) - len(set(self.sent))

    def limit(self, bytes_per_second: int = -1, *, offline: bool = False) -> None:
        self._up = not offline
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        self._session.send("Network.emulateNetworkConditions", conditions)

    def cut(self) -> None:
        """The browser knows that there is no network; what is on its way arrives."""
        self.limit(offline=True)

    def mend(self) -> None:
        self.limit()

    def _note(self, request: Request) -> None:
        part = PART_URL.search(request.url)
        if part and request.method == "PUT" and self._up:
            self.sent.append(int(part[1]))


def begin(panel: Panel, *paths: Path) -> None:
    with panel.page.expect_file_chooser() as chooser:
        panel.button("Upload Files").click()
    chooser.value.set_files(paths)


def reach(panel: Panel, percent: int, name: str = "Upload big.bin") -> None:
    """Wait until so much of it is there."""
    panel.page.wait_for_function(
        """([name, percent]) => [...document.querySelectorAll('[role=progressbar]')]
             .some(bar => bar.ariaLabel === name && Number(bar.ariaValueNow) >= percent)""",
        arg=[name, percent],
        timeout=LONG,
    )


def expect_object(client: S3Client, key: str, path: Path) -> None:
    """It is the file, and nothing else is left."""
    found = hashlib.sha256()
    for chunk in client.get_object(Bucket="models", Key=key)["Body"].iter_chunks(MIB):
        found.update(chunk)
    with path.open("rb") as file:
        assert found.digest() == hashlib.file_digest(file, "sha256").digest()
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")


def expect_little_twice(line: Line, *, breaks: int = 1) -> None:
    assert set(line.sent) == set(range(1, SIZE // PART + 1))
    assert line.twice <= IN_FLIGHT * breaks


@pytest.mark.extended
def test_upload_continues_after_the_browser_was_offline(
    panel: Panel, client: S3Client, big: Path, pictures: Path
) -> None:
    line = Line(panel)
    begin(panel, big)
    reach(panel, 30)
    line.cut()
    panel.transfers.get_by_text(TROUBLE).wait_for()
    panel.shoot(pictures, "resume-offline")
    line.mend()
    panel.transfers.get_by_text(COMPLETED).wait_for(timeout=LONG)
    panel.row("big.bin").wait_for()
    expect_object(client, "big.bin", big)
    expect_little_twice(line)


def test_upload_continues_after_its_connections_broke(
    open_panel: Callable[[str], Panel], lab: JupyterProcess, client: S3Client, big: Path
) -> None:
    with Relay(urlsplit(lab.url).port or 80) as relay:
        panel = open_panel(f"http://127.0.0.1:{relay.port}{BASE_URL}lab?token={lab.token}&reset")
        line = Line(panel)
        begin(panel, big)
        for percent in (20, 70):
            reach(panel, percent)
            relay.cut()
            panel.transfers.get_by_text(TROUBLE).wait_for()
            relay.mend()
        panel.transfers.get_by_text(COMPLETED).wait_for(timeout=LONG)
        expect_object(client, "big.bin", big)
        expect_little_twice(line, breaks=2)
        panel.page.close()


@pytest.mark.extended
def test_upload_continues_in_smaller_requests_behind_a_proxy_that_limits_them(
    open_panel: Callable[[str], Panel], lab: JupyterProcess, client: S3Client, tmp_path: Path
) -> None:
    (tmp_path / "large.bin").write_bytes(os.urandom(2 * PART + 5))
    with LimitingRelay(urlsplit(lab.url).port or 80, MIB) as relay:
        panel = open_panel(f"http://127.0.0.1:{relay.port}{BASE_URL}lab?token={lab.token}&reset")
        begin(panel, tmp_path / "large.bin")
        panel.transfers.get_by_text(COMPLETED).wait_for(timeout=LONG)
        expect_object(client, "large.bin", tmp_path / "large.bin")
        assert relay.refused
        assert relay.largest == MIB
        panel.page.close()


@pytest.mark.parametrize("how", ["in its row", pytest.param("as any file", marks=pytest.mark.extended)])
def test_upload_continues_after_a_reload(
    panel: Panel, client: S3Client, big: Path, pictures: Path, tmp_path: Path, how: str
) -> None:
    page, transfers = panel.page, panel.transfers
    line = Line(panel)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    begin(panel, big)
    reach(panel, 50)
    page.reload()
    assert asked == ["beforeunload"], "the browser asks before it leaves"
    line.limit()
    interrupted = transfers.get_by_text(INTERRUPTED)
    interrupted.wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")
    panel.shoot(pictures, "resume-interrupted")

    if how == "as any file":
        begin(panel, big)
    else:
        choose = transfers.get_by_role("button", name="Choose big.bin again")
        for name, said in (("other.bin", "interrupted upload is for"), ("big.bin", "bytes")):
            wrong = tmp_path / name
            wrong.write_bytes(b"another file")
            with page.expect_file_chooser() as chooser:
                choose.click()
            chooser.value.set_files(wrong)
            panel.dialog.get_by_text(said).wait_for()
            panel.press("Escape")
            panel.dialog.wait_for(state="detached")
        with page.expect_file_chooser() as chooser:
            choose.click()
        chooser.value.set_files(big)
    transfers.get_by_text(COMPLETED).wait_for(timeout=LONG)
    assert interrupted.count() == 0
    expect_object(client, "big.bin", big)
    expect_little_twice(line)


def test_an_upload_is_paused_resumed_and_cancelled(panel: Panel, client: S3Client, big: Path, pictures: Path) -> None:
    page, transfers = panel.page, panel.transfers
    line = Line(panel)
    begin(panel, big)
    reach(panel, 20)
    transfers.get_by_role("button", name="Pause").click()
    transfers.get_by_text(re.compile("^Paused")).wait_for()
    panel.shoot(pictures, "resume-paused")

    # By keyboard: the focus has stayed on the button, which is another one now.
    resume = transfers.get_by_role("button", name="Resume")
    resume.and_(page.locator(":focus")).wait_for()
    panel.press("Enter")
    reach(panel, 40)
    panel.press("Enter")
    transfers.get_by_text(re.compile("^Paused")).wait_for()
    with page.expect_response(lambda it: "/uploads/" in it.url and it.request.method == "DELETE"):
        panel.press("Tab", "Enter")
    transfers.get_by_text(re.compile("^Cancelled")).wait_for()
    with page.expect_response(LIST_URL):
        panel.button("Refresh").click()
    assert transfers.get_by_text(INTERRUPTED).count() == 0
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")
    assert "Contents" not in client.list_objects_v2(Bucket="models")
    assert line.twice == 0, "a pause lets arrive what is on its way"


@pytest.mark.extended
def test_an_interrupted_upload_is_discarded(panel: Panel, client: S3Client, big: Path) -> None:
    page, transfers = panel.page, panel.transfers
    Line(panel)
    begin(panel, big)
    reach(panel, 20)
    page.reload()
    interrupted = transfers.get_by_text(INTERRUPTED)
    interrupted.wait_for()
    discard = transfers.get_by_role("button", name="Discard the upload of big.bin")
    discard.focus()
    panel.press("Enter")
    panel.dialog.get_by_text("will be deleted").wait_for()
    panel.press("Escape")
    panel.dialog.wait_for(state="detached")
    assert interrupted.count() == 1
    discard.click()
    panel.dialog.get_by_role("button", name="Discard").click()
    interrupted.wait_for(state="detached")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")


@pytest.mark.extended
def test_what_another_tab_sends_is_not_offered(panel: Panel, client: S3Client, big: Path) -> None:
    line = Line(panel)
    begin(panel, big)
    reach(panel, 1)
    line.limit(SLOW)
    other = Panel(panel.page.context.new_page())
    other.page.goto(panel.page.url)
    other.page.get_by_role("tab", name="Object Storage").click()
    other.page.get_by_role("heading", name="This bucket is empty").wait_for()
    with other.page.expect_response(LIST_URL):
        other.button("Refresh").click()
    assert other.transfers.count() == 0
    panel.transfers.get_by_role("button", name="Cancel").click()
    panel.transfers.get_by_text(re.compile("^Cancelled")).wait_for()


@pytest.mark.extended
def test_object_created_during_the_upload_is_not_replaced_without_asking(
    panel: Panel, client: S3Client, big: Path
) -> None:
    line = Line(panel)
    begin(panel, big)
    reach(panel, 30)
    client.put_object(Bucket="models", Key="big.bin", Body=b"somebody else's")
    panel.dialog.get_by_text("s3://models/big.bin already exists").wait_for(timeout=LONG)
    assert client.get_object(Bucket="models", Key="big.bin")["Body"].read() == b"somebody else's"
    panel.dialog.get_by_role("button", name="Replace").click()
    panel.transfers.get_by_text(COMPLETED).wait_for(timeout=LONG)
    expect_object(client, "big.bin", big)
    assert line.twice == 0


@pytest.mark.extended
def test_a_file_that_changes_under_its_upload_is_an_error(panel: Panel, client: S3Client, tmp_path: Path) -> None:
    path = tmp_path / "changing.bin"
    path.write_bytes(os.urandom(48 * MIB))
    Line(panel).limit(8 * MIB)
    begin(panel, path)
    reach(panel, 20, "Upload changing.bin")
    path.write_bytes(os.urandom(48 * MIB))
    panel.transfers.get_by_text("changing.bin can no longer be read").wait_for()
    panel.transfers.get_by_text(re.compile("^Failed")).wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")
    # Its parts are there as long as somebody may want them; who clears the row is offered to discard them.
    panel.transfers.get_by_role("button", name="Clear", exact=True).click()
    panel.transfers.get_by_role("button", name="Discard the upload of changing.bin").click()
    panel.dialog.get_by_role("button", name="Discard").click()
    panel.transfers.wait_for(state="detached")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")
