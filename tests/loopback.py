"""HTTP servers of tests on the loopback interface."""

from __future__ import annotations

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that keeps connections open and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _HttpServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except those of clients that disconnect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class LoopbackServer:
    """An HTTP server that runs in threads during its ``with`` block."""

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        *,
        ends_answers: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``ends_answers``: the end of the block waits until all replies are sent. ``tls``: for https."""
        self._server = _HttpServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = not ends_answers
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"  # without a slash at the end
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
