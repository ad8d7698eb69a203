"""A relay between the browser and Jupyter whose connections a test can break at any moment."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from types import TracebackType
from typing import BinaryIO, Self

BLOCK = 256 * 1024
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)
PAGE = b"<html><head><title>413 Request Entity Too Large</title></head></html>"


class Relay:
    """Relays bytes in both directions. :meth:`cut` ends all connections and refuses others until :meth:`restore`."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._up = True
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, name="relay")]

    def cut(self) -> None:
        with self._guard:
            self._up = False
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self._up = True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._guard:
                if not self._up:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open |= {near, far}
            pair = [
                threading.Thread(target=self._send_on, args=(near, far)),
                threading.Thread(target=self._pump, args=(far, near)),
            ]
            self._threads += pair
            for thread in pair:
                thread.start()

    def _send_on(self, near: socket.socket, far: socket.socket) -> None:
        self._pump(near, far)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BLOCK):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._open):
            end.close()


def _head(requests: BinaryIO) -> bytes:
    """Return the head of a request, or nothing at the end of the connection."""
    lines = []
    while (line := requests.readline()) not in {b"", b"\r\n"}:
        lines.append(line)
    return b"".join(lines)


class LimitingRelay(Relay):
    """A proxy that refuses requests whose body is larger than ``limit``, as nginx does."""

    def __init__(self, port: int, limit: int) -> None:
        super().__init__(port)
        self.limit = limit
        self.refused = 0
        self.largest = 0  # body that was let through, in bytes

    def _send_on(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError), near.makefile("rb") as requests:
            while head := _head(requests):
                found = LENGTH.search(head)
                left = int(found[1]) if found else 0
                is_refused = left > self.limit
                if is_refused:
                    self.refused += 1
                    answer = f"HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: {len(PAGE)}\r\n\r\n"
                    near.sendall(answer.encode() + PAGE)
                else:
                    self.largest = max(self.largest, left)
                    far.sendall(head + b"\r\n")
                while left and (data := requests.read1(min(left, BLOCK))):
                    left -= len(data)
                    if not is_refused:
                        far.sendall(data)
                if b"\r\nupgrade: websocket" in head.lower():
                    while data := requests.read1(BLOCK):
                        far.sendall(data)
                    break
        self._pump(near, far)  # closes both
