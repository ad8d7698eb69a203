"""An upload of the panel continues after it was interrupted: by a lost network, a reload, a pause."""

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
from tests.browser.waiting import TIMEOUT_MS
from tests.conftest import S3Server
from tests.content import MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from playwright.sync_api import Dialog, Request

PART = 8 * MIB
IN_FLIGHT = 3  # parts that can be in flight when the connection breaks
SIZE = int(os.environ.get("ODHTEC_BIG_UPLOAD", 96 * MIB))  # bytes; 2147483648 for a run by hand
SPEED = max(12 * MIB, SIZE // 16)  # bytes per second: slow enough to be interrupted in the middle
SLOW = 256 * 1024  # bytes per second: too slow to end during the test
UPLOAD_TIMEOUT_MS = TIMEOUT_MS + SIZE // MIB * 100
PART_URL = re.compile(r"/odhtec/api/uploads/[^/]+/(\d+)$")
LIST_URL = re.compile(r"/odhtec/api/uploads(\?|$)")
COMPLETED = re.compile("^Completed")
TROUBLE = re.compile("retrying: The Jupyter server is not responding")
INTERRUPTED = re.compile(r"^Interrupted at \d+%")

# Uploads stay in the page, or its network stays slow.
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


class Network:
    """The network of the page, which can be slow or offline, and the parts that were sent over it."""

    def __init__(self, panel: Panel) -> None:
        self.sent: list[int] = []
        self._up = True
        self._page = panel.page
        self._session = panel.page.context.new_cdp_session(panel.page)
        self._session.send("Network.enable")
        panel.page.on("request", self._note)
        self.limit(SPEED)

    @property
    def sent_again(self) -> int:
        """The number of parts that were sent again."""
        return len(self.sent) - len(set(self.sent))

    def limit(self, bytes_per_second: int = -1, *, offline: bool = False) -> None:
        self._up = not offline
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        self._session.send("Network.emulateNetworkConditions", conditions)

    def cut(self) -> None:
        """Put the browser offline. Parts in flight still arrive."""
        self.limit(offline=True)

    def restore(self) -> None:
        self.limit()

    def _note(self, request: Request) -> None:
        part = PART_URL.search(request.url)
        if part and request.method == "PUT" and self._up:
            self.sent.append(int(part[1]))


def start_upload(panel: Panel, *paths: Path) -> None:
    with panel.page.expect_file_chooser() as chooser:
        panel.button("Upload Files").click()
    chooser.value.set_files(paths)


def wait_for_percent(panel: Panel, percent: int, name: str = "Upload big.bin") -> None:
    """Wait until the progress bar shows at least ``percent``."""
    panel.page.wait_for_function(
        """([name, percent]) => [...document.querySelectorAll('[role=progressbar]')]
             .some(bar => bar.ariaLabel === name && Number(bar.ariaValueNow) >= percent)""",
        arg=[name, percent],
        timeout=UPLOAD_TIMEOUT_MS,
    )


def expect_object(client: S3Client, key: str, path: Path) -> None:
    """Require that the object equals the file, and that no multipart upload is left."""
    found = hashlib.sha256()
    for chunk in client.get_object(Bucket="models", Key=key)["Body"].iter_chunks(MIB):
        found.update(chunk)
    with path.open("rb") as file:
        assert found.digest() == hashlib.file_digest(file, "sha256").digest()
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")


def expect_few_sent_again(network: Network, *, interruptions: int = 1) -> None:
    assert set(network.sent) == set(range(1, SIZE // PART + 1))
    assert network.sent_again <= IN_FLIGHT * interruptions


@pytest.mark.extended
def test_upload_continues_after_the_browser_was_offline(
    panel: Panel, client: S3Client, big: Path, pictures: Path
) -> None:
    network = Network(panel)
    start_upload(panel, big)
    wait_for_percent(panel, 30)
    network.cut()
    panel.transfers.get_by_text(TROUBLE).wait_for()
    panel.shoot(pictures, "resume-offline")
    network.restore()
    panel.transfers.get_by_text(COMPLETED).wait_for(timeout=UPLOAD_TIMEOUT_MS)
    panel.row("big.bin").wait_for()
    expect_object(client, "big.bin", big)
    expect_few_sent_again(network)


def test_upload_continues_after_its_connections_broke(
    open_panel: Callable[[str], Panel], lab: JupyterProcess, client: S3Client, big: Path
) -> None:
    with Relay(urlsplit(lab.url).port or 80) as relay:
        panel = open_panel(f"http://127.0.0.1:{relay.port}{BASE_URL}lab?token={lab.token}&reset")
        network = Network(panel)
        start_upload(panel, big)
        for percent in (20, 70):
            wait_for_percent(panel, percent)
            relay.cut()
            panel.transfers.get_by_text(TROUBLE).wait_for()
            relay.restore()
        panel.transfers.get_by_text(COMPLETED).wait_for(timeout=UPLOAD_TIMEOUT_MS)
        expect_object(client, "big.bin", big)
        expect_few_sent_again(network, interruptions=2)
        panel.page.close()


@pytest.mark.extended
def test_upload_continues_in_smaller_requests_behind_a_proxy_that_limits_them(
    open_panel: Callable[[str], Panel], lab: JupyterProcess, client: S3Client, tmp_path: Path
) -> None:
    (tmp_path / "large.bin").write_bytes(os.urandom(2 * PART + 5))
    with LimitingRelay(urlsplit(lab.url).port or 80, MIB) as relay:
        panel = open_panel(f"http://127.0.0.1:{relay.port}{BASE_URL}lab?token={lab.token}&reset")
        start_upload(panel, tmp_path / "large.bin")
        panel.transfers.get_by_text(COMPLETED).wait_for(timeout=UPLOAD_TIMEOUT_MS)
        expect_object(client, "large.bin", tmp_path / "large.bin")
        assert relay.refused
        assert relay.largest == MIB
        panel.page.close()


@pytest.mark.parametrize("how", ["through its row", pytest.param("through Upload Files", marks=pytest.mark.extended)])
def test_upload_continues_after_a_reload(
    panel: Panel, client: S3Client, big: Path, pictures: Path, tmp_path: Path, how: str
) -> None:
    page, transfers = panel.page, panel.transfers
    network = Network(panel)
    dialogs: list[str] = []

    def leave(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    start_upload(panel, big)
    wait_for_percent(panel, 50)
    page.reload()
    assert dialogs == ["beforeunload"], "the browser has to ask before it leaves the page"
    network.limit()
    interrupted = transfers.get_by_text(INTERRUPTED)
    interrupted.wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")
    panel.shoot(pictures, "resume-interrupted")

    if how == "through Upload Files":
        start_upload(panel, big)
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
    transfers.get_by_text(COMPLETED).wait_for(timeout=UPLOAD_TIMEOUT_MS)
    assert interrupted.count() == 0
    expect_object(client, "big.bin", big)
    expect_few_sent_again(network)


def test_upload_is_paused_resumed_and_cancelled(panel: Panel, client: S3Client, big: Path, pictures: Path) -> None:
    page, transfers = panel.page, panel.transfers
    network = Network(panel)
    start_upload(panel, big)
    wait_for_percent(panel, 20)
    transfers.get_by_role("button", name="Pause").click()
    transfers.get_by_text(re.compile("^Paused")).wait_for()
    panel.shoot(pictures, "resume-paused")

    # By keyboard: the focus stays on the button while it changes from Pause to Resume.
    resume = transfers.get_by_role("button", name="Resume")
    resume.and_(page.locator(":focus")).wait_for()
    panel.press("Enter")
    wait_for_percent(panel, 40)
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
    assert network.sent_again == 0, "a pause lets parts in flight finish"


@pytest.mark.extended
def test_interrupted_upload_is_discarded(panel: Panel, client: S3Client, big: Path) -> None:
    page, transfers = panel.page, panel.transfers
    Network(panel)
    start_upload(panel, big)
    wait_for_percent(panel, 20)
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
def test_upload_of_another_tab_is_not_offered(panel: Panel, client: S3Client, big: Path) -> None:
    network = Network(panel)
    start_upload(panel, big)
    wait_for_percent(panel, 1)
    network.limit(SLOW)
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
    network = Network(panel)
    start_upload(panel, big)
    wait_for_percent(panel, 30)
    client.put_object(Bucket="models", Key="big.bin", Body=b"another user's")
    panel.dialog.get_by_text("s3://models/big.bin already exists").wait_for(timeout=UPLOAD_TIMEOUT_MS)
    assert client.get_object(Bucket="models", Key="big.bin")["Body"].read() == b"another user's"
    panel.dialog.get_by_role("button", name="Replace").click()
    panel.transfers.get_by_text(COMPLETED).wait_for(timeout=UPLOAD_TIMEOUT_MS)
    expect_object(client, "big.bin", big)
    assert network.sent_again == 0


@pytest.mark.extended
def test_file_that_changes_during_its_upload_is_an_error(panel: Panel, client: S3Client, tmp_path: Path) -> None:
    path = tmp_path / "changing.bin"
    path.write_bytes(os.urandom(48 * MIB))
    Network(panel).limit(8 * MIB)
    start_upload(panel, path)
    wait_for_percent(panel, 20, "Upload changing.bin")
    path.write_bytes(os.urandom(48 * MIB))
    panel.transfers.get_by_text("changing.bin can no longer be read").wait_for()
    panel.transfers.get_by_text(re.compile("^Failed")).wait_for()
    assert "Contents" not in client.list_objects_v2(Bucket="models")
    # Its parts are kept until the user clears the row and discards them.
    panel.transfers.get_by_role("button", name="Clear", exact=True).click()
    panel.transfers.get_by_role("button", name="Discard the upload of changing.bin").click()
    panel.dialog.get_by_role("button", name="Discard").click()
    panel.transfers.wait_for(state="detached")
    assert "Uploads" not in client.list_multipart_uploads(Bucket="models")
