"""A Jupyter server in its own process: early refusals, bounded memory, stalled senders, stopping."""

from __future__ import annotations

import hashlib
import re
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.keys import encode_key
from tests.conftest import S3Server, free_port
from tests.faults.jupyter import KillableServer
from tests.faults.proxy import Proxy
from tests.marks import on_moto, on_rgw
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


MIB = 1024 * 1024
GROWTH = 96 * MIB
CHUNK = MIB
LIMIT = 128 * MIB  # bytes of a body for Jupyter's own handlers; the default is 512 MiB
OPTIONS = [f"--ServerApp.max_body_size={LIMIT}"]
ALONE = ["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"]


class Server:
    """The API of a server process, over sockets and requests."""

    def __init__(self, process: JupyterProcess) -> None:
        self._process = process
        self.api = f"{process.url}odhtec/api"
        self.headers = process.headers

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers.update(self.headers)
        return session

    def memory(self, what: str) -> int:
        """Return the present ``VmRSS`` or the maximum ``VmHWM`` of the process in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    def connect(self, method: str, path: str, headers: dict[str, str]) -> socket.socket:
        """Open a connection and send only the head of a request."""
        parts = urlsplit(self.api)
        assert parts.hostname
        assert parts.port
        connection = socket.create_connection((parts.hostname, parts.port), timeout=GIVE_UP_SECONDS)
        lines = [f"{method} {parts.path}{path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    with HubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def server(s3_server: Any, hub: HubStandIn, tmp_path: Path) -> Iterator[Server]:
    env = s3_server.env | {"HF_ENDPOINT": hub.endpoint}
    with KillableServer(tmp_path / "jupyter", env, free_port(), OPTIONS) as process:
        yield Server(process)


def body_of(size: int, seed: int = 0) -> Iterator[bytes]:
    """Yield ``size`` bytes in chunks."""
    for chunk in SyntheticContent(size, seed).chunks(0, size):
        yield bytes(chunk)


class Sized:
    """An iterable body with a length, so that requests sends a Content-Length."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return body_of(self._size)


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server has replied or closed the connection."""
    return bool(select.select([connection], [], [], 0)[0])


@on_moto
def test_unauthorized_upload_is_refused_before_its_body_is_read(server: Server) -> None:
    path = f"/objects/upload/any/{encode_key('key')}"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    forged = {"Cookie": "_xsrf=forged", "X-XSRFToken": "forged"}
    for method, target, headers in (
        ("PUT", path, {}),
        ("PUT", path, forged),
        ("PUT", path, {"Authorization": "token wrong"}),
        ("PUT", path, forged | {"Authorization": "token wrong"}),
        ("POST", path, form | forged),
        ("POST", "/objects/upload/any", form | forged),
    ):
        # None of the 64 MiB is sent: a server that waits for them would never reply.
        with server.connect(method, target, {"Content-Length": str(64 * MIB), **headers}) as connection:
            assert connection.recv(4096).split()[1] == b"403", (method, target, headers)


@on_rgw
def test_body_over_jupyters_limit_is_stored_in_bounded_memory(
    lab_server: Callable[..., JupyterProcess], s3_server: S3Server, s3_client: S3Client, bucket: str
) -> None:
    # Not a forked process, whose shared memory would be counted as well.
    process = lab_server(s3_server.env, app="jupyter_server", options=[*ALONE, *OPTIONS])
    store_and_read(Server(process), s3_client, bucket, LIMIT + 64 * MIB)
    process.stop()


def store_and_read(server: Server, s3_client: S3Client, bucket: str, size: int) -> None:
    with server.session() as session:
        # Libraries that are loaded on first use count as memory of the idle server.
        session.put(f"{server.api}/objects/upload/{bucket}/{encode_key('warm')}", data=b"x").raise_for_status()
        session.get(f"{server.api}/objects/download/{bucket}/{encode_key('warm')}").raise_for_status()
        idle = server.memory("VmRSS")
        reply = session.put(
            f"{server.api}/objects/upload/{bucket}/{encode_key('large')}", data=Sized(size), timeout=GIVE_UP_SECONDS
        )
        assert reply.status_code == 201, reply.text
        assert reply.json()["size"] == size
        uploaded = server.memory("VmHWM") - idle
        assert uploaded < GROWTH
        expected = hashlib.sha256()
        for chunk in body_of(size):
            expected.update(chunk)
        found = hashlib.sha256()
        with session.get(
            f"{server.api}/objects/download/{bucket}/{encode_key('large')}", stream=True, timeout=GIVE_UP_SECONDS
        ) as download:
            assert download.headers["Content-Length"] == str(size)
            for chunk in download.iter_content(CHUNK):
                found.update(chunk)
        assert found.hexdigest() == expected.hexdigest()
        assert server.memory("VmHWM") - idle < GROWTH
    assert s3_client.head_object(Bucket=bucket, Key="large")["ContentLength"] == size
    assert not s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads")


@on_rgw
def test_stalled_senders_do_not_keep_others_waiting(
    server: Server, s3_client: S3Client, bucket: str, hub: HubStandIn
) -> None:
    weights = SyntheticContent(40 * MIB, seed=3)
    hub.add(Repository("org/model")).commit({"weights.bin": weights})
    stalled = []
    try:
        for number in range(8):
            headers = {"Content-Length": str(1024 * MIB), **server.headers}
            path = f"/objects/upload/{bucket}/{encode_key(f'stalled-{number}')}"
            connection = server.connect("PUT", path, headers)
            connection.sendall(b"x" * 100)
            stalled.append(connection)
        with server.session() as session:
            # Small requests never wait. If this one did, the server would first close a stalled connection.
            assert session.get(f"{server.api}/objects/{bucket}", timeout=GIVE_UP_SECONDS).ok
            assert not any(map(is_closed, stalled))
            url = f"{server.api}/objects/upload/{bucket}/{encode_key('normal')}"
            assert session.put(url, data=Sized(20 * MIB), timeout=GIVE_UP_SECONDS).status_code == 201
            body = {"repo": "org/model", "bucket": bucket}
            transfer = session.post(f"{server.api}/objects/import-hf", json=body, timeout=GIVE_UP_SECONDS).json()
            with session.get(f"{server.api}/transfers/events", stream=True, timeout=GIVE_UP_SECONDS) as events:
                quiet = 0
                for line in events.iter_lines(chunk_size=1):
                    if transfer["id"].encode() in line and b'"state":"completed"' in line:
                        break
                    assert b'"state":"failed"' not in line
                    quiet = quiet + 1 if line.startswith(b":") else quiet  # a comment is sent when nothing happens
                    assert quiet < 5, "the import waits for the stalled senders"
    finally:
        for connection in stalled:
            connection.close()
    keys = {entry["Key"]: entry["Size"] for entry in s3_client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {"normal": 20 * MIB, "org/model/weights.bin": 40 * MIB}


@on_rgw
def test_server_that_stops_leaves_no_half_written_upload(
    s3_server: S3Server, s3_client: S3Client, bucket: str, tmp_path: Path
) -> None:
    with Proxy(s3_server.endpoint_url) as s3:
        env = s3_server.env | {"AWS_S3_ENDPOINT": s3.url}
        with KillableServer(tmp_path / "jupyter", env, free_port(), OPTIONS) as process:
            server = Server(process)
            headers = {"Content-Length": str(64 * MIB), **server.headers}
            with server.connect("PUT", f"/objects/upload/{bucket}/{encode_key('key')}", headers) as connection:
                connection.sendall(b"x" * 20 * MIB)
                s3.traffic.wait(lambda: any(one.acknowledged for one in s3.traffic.seen("part")))
                process.stop()
    assert not s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)
