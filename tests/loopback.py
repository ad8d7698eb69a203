"""HTTP servers of tests on the loopback interface."""

from __future__ import annotations

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class QuietHandler(BaseHTTPRequestHandler):
    """Answers over kept connections and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _HttpServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report; anything else is a fault of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class LoopbackServer:
    """Serves with threads of its own while its ``with`` block runs."""

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        *,
        ends_answers: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``ends_answers``: the block's end waits for the answers that are being sent. ``tls``: for https."""
        self._server = _HttpServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = not ends_answers
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"  # without a slash at its end
        if tls:  # the handshake takes place at the first read, in the thread of the connection
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
