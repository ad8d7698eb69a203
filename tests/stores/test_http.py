"""Combined certificate bundles are written once and removed later. Invalid proxies are refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import certifi
import pytest

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, S3Connection
from odhtec_jupyter.stores.http import MAX_IDLE_CONNECTIONS, Http, ca_file, remove_ca_files, remove_left_ca_files
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.store import S3Store
from tests.loopback import LoopbackServer, QuietHandler
from tests.waiting import GIVE_UP_SECONDS

WRITES = """
import sys
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import ca_file
print(ca_file(Network(ca_bundles=(sys.argv[1],))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of this process and its child processes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_bundles_of_killed_servers_are_removed_and_those_of_running_ones_are_kept(folder: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", WRITES, certifi.where()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    theirs = Path(other.stdout.readline().strip())
    network = Network(ca_bundles=(certifi.where(),))
    ours = Path(ca_file(network) or "")
    try:
        stranger = folder / "odhtec-ca-folder.pem"
        stranger.mkdir()
        remove_left_ca_files()
        assert (theirs.parent, theirs.is_file(), ours.is_file(), stranger.is_dir()) == (folder, True, True, True)
        other.kill()
        other.wait()
        remove_left_ca_files()
        assert (theirs.exists(), ours.is_file()) == (False, True)
        assert ca_file(network) == str(ours)
    finally:
        other.kill()
        other.communicate()
        remove_ca_files()
    assert not ours.exists()


def test_removed_bundle_is_written_again_without_a_second_descriptor(folder: Path) -> None:
    network = Network(ca_bundles=(certifi.where(),))
    first = ca_file(network)
    assert first
    Path(first).unlink()
    try:
        assert ca_file(network) != first
        if Path("/proc/self/fd").is_dir():
            opened = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
            assert not [path for path in opened if path.startswith(first)]
    finally:
        remove_ca_files()


def test_nothing_is_removed_without_a_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    remove_left_ca_files()


@pytest.mark.parametrize("password", ["se/cret", "se#cret", "se?cret", "se[cret", "secret@127.0.0.1:99999/"])
def test_proxy_that_is_not_a_url_is_refused_without_its_password(password: str) -> None:
    proxy = f"http://user:{password}@127.0.0.1:1"
    network = Network(https_proxy=proxy, no_proxy="direct.example")
    http, hub = Http(network), HubStore(HubConnection("https://hub.example"), network)
    s3 = S3Store(S3Connection("https://s3.example", access_key_id="key", secret_access_key="word"), network)
    calls: list[Callable[[], object]] = [
        lambda: http.request("GET", "https://store.example/"),
        lambda: hub.refs("org/name", repo_type="model"),
        s3.list_buckets,
    ]
    try:
        for call in calls:
            with pytest.raises(OdhTecError, match="The proxy for https addresses is not a valid URL") as error:
                call()
            assert (error.value.code, error.value.transient) == ("ProxyError", False)
            assert not re.search("cret|user:se", str(error.value))
        assert network.proxy_for("https://direct.example") is None
    finally:
        for one in (http, hub, s3):
            one.close()


def test_parallel_requests_keep_their_connections_up_to_a_limit() -> None:
    parallel = MAX_IDLE_CONNECTIONS + 8
    all_asked = threading.Barrier(parallel)
    peers: set[Any] = set()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            peers.add(self.client_address)
            all_asked.wait(GIVE_UP_SECONDS)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with LoopbackServer(Handler) as server:
        http = Http(Network())

        def ask(_: int) -> None:
            response = http.request("GET", server.url + "/")
            response.read()
            response.release_conn()

        with ThreadPoolExecutor(parallel) as threads:
            list(threads.map(ask, range(parallel)))
            assert len(peers) == parallel
            list(threads.map(ask, range(parallel)))
        http.close()
    assert len(peers) == parallel + 8, "those beyond the limit were closed, all others were used again"
