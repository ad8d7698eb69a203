"""A stop ends in time although S3 or the hub never reply. All timeouts of the server are a day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.conftest import S3Server, python_path
from tests.faults.bucket import Bucket, checksums, require_no_upload_left
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api, KillableServer, Reply
from tests.faults.killer import Gone
from tests.faults.proxy import Proxy
from tests.faults.rules import Stall
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS

STORES = "odhtec_jupyter.stores."
DAY = 86_400.0  # seconds, longer than any test waits
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in tests that run in the background
from odhtec_jupyter.client.http import connection
from odhtec_jupyter.client.local import local_transfer
connection.TIMEOUT_SECONDS = (10.0, 86_400.0)
local_transfer.CANCEL_SECONDS = 1.0
from odhtec_jupyter.cli import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """No request times out."""
    timeouts = (
        "http.READ_TIMEOUT",
        "s3.connection.clients.READ_TIMEOUT",
        "s3.connection.clients.COPY_TIMEOUT",
        "hub.client.READ_TIMEOUT",
    )
    return {
        **CONSTANTS,
        **{STORES + name: DAY for name in timeouts},
        # In this order, so that a stop ends while cancelled work still waits.
        "odhtec_jupyter.services.STOP_SECONDS": 1.0,
        TRANSFERS + "runtime.engine.ANSWER_SECONDS": 2.0,
        TRANSFERS + "manager.CLEANUP_SECONDS": 1.0,
    }


@on_moto
def test_server_stops_while_no_request_is_answered_and_resumes_after_its_start(
    api: Api,
    server: KillableServer,
    s3_bucket: Bucket,
    hub: HubStandIn,
    s3_proxy: Proxy,
    hub_proxy: Proxy,
    background: ThreadPoolExecutor,
    s3_server: S3Server,
) -> None:
    model = hub.add(Repository("org/model"))
    model.commit({"large.bin": SyntheticContent(PART_SIZE + 1, seed=1)})
    wanted = s3_bucket.put("from/a.bin", b"a" * 1000)
    s3_bucket.put("old/b.bin")
    silent = {kind: s3_proxy.rules.add(Stall(), kind, times=None) for kind in ("part", "copy", "abort")}
    silent_hub = hub_proxy.rules.add(Stall(), "api", path="org/other", times=None)

    imported = api.start_import(s3_bucket.name)["id"]
    source, target = (f"s3://{s3_bucket.name}/{folder}/a.bin" for folder in ("from", "to"))
    copied = api.call("POST", "transfers", {"action": "copy", "source": source, "target": target})["id"]
    for kind in ("part", "copy"):
        assert silent[kind].wait()
    silent_list = s3_proxy.rules.add(Stall(), "list", times=None)
    deleted = api.call("DELETE", f"objects/multiple/{s3_bucket.name}", {"keys": [], "prefixes": ["old/"]})["id"]

    def body() -> Iterator[bytes]:
        yield b"u" * PART_SIZE * 2

    waiting = [
        background.submit(api.upload, s3_bucket.name, "streamed.bin", body(), PART_SIZE * 2),
        background.submit(api.call, "GET", f"objects/{s3_bucket.name}"),
        background.submit(api.call, "GET", "hub/repo?repo=org/other"),
    ]
    assert silent_list.wait()
    assert silent_hub.wait()

    assert server.end() == 0

    for one in waiting:
        assert isinstance(one.exception(GIVE_UP_SECONDS), (*Gone, Reply))
    for proxy in (s3_proxy, hub_proxy):
        proxy.rules.clear()
        proxy.traffic.wait(proxy.traffic.quiet)
    server.start()
    for transfer in (imported, copied, deleted):
        ended = api.ended(transfer)
        assert (ended["state"], ended["error"]) == ("completed", None)
    there = {key.replace("from/", "to/"): digest for key, digest in wanted.items()}
    assert s3_bucket.contents() == wanted | there | checksums(model)
    require_no_upload_left(s3_bucket, s3_server)


@on_moto
def test_cancel_does_not_wait_for_replies(api: Api, s3_bucket: Bucket, hub: HubStandIn, s3_proxy: Proxy) -> None:
    hub.add(Repository("org/model")).commit({"large.bin": SyntheticContent(PART_SIZE + 1, seed=1)})
    silent = [s3_proxy.rules.add(Stall(of="reply"), kind, times=None) for kind in ("part", "abort")]
    transfer = api.start_import(s3_bucket.name)["id"]
    assert silent[0].wait()
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert silent[1].wait()
    assert s3_bucket.sizes() == {}


@on_moto
def test_interrupted_command_ends_while_the_store_does_not_answer(
    api: Api, server: KillableServer, s3_bucket: Bucket, s3_proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / "large.bin").write_bytes(b"l" * (PART_SIZE + 1))
    silent = [s3_proxy.rules.add(Stall(), kind, times=None) for kind in ("part", "abort")]
    command = [sys.executable, "-c", COMMAND, "cp", "large.bin", f"s3://{s3_bucket.name}/", "--url", server.url]
    env = {**os.environ, "JUPYTER_TOKEN": server.token, "PYTHONPATH": python_path()}
    running = subprocess.Popen(command, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert silent[0].wait()
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=GIVE_UP_SECONDS)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130, stderr.decode()
    assert s3_bucket.sizes() == {}
