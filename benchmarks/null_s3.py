"""An S3 service that drops what it gets and counts it, and makes up what it is asked for: a process of its own.

It takes as little CPU as it can, so that on a small machine it does not stand in the way of what is measured: bodies
are thrown away inside the kernel, and objects are sent out of one block of noise. ``--hash`` reads the bodies and keeps
the SHA-256 of every part, for one pass that shows that the bytes are the right ones.

The key ``synthetic/<size>`` is an object of that size whose bytes are those of ``SyntheticContent(size)``, and
``huge/<name>`` one of ``huge_files.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import re
import socket
import ssl
import sys
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import huge_files

from odhtec_jupyter.demo.content import Content, SyntheticContent

BUFFER = 1024 * 1024
MAX_HEAD = 64 * 1024
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
SYNTHETIC_ETAG = '"00000000000000000000000000000000"'


@dataclass(frozen=True)
class Piece:
    """What one PUT brought: how much, and its SHA-256 where that was asked for."""

    size: int
    sha256: str
    etag: str


@dataclass
class Memory:
    """What came in, without the bytes. Objects and uploads are lists of pieces."""

    hashing: bool
    objects: dict[tuple[str, str], list[Piece]] = field(default_factory=dict)
    uploads: dict[str, dict[int, Piece]] = field(default_factory=dict)
    gets: int = 0
    names: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def size(self, bucket: str, key: str) -> int | None:
        """The size of what is stored, or of what is made up; None when there is nothing."""
        pieces = self.objects.get((bucket, key))
        if pieces is not None:
            return sum(piece.size for piece in pieces)
        content = made_up(key)
        return content.size if content else None

    def report(self) -> bytes:
        """All objects and the pieces they came in, for whoever wants to compare."""
        stored = {
            f"{bucket}/{key}": [[piece.size, piece.sha256] for piece in pieces]
            for (bucket, key), pieces in self.objects.items()
        }
        return json.dumps({"objects": stored, "openUploads": len(self.uploads), "gets": self.gets}).encode()


@lru_cache(maxsize=4)
def synthetic(size: int) -> SyntheticContent:
    """Made once: its noise takes a moment."""
    return SyntheticContent(size)


def made_up(key: str) -> Content | None:
    """The bytes of an object that nobody has sent."""
    kind, _, name = key.partition("/")
    if kind == "synthetic" and name.isdecimal():
        return synthetic(int(name))
    return huge_files.content(name) if kind == "huge" and name in huge_files.FILES else None


class Connection:
    """One kept-alive connection; runs in a thread."""

    def __init__(self, sock: socket.socket, memory: Memory, tls: ssl.SSLContext | None) -> None:
        self._socket = sock
        self._tls = tls
        self._memory = memory
        self._buffer = bytearray(BUFFER)
        self._filled = 0

    def serve(self) -> None:
        """Answer until the other side goes away."""
        if self._tls:
            try:
                self._socket = self._tls.wrap_socket(self._socket, server_side=True)
            except OSError:
                return  # a client that was stopped
        with self._socket:
            try:
                while self._read_head():
                    self._answer()
            except OSError:
                pass  # a client that was stopped

    # --- reading --------------------------------------------------------------------------------------------------

    def _read_head(self) -> bool:
        while (end := self._buffer.find(b"\r\n\r\n", 0, self._filled)) < 0:
            count = self._socket.recv_into(memoryview(self._buffer)[self._filled : MAX_HEAD])
            if not count:
                return False
            self._filled += count
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._method, target, _ = lines[0].split(" ")
        self._headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        url = urlsplit(target)
        bucket, _, key = url.path.removeprefix("/").partition("/")
        self._bucket, self._key = unquote(bucket), unquote(key)
        self._query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        # What came with the head is the beginning of the body.
        rest = self._filled - end - 4
        self._buffer[:rest] = self._buffer[end + 4 : self._filled]
        self._filled = rest
        self._left = int(self._headers.get("content-length", 0)) - rest
        if self._left > 0 and "100-continue" in self._headers.get("expect", "").lower():
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _body(self) -> bytes:
        """A small body as it is."""
        data = bytes(self._buffer[: self._filled])
        self._filled = 0
        while self._left > 0:
            more = self._socket.recv(self._left)
            if not more:
                raise ConnectionError
            data += more
            self._left -= len(more)
        return data

    def _drop_body(self) -> Piece:
        """A large body: counted, hashed if that is wanted, and gone."""
        hashing = self._memory.hashing
        digest = hashlib.sha256(memoryview(self._buffer)[: self._filled] if hashing else b"")
        size, self._filled = self._filled, 0
        view = memoryview(self._buffer)
        # Linux throws away what is "truncated" from a TCP stream without copying it here.
        flags = 0 if hashing or self._tls or sys.platform != "linux" else socket.MSG_TRUNC
        while self._left > 0:
            count = self._socket.recv_into(view, min(self._left, BUFFER), flags)
            if not count:
                raise ConnectionError
            if hashing:
                digest.update(view[:count])
            size += count
            self._left -= count
        return Piece(size, digest.hexdigest() if hashing else "", f'"{next(self._memory.names):032x}"')

    # --- answering ------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        if not self._bucket:
            self._reply(200, _buckets())
        elif self._bucket == "-":
            self._reply(200, self._memory.report(), "application/json")
        elif self._method == "PUT":
            self._put()
        elif self._method == "POST":
            self._post()
        elif self._method == "DELETE":
            self._delete()
        elif self._key:
            self._get()
        elif self._method == "HEAD":
            self._reply(200, b"")
        else:
            self._reply(200, self._listing())

    def _put(self) -> None:
        if "transfer-encoding" in self._headers:
            self._refuse(411, "MissingContentLength")
            return
        piece = self._drop_body()
        if upload_id := self._query.get("uploadId"):
            if upload_id not in self._memory.uploads:
                self._refuse(404, "NoSuchUpload")
                return
            self._memory.uploads[upload_id][int(self._query["partNumber"])] = piece
        else:
            self._memory.objects[self._bucket, self._key] = [piece]
        self._reply(200, b"", etag=piece.etag)

    def _post(self) -> None:
        body = self._body().decode()
        if "uploads" in self._query:
            upload_id = f"upload-{next(self._memory.names)}"
            self._memory.uploads[upload_id] = {}
            self._reply(200, self._xml("InitiateMultipartUploadResult", f"<UploadId>{upload_id}</UploadId>"))
            return
        parts = self._memory.uploads.get(self._query.get("uploadId", ""))
        if parts is None:
            self._refuse(404, "NoSuchUpload")
            return
        told = [int(number) for number in re.findall(r"<PartNumber>(\d+)</PartNumber>", body)]
        if told != sorted(parts) or not told:
            self._refuse(400, "InvalidPart")
            return
        self._memory.objects[self._bucket, self._key] = [parts[number] for number in told]
        del self._memory.uploads[self._query["uploadId"]]
        etag = f"<ETag>&quot;{next(self._memory.names):032x}-{len(told)}&quot;</ETag>"
        self._reply(200, self._xml("CompleteMultipartUploadResult", etag))

    def _delete(self) -> None:
        if upload_id := self._query.get("uploadId"):
            self._memory.uploads.pop(upload_id, None)
        else:
            self._memory.objects.pop((self._bucket, self._key), None)
        self._reply(204, b"")

    def _get(self) -> None:
        size = self._memory.size(self._bucket, self._key)
        if size is None:
            self._refuse(404, "NoSuchKey")
            return
        start, stop, status, extra = 0, size, 200, ""
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self._headers.get("range", "")):
            start, stop = int(wanted[1]), min(int(wanted[2] or size) + 1, size)
            status, extra = 206, f"Content-Range: bytes {start}-{stop - 1}/{size}\r\n"
        self._send_head(status, stop - start, "application/octet-stream", SYNTHETIC_ETAG, extra)
        content = made_up(self._key)
        if self._method == "GET" and content is not None:
            self._memory.gets += 1
            for chunk in content.chunks(start, stop):
                # The short stamp on the front of each block waits for the block it belongs to.
                self._send(chunk, more=len(chunk) <= 8)

    def _listing(self) -> bytes:
        prefix = self._query.get("prefix", "")
        keys = sorted(key for bucket, key in self._memory.objects if bucket == self._bucket and key.startswith(prefix))
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(SYNTHETIC_ETAG)}</ETag><Size>{self._memory.size(self._bucket, key)}</Size></Contents>"
            for key in keys[: int(self._query.get("max-keys", 1000))]
        )
        return self._xml(
            "ListBucketResult", f"<Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>{entries}"
        )

    def _xml(self, root: str, inner: str) -> bytes:
        names = f"<Bucket>{escape(self._bucket)}</Bucket><Key>{escape(self._key)}</Key>"
        return f"<?xml version='1.0'?><{root}>{names}{inner}</{root}>".encode()

    def _refuse(self, status: int, code: str) -> None:
        self._body()
        self._reply(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _reply(self, status: int, body: bytes, kind: str = "application/xml", etag: str = "") -> None:
        if self._left > 0 or self._filled:
            self._body()
        self._send_head(status, len(body), kind, etag)
        if self._method != "HEAD":
            self._send(body)

    def _send_head(self, status: int, length: int, kind: str, etag: str, extra: str = "") -> None:
        tag = f"ETag: {etag}\r\n" if etag else ""
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\n{tag}{extra}"
        head += f"Last-Modified: {DATE}\r\nAccept-Ranges: bytes\r\n\r\n"
        self._send(head.encode(), more=bool(length) and self._method != "HEAD")

    def _send(self, data: bytes | memoryview, *, more: bool = False) -> None:
        self._socket.sendall(data, socket.MSG_MORE if more and not self._tls else 0)


def _buckets() -> bytes:
    entries = "<Bucket><Name>bench</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
    return (
        "<?xml version='1.0'?><ListAllMyBucketsResult><Owner><ID>bench</ID></Owner>"
        f"<Buckets>{entries}</Buckets></ListAllMyBucketsResult>"
    ).encode()


def main() -> None:
    """Tell the address on the first line, serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hash", action="store_true", help="read and hash what comes in")
    parser.add_argument("--tls", metavar="FILE", help="serve https with the key and certificate in this file")
    options = parser.parse_args()
    memory, tls = Memory(options.hash), None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(sock, memory, tls).serve, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
