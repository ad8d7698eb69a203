"""An HTTP server on the loopback interface that answers with more than anybody can keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat

from tests.loopback import LoopbackServer, QuietHandler

# Who reads without a limit gets so much, and the machine of the tests survives it.
MOST = 160 * 1024 * 1024

Reply = tuple[int, dict[str, str], Iterator[bytes]]


class EndlessServer(LoopbackServer):
    """Every request gets what ``answer`` makes of its path; ``sent`` are the bytes of the longest reply."""

    def __init__(self, answer: Callable[[str], Reply]) -> None:
        self.sent = 0
        self.requests: list[str] = []
        server = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.0"  # what ends with the connection needs no length

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

        for verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.reply)
        super().__init__(Handler, ends_answers=True)  # so ``sent`` is true after the block


def endless(start: bytes, entry: bytes) -> Iterator[bytes]:
    """A body that begins like a good one and then repeats an entry for ever."""
    return chain([start], repeat(entry * (1 + 65536 // len(entry))))
