"""The shared part of both servers of the hub stand-in: options, records, faults, and sending of bodies."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from odhtec_jupyter.demo.content import Content, FileContent
from odhtec_jupyter.demo.hub.faults import Cut, Faults, Halt, Host, Refuse, WrongByte
from odhtec_jupyter.demo.hub.mirror import Mirror
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.traffic import Request, Traffic
from odhtec_jupyter.models import RepoType

_THROTTLED_PIECE = 64 * 1024
_SLOW_FACTOR = 10


@dataclass
class Service:
    """The shared state of both servers."""

    tokens: dict[str, str]
    page_size: int
    bytes_per_second: float | None
    latency: float
    link_seconds: float
    slow_every: int | None = None  # of so many connections to the host of large files, one has a tenth of the speed
    clock: Callable[[], float] = time.time  # for the expiry of links
    repositories: dict[tuple[RepoType, str], Repository] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    mirror: Mirror = field(default_factory=Mirror)
    traffic: Traffic = field(default_factory=Traffic)
    connections: Iterator[int] = field(default_factory=itertools.count)  # numbers for those to the host of large files
    closing: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""
    cdn_endpoint: str = ""
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def user_of(self, token: str) -> str | None:
        """Return the user of a token, or None."""
        if token in self.tokens:
            return self.tokens[token]
        return "reader" if any(token in r.accepted for r in self.repositories.values()) else None

    def signature(self, path: str, expires: str) -> str:
        """Return the signature of a link to a large file, valid for one path until ``expires``."""
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


class RefusedError(Exception):
    """Ends a request with an error reply. A ``bare`` reply has only a status."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        retry_after: int | None = None,
        *,
        bare: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after, self.bare = status, code, retry_after, bare


class Handler(BaseHTTPRequestHandler):
    """The base class of both request handlers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    host: Host

    @property
    def service(self) -> Service:
        """The shared state."""
        return cast(Service, self.server.service)  # type: ignore[attr-defined]

    def setup(self) -> None:
        """Decide how fast this connection is."""
        super().setup()
        every, is_limited = self.service.slow_every, bool(self.service.bytes_per_second)
        # The second of each group is the slow one: a first connection alone has nothing to be compared with.
        is_slow = is_limited and every and self.host == "cdn" and next(self.service.connections) % every == 1
        self._slowness = _SLOW_FACTOR if is_slow else 1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the traffic is recorded."""

    def do_GET(self) -> None:
        """Handle a request."""
        self._handle()

    do_HEAD = do_POST = do_GET  # noqa: N815 - the base class's names

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.raw_path, self.url_path, self.query = url.path, unquote(url.path), parse_qs(url.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.status, self.sent = 0, 0
        if self.service.latency:
            self.service.closing.wait(self.service.latency)
        self.service.traffic.begin()
        try:
            refuse = self.service.faults.take(Refuse, self.host, self.command, self.url_path)
            if refuse is not None:
                raise RefusedError(refuse.status, refuse.message, refuse.code, refuse.retry_after)
            self.answer()
        except RefusedError as refusal:
            self.refuse(refusal)
        except OSError:
            self.close_connection = True
        finally:
            self.service.traffic.add(
                Request(
                    self.host,
                    self.command,
                    self.url_path,
                    url.query,
                    self.headers.get("Range"),
                    self.headers.get("Authorization"),
                    self.headers.get("User-Agent"),
                    self.status,
                    self.sent,
                )
            )

    def answer(self) -> None:
        """Reply, or raise :class:`RefusedError`."""
        raise NotImplementedError

    def refuse(self, refusal: RefusedError) -> None:
        """Send an error reply."""
        raise NotImplementedError

    def reply(self, status: int, headers: dict[str, str], content: Content | None = None) -> None:
        """Send a complete reply."""
        self._begin(status, headers | {"Content-Length": str(content.size if content else 0)})
        if content is not None:
            self._send(content, 0, content.size)

    def send_content(self, content: Content, headers: dict[str, str], etag: str) -> None:
        """Send content, with support for conditional and range requests."""
        ranges = self.service.mirror.ranges or self.host == "hub"
        headers = headers | {"ETag": etag} | ({"Accept-Ranges": "bytes"} if ranges else {})
        if self.headers.get("If-None-Match") == etag:
            self.reply(304, headers)
            return
        if self.headers.get("If-Match") not in (None, "*", etag):
            raise RefusedError(412, "The file has changed.")
        start, stop, status = 0, content.size, 200
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if ranges and asked and any(asked.groups()) and self.headers.get("If-Range") in (None, etag):
            first, last = asked.groups()
            if first:
                start, stop = int(first), min(int(last) + 1 if last else content.size, content.size)
            else:
                start = max(0, content.size - int(last))
            if start >= stop:
                self.reply(416, headers | {"Content-Range": f"bytes */{content.size}"})
                return
            status = 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.size}"
        self._begin(status, headers | {"Content-Length": str(stop - start)})
        self._send(content, start, stop)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, content: Content, start: int, stop: int) -> None:
        if self.command == "HEAD":
            return
        faults, span = self.service.faults, (start, stop)
        cut = faults.take(Cut, self.host, self.command, self.url_path, span)
        wrong = faults.take(WrongByte, self.host, self.command, self.url_path, span)
        halt = faults.take(Halt, self.host, self.command, self.url_path, span)
        # The limit of now: a connection that is kept is as fast as a new one.
        rate = self.service.bytes_per_second and self.service.bytes_per_second / self._slowness
        if cut is not None:
            stop = start + cut.after
        if isinstance(content, FileContent) and wrong is None and halt is None and rate is None:
            with content.path.open("rb") as file:
                self.sent += self.connection.sendfile(file, start, stop - start)
        else:
            chunks: Iterable[memoryview] = content.chunks(start, stop)
            if wrong is not None:
                chunks = _with_wrong_byte(chunks, wrong.at - start)
            if halt is not None:
                chunks = _halted(chunks, max(0, halt.at - start), halt.over)
            self._send_chunks(chunks, rate)
        if cut is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send_chunks(self, chunks: Iterable[memoryview], rate: float | None) -> None:
        if rate is None:
            for chunk in chunks:
                self.connection.sendall(chunk)
                self.sent += len(chunk)
            return
        began = time.monotonic()
        for chunk in chunks:
            for low in range(0, len(chunk), _THROTTLED_PIECE):
                piece = chunk[low : low + _THROTTLED_PIECE]
                self.connection.sendall(piece)
                self.sent += len(piece)
                if self.service.closing.wait(max(0.0, began + self.sent / rate - time.monotonic())):
                    raise ConnectionAbortedError


def _with_wrong_byte(chunks: Iterable[memoryview], at: int) -> Iterator[memoryview]:
    for chunk in chunks:
        if 0 <= at < len(chunk):
            changed = bytearray(chunk)
            changed[at] ^= 0xFF
            yield memoryview(changed)
        else:
            yield chunk
        at -= len(chunk)


def _halted(chunks: Iterable[memoryview], at: int, over: threading.Event) -> Iterator[memoryview]:
    for chunk in chunks:
        if 0 <= at < len(chunk):
            yield chunk[:at]
            over.wait()
            yield chunk[at:]
        else:
            yield chunk
        at -= len(chunk)
