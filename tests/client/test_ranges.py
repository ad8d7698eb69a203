"""Replies with the bytes of an object that a proxy has changed: sent in chunks, cut off, or with other bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.files import ranges
from odhtec_jupyter.client.files.ranges import ObjectVersion, RangeStream, open_whole
from odhtec_jupyter.errors import NoServer, OdhTecError, VerificationError
from tests.loopback import LoopbackServer, QuietHandler

BODY = bytes(range(200))
ETAG = '"version"'
RANGE = "Content-Range: bytes 50-149/200"


class Replies(LoopbackServer):
    """A server that sends a reply of the test to each GET, and closes the connection."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        script = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                self.close_connection = True
                self.wfile.write(script.waiting.pop(0))

        super().__init__(Handler)
        self.api = Client(self.url, "token").api

    def add(self, status: int, body: bytes, *headers: str) -> None:
        """Add a reply."""
        head = "\r\n".join([f"HTTP/1.1 {status} OK", f"ETag: {ETAG}", *headers, "", ""])
        self.waiting.append(head.encode() + body)

    @property
    def version(self) -> ObjectVersion:
        """The object."""
        return ObjectVersion(self.api, "bucket", "key", len(BODY), ETAG)


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replies]:
    monkeypatch.setattr(ranges, "RETRY_SECONDS", 0)
    with Replies() as server:
        yield server
        server.api.connection.close()


def chunks(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in one chunk."""
    return b"%x\r\n%s\r\n" % (len(body), body) + end


def read(stream: RangeStream) -> bytes:
    with closing(stream):
        found, block = b"", memoryview(bytearray(64))
        while count := stream.readinto(block):
            found += block[:count]
        return found


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"", b"0\r"])
def test_range_in_chunks_is_complete_with_its_last_byte(replies: Replies, end: bytes) -> None:
    replies.add(206, chunks(BODY[50:150], end), CHUNKED, RANGE)
    assert read(replies.version.stream(50, 150)) == BODY[50:150]


def test_whole_object_in_chunks_is_complete_with_the_last_chunk(replies: Replies) -> None:
    replies.add(200, chunks(BODY), CHUNKED)
    assert read(open_whole(replies.api, "bucket", "key", len(BODY))) == BODY
    replies.add(200, chunks(BODY, b""), CHUNKED)
    with pytest.raises(NoServer):
        read(open_whole(replies.api, "bucket", "key", len(BODY)))


def test_range_with_more_bytes_than_requested_is_an_error(replies: Replies) -> None:
    replies.add(206, chunks(BODY[50:]), CHUNKED, RANGE)
    with pytest.raises(VerificationError):
        read(replies.version.stream(50, 150))
    replies.add(206, BODY[50:], "Content-Length: 150", RANGE)
    with pytest.raises(VerificationError):
        read(replies.version.stream(50, 150))


OTHER: dict[str, Callable[[Replies], None]] = {
    "the whole object": lambda replies: replies.add(200, BODY, "Content-Length: 200"),
    "another range": lambda replies: replies.add(
        206, BODY[49:149], "Content-Length: 100", "Content-Range: bytes 49-148/200"
    ),
    "a shorter range": lambda replies: replies.add(
        206, BODY[50:100], "Content-Length: 50", "Content-Range: bytes 50-99/200"
    ),
    "a range of a larger object": lambda replies: replies.add(
        206, BODY[50:150], "Content-Length: 100", "Content-Range: bytes 50-149/201"
    ),
    "no range": lambda replies: replies.add(206, BODY[50:150], "Content-Length: 100"),
}


@pytest.mark.parametrize("other", OTHER)
def test_other_bytes_than_requested_are_an_error(replies: Replies, other: str) -> None:
    OTHER[other](replies)
    with pytest.raises(OdhTecError):
        replies.version.stream(50, 150)


def test_short_range_is_continued_where_it_ended(replies: Replies) -> None:
    replies.add(206, BODY[50:80], "Content-Length: 100", RANGE)
    replies.add(206, BODY[80:150], "Content-Length: 70", "Content-Range: bytes 80-149/200")
    assert read(replies.version.stream(50, 150)) == BODY[50:150]
