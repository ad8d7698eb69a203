"""An HTTP server on the loopback interface whose replies are too large for any memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat

from tests.loopback import LoopbackServer, QuietHandler

# Bytes sent to a client without a limit: few enough for the machine that runs the tests.
MAX_BYTES = 160 * 1024 * 1024

Reply = tuple[int, dict[str, str], Iterator[bytes]]


class EndlessServer(LoopbackServer):
    """A server that sends the reply of ``answer`` for a path. ``sent`` are the bytes of the longest reply."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self.sent = 0
        self.requests: list[str] = []
        server = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.0"  # the body ends with the connection, so it needs no length

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
                        if sent > MAX_BYTES:
                            break
                server.sent = max(server.sent, sent)

        for verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.reply)
        super().__init__(Handler, ends_answers=True)  # so that ``sent`` is final after the block


def endless(start: bytes, entry: bytes) -> Iterator[bytes]:
    """Return a body that starts with ``start`` and then repeats an entry without end."""
    return chain([start], repeat(entry * (1 + 65536 // len(entry))))
