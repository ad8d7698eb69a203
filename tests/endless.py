"""An HTTP server on the loopback interface that answers with more than anybody can keep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from types import TracebackType
from typing import Self

# Who reads without a limit gets so much, and the machine of the tests survives it.
MOST = 160 * 1024 * 1024

Reply = tuple[int, dict[str, str], Iterator[bytes]]


class EndlessServer:
    """Every request gets what ``answer`` makes of its path; ``sent`` are the bytes of the longest reply."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self.sent = 0
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self) -> None:
                if length := int(self.headers.get("Content-Length", 0)):
                    self.rfile.read(length)
                server.requests.append(f"{self.requestline}\n{self.headers}")
                status, headers, pieces = answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                sent = 0
                with suppress(OSError):
                    for piece in pieces:
                        self.wfile.write(piece)
                        sent += len(piece)
                        if sent > MOST:
                            break
                server.sent = max(server.sent, sent)

            def log_message(self, *_: object) -> None:
                pass

        for verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.reply)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()  # waits for what is being sent, so ``sent`` is true


def endless(start: bytes, entry: bytes) -> Iterator[bytes]:
    """A body that begins like a good one and then repeats an entry for ever."""
    return chain([start], repeat(entry * (1 + 65536 // len(entry))))
