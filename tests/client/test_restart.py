"""The server is killed and started again while the client reads, uploads and waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.transfer import Transfer
from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import Forbidden
from tests.conftest import free_port
from tests.faults.jupyter import KillableServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

IMPORTED = 40_000_000  # bytes, several parts


@pytest.fixture
def killable(s3_server: Any, hub: HubStandIn, tmp_path: Path) -> Iterator[KillableServer]:
    with KillableServer(tmp_path / "jupyter", {**s3_server.env, "HF_ENDPOINT": hub.endpoint}, free_port()) as server:
        yield server


def require_everything_continues(
    client: Client,
    killable: KillableServer,
    hub: HubStandIn,
    s3_client: S3Client,
    bucket: str,
    folder: Path,
    when_started: Callable[[Transfer], None] = lambda imported: None,
    while_stopped: Callable[[], None] = lambda: None,
) -> None:
    """Start a read, an import and an upload, kill the server, call ``while_stopped``, and start it again."""
    content = bytes(range(256)) * 4096 * 20
    s3_client.put_object(Bucket=bucket, Key="read", Body=content)
    hub.add(Repository("org/model")).commit({"w.bin": SyntheticContent(IMPORTED, seed=1)})
    (folder / "sent").write_bytes(content)
    with client.open(f"s3://{bucket}/read") as file:
        first = file.read(5_000_000)
        imported = client.import_model("org/model", f"s3://{bucket}/m/")
        sent = client.upload(folder / "sent", f"s3://{bucket}/sent")
        when_started(imported)
        killable.kill()
        while_stopped()
        again = threading.Thread(target=killable.start)
        again.start()
        assert first + file.read() == content
        imported.wait(progress=False)
        sent.wait(progress=False)
        again.join()
    assert s3_client.head_object(Bucket=bucket, Key="m/w.bin")["ContentLength"] == IMPORTED
    assert s3_client.get_object(Bucket=bucket, Key="sent")["Body"].read() == content


def test_read_import_and_upload_continue_after_a_restart(
    killable: KillableServer, hub: HubStandIn, s3_client: S3Client, bucket: str, tmp_path: Path
) -> None:
    client = Client(killable.url, killable.token)
    require_everything_continues(client, killable, hub, s3_client, bucket, tmp_path)
    client.api.connection.close()


def test_client_finds_a_server_that_restarts_with_another_token(
    killable: KillableServer,
    hub: HubStandIn,
    s3_client: S3Client,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(killable.folder / "runtime"))
    found, explicit = Client(), Client(killable.url, killable.token)
    assert explicit.buckets()
    known: list[Transfer] = []
    require_everything_continues(
        found,
        killable,
        hub,
        s3_client,
        bucket,
        tmp_path,
        when_started=lambda imported: known.append(explicit.transfer(imported.id)),
        while_stopped=killable.renew_token,
    )
    # The client with the old token still has a cookie, which is enough for reading only.
    known[0].wait(progress=False)
    with pytest.raises(Forbidden, match="token is missing or invalid"):
        explicit.create_bucket("never")
    with pytest.raises(Forbidden, match="token is missing or invalid"):
        Client(killable.url, explicit.api.connection.server.token).buckets()
    for client in (found, explicit):
        client.api.connection.close()
