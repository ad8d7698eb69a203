"""An HTTP server on the loopback interface that records requests, for those that must not be sent."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loopback import LoopbackServer, QuietHandler


class Recorder(LoopbackServer):
    """A server that replies to each request with ``status``. ``requests`` has the head of each request as one text."""

    def __init__(self, status: int = 403, headers: Mapping[str, str] | None = None) -> None:
        self.requests: list[str] = []
        recorder = self

        class Handler(QuietHandler):
            def answer(self) -> None:
                recorder.requests.append(f"{self.requestline}\n{self.headers}")
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        for verb in ("GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT"):
            setattr(Handler, f"do_{verb}", Handler.answer)
        super().__init__(Handler)
