"""Connections that are used again: each reply belongs to the request that was sent last."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from odhtec_jupyter.errors import StoreError, Unreachable
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub.source import HubSource
from odhtec_jupyter.stores.s3.connection.clients import MAX_REGIONS
from odhtec_jupyter.stores.s3.store import S3Store
from tests.stores.s3.writing import put

DATE = b"Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT\r\n"


def reply(body: bytes = b"", *, status: str = "200 OK", headers: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n%s\r\n%s" % (status.encode(), DATE, size, headers, body)


class RawServer:
    """Sends the bytes that ``answer`` returns for the method and the target of a request, unchanged."""

    def __init__(self, answer: Callable[[str, str], bytes]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        self.connections = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if not self.endpoint:
                connection.close()
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as received:
            while line := received.readline().decode():
                method, target, _ = line.split(" ", 2)
                length = 0
                while (header := received.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                received.read(length)
                self.requests.append(f"{method} {target}")
                try:
                    connection.sendall(self._answer(method, target))
                except OSError:
                    return

    def close(self) -> None:
        address = self._listener.getsockname()
        self.endpoint = ""
        socket.create_connection(address).close()
        self._accepting.join()
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[RawServer, S3Store]]]:
    """A function that starts a server and returns it with a store of its endpoint."""
    running: list[Any] = []

    def start(answer: Callable[[str, str], bytes]) -> tuple[RawServer, S3Store]:
        server = RawServer(answer)
        store = S3Store(S3Connection(server.endpoint, None, None, "key", "secret"), Network())
        running.extend([store, server])
        return server, store

    yield start
    for one in running:
        one.close()


Serve = Callable[..., tuple[RawServer, S3Store]]


def test_connection_of_an_empty_object_takes_the_next_request(serve: Serve) -> None:
    """The body is still referenced, as by a download that has ended."""
    server, store = serve(lambda *_: reply(headers=b'ETag: "e"\r\n'))
    body = store.open("bucket", "empty")
    body.close()
    assert put(store, "bucket", "new", b"bytes") == '"e"'
    assert body.status == 200
    assert (server.requests, server.connections) == (["GET /bucket/empty", "PUT /bucket/new"], 1)


def test_connection_of_a_head_takes_the_next_request(serve: Serve) -> None:
    """The replies are still referenced, as while another thread reads their headers."""
    server, store = serve(lambda *_: reply(length=7, headers=b'ETag: "e"\r\n'))
    replies: list[Any] = []
    send = store._requests.send
    store._requests.send = lambda *args, **options: replies.append(send(*args, **options)) or replies[-1]  # type: ignore[method-assign, func-returns-value]
    for _ in range(3):
        assert store.head("bucket", "key") is not None
    assert (len(server.requests), server.connections, len(replies)) == (3, 1, 3)


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_reply_after_an_interim_one_is_not_taken_for_the_next(serve: Serve, status: str) -> None:
    late = threading.Event()

    def answer(method: str, target: str) -> bytes:
        if method == "PUT":
            return f"HTTP/1.1 {status}\r\n\r\n".encode()
        late.set()
        return reply(b"own", headers=b'ETag: "own"\r\n')

    server, store = serve(answer)
    with pytest.raises(Unreachable, match="interim"):
        store._requests.send("CopyObject", "PUT", "bucket", "copy", headers={"x-amz-copy-source": "bucket/key"})
    store.open("bucket", "key").close()
    assert late.is_set()
    assert server.connections == 2
    for call in (store.list_buckets, lambda: store.create_multipart("bucket", "key")):  # sent by botocore
        server._answer = lambda *_: f"HTTP/1.1 {status}\r\n\r\n".encode()
        with pytest.raises(Unreachable):
            call()


def test_connection_of_a_chunked_body_with_a_length_is_used_again_after_its_end_mark(serve: Serve) -> None:
    """The length says nothing then: after its last byte follows the end mark."""

    def answer(_: str, target: str) -> bytes:
        if target == "/bucket/both":
            return reply(b"3\r\nabc\r\n0\r\n\r\n", length=3, headers=b'ETag: "e"\r\nTransfer-Encoding: chunked\r\n')
        return reply(b"other", headers=b'ETag: "o"\r\n')

    server, store = serve(answer)
    body = store.open("bucket", "both")
    assert (body.length, body.end, body.is_chunked) == (None, None, True)
    buffer = memoryview(bytearray(3))
    assert (body.readinto(buffer), bytes(buffer)) == (3, b"abc")
    body.close()
    assert put(store, "bucket", "new", b"bytes") == '"o"'
    assert server.connections == 2


@pytest.mark.parametrize("coding", ["chunked ", "gzip, chunked", "gzip"])
def test_marks_between_chunks_are_not_read_as_the_body(serve: Serve, coding: str) -> None:
    server, store = serve(
        lambda *_: (
            b'HTTP/1.1 200 OK\r\nETag: "e"\r\nTransfer-Encoding: %s\r\n\r\n3\r\nabc\r\n0\r\n\r\n' % coding.encode()
        )
    )
    with pytest.raises(Unreachable, match="transfer encoding"):
        store.source("bucket", "key", 3, '"e"').open_range(0, 3)
    assert server.requests == ["GET /bucket/key"] * 2


def test_rest_of_a_range_that_is_too_long_is_not_the_next_reply(serve: Serve) -> None:
    """A hub announces four bytes of the file and sends more, which look like another reply."""

    def answer(_: str, target: str) -> bytes:
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/100\r\nContent-Length: %d\r\n\r\n%s"
        return head % (200, b"long") if target.endswith("long") else head % (4, b"good")

    server, _ = serve(answer)
    http = Http(Network())
    for path, content in (("long", b"long"), ("good", b"good"), ("good", b"good")):
        file = HubFile(path=path, size=100, etag="e" * 64, lfs=True)
        opened = HubSource(http, server.endpoint, "org/model", "model", "c" * 40, file, None, set()).open_range(0, 4)
        buffer = memoryview(bytearray(4))
        assert (opened.readinto(buffer), bytes(buffer)) == (4, content)
        opened.close()
    assert server.connections == 2
    http.close()


@pytest.mark.parametrize("key", ["..", ".", "a/../b", "a/./b", "../../c", "%2E%2E/d", "a/..?x/../y", "...", "a../b"])
def test_key_with_dots_goes_through_a_proxy_unchanged(serve: Serve, key: str) -> None:
    server, _ = serve(lambda *_: reply(headers=b'ETag: "e"\r\n'))
    connection = S3Connection("http://store.example:9000", None, None, "key", "secret")
    store = S3Store(connection, Network(http_proxy=server.endpoint))
    put(store, "bucket", key, b"bytes")
    store.delete_exactly("bucket", key)  # sent by botocore
    store.close()
    for request in server.requests:
        path = request.partition(" http://store.example:9000/")[2]
        assert unquote(path.partition("?")[0]) == f"bucket/{key}"
        assert not {".", ".."} & set(path.split("/"))
    assert len(server.requests) == 2


def test_host_that_is_part_of_its_scheme_is_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = serve(lambda *_: reply())
    create = socket.create_connection
    port = int(server.endpoint.rpartition(":")[2])
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection", lambda _, timeout, **options: create(("127.0.0.1", port), timeout)
    )
    http = Http(Network())
    http.request("GET", "http://t/bucket/key").close()
    assert server.requests == ["GET /bucket/key"]
    http.close()


def test_store_that_names_another_region_in_each_reply_gets_no_client_for_each(serve: Serve) -> None:
    count = iter(range(1_000_000))
    _, store = serve(
        lambda *_: reply(status="400 Bad Request", headers=b"x-amz-bucket-region: region-%d\r\n" % next(count))
    )
    store._clients._clients |= {(f"known-{number}", False, False): store.client() for number in range(MAX_REGIONS - 3)}
    for _ in range(6):
        with pytest.raises(StoreError):
            put(store, "bucket", "key", b"bytes")
    assert len(store._clients._clients) == MAX_REGIONS


def test_empty_object_is_sent_again_for_the_region_that_the_store_names(serve: Serve) -> None:
    answers = iter(
        [
            reply(status="400 Bad Request", headers=b"x-amz-bucket-region: fr-par\r\n"),
            reply(headers=b'ETag: "e"\r\n'),
        ]
    )
    server, store = serve(lambda *_: next(answers))
    assert put(store, "bucket", "folder/", b"") == '"e"'
    assert len(server.requests) == 2
