"""The fault proxy: it changes nothing without rules, and with rules only what they describe."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import S3Server, make_s3_client
from tests.faults.bucket import Bucket
from tests.faults.jupyter import Api, KillableServer
from tests.faults.proxy import Proxy
from tests.faults.rules import Flip, LostReply, Reset, Stall, Status, Truncate
from tests.faults.wire import PIECE

MIB = 1024 * 1024
BODY = bytes(range(256)) * 4000  # a million bytes, more than one piece


class _Echo(BaseHTTPRequestHandler):
    """Replies with the body of the request, and records it in the server."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_PUT(self) -> None:
        body = self._body()
        self.server.came.append(body)  # type: ignore[attr-defined]
        self.send_response(200)
        if "chunked" in self.headers.get("TE", ""):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 100_000):
                piece = body[start : start + 100_000]
                self.wfile.write(b"%x;extension=1\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
        elif "close" in self.headers.get("TE", ""):
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()


class _Upstream(ThreadingHTTPServer):
    came: list[bytes]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # faults tear its connections


@pytest.fixture
def upstream() -> Iterator[_Upstream]:
    server = _Upstream(("127.0.0.1", 0), _Echo)
    server.came = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(upstream: _Upstream) -> Iterator[Proxy]:
    with Proxy(f"http://127.0.0.1:{upstream.server_port}") as made:
        yield made


@pytest.fixture
def connection(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=20)
    yield made
    made.close()


def echo(connection: http.client.HTTPConnection, body: Any = BODY, **headers: str) -> bytes:
    connection.request("PUT", "/bucket/key", body, headers, encode_chunked=not isinstance(body, bytes))
    return connection.getresponse().read()


def pieces() -> Iterator[bytes]:
    yield from (BODY[start : start + 70_000] for start in range(0, len(BODY), 70_000))


@pytest.mark.parametrize("te", ["", "chunked", "close"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_every_framing_is_forwarded(
    proxy: Proxy, connection: http.client.HTTPConnection, te: str, chunked: bool
) -> None:
    headers = {"TE": te, **({"Transfer-Encoding": "chunked"} if chunked else {})}
    for number in (1, 2):
        assert echo(connection, pieces() if chunked else BODY, **headers) == BODY
        exchange = proxy.traffic.seen("put")[-1]
        assert (exchange.number, exchange.sent, exchange.received, exchange.status) == (
            number,
            len(BODY),
            len(BODY),
            200,
        )


def test_head_is_forwarded_and_the_connection_is_kept(proxy: Proxy, connection: http.client.HTTPConnection) -> None:
    sockets = set()
    for _ in range(3):
        connection.request("HEAD", "/bucket/key")
        reply = connection.getresponse()
        assert (reply.read(), reply.headers["Content-Length"]) == (b"", "12345")
        sockets.add(connection.sock)
    assert len(sockets) == 1, "the client's connection is kept"


@pytest.mark.parametrize("after", [0, 1, 500_000, len(BODY)])
def test_request_is_reset_after_its_offset(
    proxy: Proxy, upstream: _Upstream, connection: http.client.HTTPConnection, after: int
) -> None:
    rule = proxy.rules.add(Reset(after), "put")
    with pytest.raises(ConnectionError):
        echo(connection)
    assert (rule.fired, proxy.traffic.sent()) == (1, after)
    assert all(len(body) == after for body in upstream.came), "the upstream gets only forwarded bytes"
    connection.close()
    assert echo(connection) == BODY, "the rule applies only once"


@pytest.mark.parametrize("after", [0, 500_000])
def test_reply_is_reset_after_its_offset(
    proxy: Proxy, upstream: _Upstream, connection: http.client.HTTPConnection, after: int
) -> None:
    proxy.rules.add(Reset(after, "reply"))
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        echo(connection)
    assert upstream.came == [BODY], "the upstream has processed the request"
    assert proxy.traffic.received() == after


@pytest.mark.parametrize("after", [0, 500_000])
def test_reply_is_truncated(proxy: Proxy, connection: http.client.HTTPConnection, after: int) -> None:
    proxy.rules.add(Truncate(after))
    expected = http.client.IncompleteRead if after else http.client.RemoteDisconnected
    with pytest.raises(expected) as caught:
        echo(connection)
    if isinstance(caught.value, http.client.IncompleteRead):
        assert caught.value.partial == BODY[:after]


@pytest.mark.parametrize("at", [0, PIECE, 777_777, len(BODY) - 1])
def test_byte_is_flipped(proxy: Proxy, upstream: _Upstream, connection: http.client.HTTPConnection, at: int) -> None:
    wrong = bytearray(BODY)
    wrong[at] ^= 0xFF
    proxy.rules.add(Flip(at))
    assert echo(connection) == wrong
    assert upstream.came == [BODY]
    proxy.rules.add(Flip(at, "request"))
    echo(connection)
    assert upstream.came[-1] == wrong


def test_fault_beyond_the_end_is_ignored(proxy: Proxy, connection: http.client.HTTPConnection) -> None:
    rules = [proxy.rules.add(action) for action in (Reset(len(BODY) + 1), Flip(len(BODY)), Truncate(2 * len(BODY)))]
    for rule in rules:
        assert echo(connection) == BODY
        assert (rule.matched, rule.fired) == (1, 0)


def test_proxy_replies_with_the_given_status(
    proxy: Proxy, upstream: _Upstream, connection: http.client.HTTPConnection
) -> None:
    proxy.rules.add(Status(503, "SlowDown", retry_after=7), times=2)
    connection.request("PUT", "/bucket/key", BODY)
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Retry-After"]) == (503, "7")
    assert b"<Code>SlowDown</Code>" in reply.read()
    connection.request("HEAD", "/bucket/key")
    reply = connection.getresponse()
    assert (reply.status, reply.read()) == (503, b"")
    assert (upstream.came, proxy.traffic.sent()) == ([], 0)
    assert echo(connection) == BODY, "on the same connection"


def test_reply_is_lost_after_the_upstream_has_processed_the_request(
    proxy: Proxy, upstream: _Upstream, connection: http.client.HTTPConnection
) -> None:
    proxy.rules.add(LostReply())
    with pytest.raises(ConnectionError):
        echo(connection)
    assert (upstream.came, proxy.traffic.received()) == ([BODY], 0)


@pytest.mark.parametrize("action", [Stall(), Stall(300_000), Stall(0, "reply"), Stall(300_000, "reply")], ids=str)
@pytest.mark.parametrize("resumes", [True, False], ids=["released", "dropped"])
def test_stall_lasts_until_released_or_dropped(
    proxy: Proxy, connection: http.client.HTTPConnection, action: Stall, resumes: bool
) -> None:
    rule = proxy.rules.add(action)
    came: list[object] = []

    def send() -> None:
        try:
            came.append(echo(connection))
        except (ConnectionError, http.client.IncompleteRead) as error:
            came.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert rule.wait()
    moved = proxy.traffic.sent() if action.of == "request" else proxy.traffic.received()
    assert (moved, came) == (action.after, [])
    if resumes:
        rule.release()
    else:
        rule.drop()
    thread.join()
    assert (came == [BODY]) is resumes


def test_rules_select_requests(proxy: Proxy, connection: http.client.HTTPConnection) -> None:
    def statuses(count: int) -> list[int]:
        found = []
        for _ in range(count):
            connection.request("PUT", "/bucket/a/key?partNumber=3&uploadId=u", b"x")
            reply = connection.getresponse()
            reply.read()
            found.append(reply.status)
        proxy.clear()
        return found

    proxy.rules.add(Status(), "part", nth=2, times=None)
    assert statuses(4) == [200, 503, 200, 200]
    proxy.rules.add(Status(), path=r"^/bucket/a/.*partNumber=3", every=2, times=None)
    assert statuses(5) == [200, 503, 200, 503, 200]
    proxy.rules.add(Status(), "complete", times=None)
    proxy.rules.add(Status(), where=lambda one: one.query["partNumber"] == "4", times=None)
    assert statuses(2) == [200, 200]
    proxy.rules.add(Status(), chance=0.5, times=None, seed=4)
    first = statuses(12)
    proxy.rules.add(Status(), chance=0.5, times=None, seed=4)
    assert set(first) == {200, 503}
    assert statuses(12) == first, "the same seed draws the same faults"


# --- in front of S3 and the hub --------------------------------------------------------------------------------------


@pytest.fixture
def through(s3_server: S3Server, s3_proxy: Proxy) -> Iterator[Any]:
    """A boto3 client with the proxy as its endpoint."""
    client = make_s3_client(replace(s3_server, endpoint_url=s3_proxy.url))
    yield client
    client.close()


def test_large_object_passes_to_s3_unchanged(s3_proxy: Proxy, through: Any, s3_bucket: Bucket) -> None:
    size, step = 24 * MIB, 6 * MIB
    content = SyntheticContent(size, seed=1)
    upload = through.create_multipart_upload(Bucket=s3_bucket.name, Key="日本 a+b%2F.bin")["UploadId"]
    target = {"Bucket": s3_bucket.name, "Key": "日本 a+b%2F.bin", "UploadId": upload}
    parts = []
    for number in range(1, 5):
        body = content.read((number - 1) * step, number * step)
        parts.append(
            {"PartNumber": number, "ETag": through.upload_part(**target, PartNumber=number, Body=body)["ETag"]}
        )
    through.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    assert s3_bucket.contents() == {"日本 a+b%2F.bin": content.sha256}
    assert Bucket(through, s3_bucket.name).contents() == s3_bucket.contents()
    assert [one.kind for one in s3_proxy.traffic.seen()] == ["create", *["part"] * 4, "complete", "list", "get"]
    assert s3_proxy.traffic.parts() == {(upload, number): step for number in range(1, 5)}
    assert s3_proxy.traffic.received("get") == size
    assert s3_proxy.traffic.sent_twice({"日本 a+b%2F.bin": size}) == 0
    assert s3_proxy.traffic.sent_twice({"日本 a+b%2F.bin": size - step}) == step


def test_boto3_understands_our_refusals(s3_proxy: Proxy, through: Any, s3_bucket: Bucket) -> None:
    s3_proxy.rules.add(Status(403, "AccessDenied"), "put")
    with pytest.raises(ClientError, match="AccessDenied"):
        through.put_object(Bucket=s3_bucket.name, Key="key", Body=b"x" * MIB)
    s3_proxy.rules.add(Status(503, "SlowDown"), "put")
    through.put_object(Bucket=s3_bucket.name, Key="key", Body=b"x" * MIB)
    assert s3_bucket.contents() == {"key": hashlib.sha256(b"x" * MIB).hexdigest()}


def test_both_hosts_of_the_hub_are_behind_proxies(
    hub: HubStandIn, hub_proxy: Proxy, cdn_proxy: Proxy, tmp_path: Path
) -> None:
    from huggingface_hub import HfApi

    repository = hub.add(Repository("org/model"))
    commit = repository.commit({"large.bin": SyntheticContent(12 * MIB, seed=2), "config.json": b"{}"})
    api = HfApi(endpoint=hub_proxy.url, token=False)
    assert api.repo_info("org/model").sha == commit.sha
    path = api.hf_hub_download("org/model", "large.bin", cache_dir=tmp_path)
    with open(path, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == commit.files["large.bin"].content.sha256
    assert {one.kind for one in hub_proxy.traffic.seen()} == {"api", "resolve"}
    assert {one.kind for one in cdn_proxy.traffic.seen()} == {"cdn"}
    assert cdn_proxy.traffic.received() == 12 * MIB


def test_killed_server_restarts_at_the_same_address(server: KillableServer, api: Api) -> None:
    url, pid = server.url, server.pid
    note = server.work / "note.txt"
    note.write_text("kept")
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        api.transfers()
    server.start()
    assert (server.url, note.read_text(), server.pid != pid) == (url, "kept", True)
    assert api.transfers() == []
