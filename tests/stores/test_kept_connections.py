"""Connections that are used again: each reply belongs to the request that was sent last."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
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
