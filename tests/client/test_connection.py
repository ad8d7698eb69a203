"""A connection that several threads share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from odhtec_jupyter.client.http.connection import Connection
from odhtec_jupyter.client.http.servers import Server
from tests.loopback import LoopbackServer, QuietHandler
from tests.waiting import GIVE_UP_SECONDS


class RestartedServer(LoopbackServer):
    """A server that accepts only the new token. It refuses the old one at ``/slow`` after a success at ``/quick``."""

    def __init__(self) -> None:
        self.slow_requested, self.quick_accepted = threading.Event(), threading.Event()
        restarted = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                known = self.headers["Authorization"] == "token new"
                if known and self.path.endswith("/quick"):
                    restarted.quick_accepted.set()
                elif not known and self.path.endswith("/slow"):
                    restarted.slow_requested.set()
                    restarted.quick_accepted.wait(GIVE_UP_SECONDS)
                self.send_response(200 if known else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()

        super().__init__(Handler)


@pytest.fixture
def restarted() -> Iterator[RestartedServer]:
    with RestartedServer() as server:
        yield server


def test_request_is_retried_with_the_token_that_another_thread_has_found(restarted: RestartedServer) -> None:
    connection = Connection(Server(f"{restarted.url}/", "old"), lambda: Server(f"{restarted.url}/", "new"))
    answers: list[int | Exception] = []

    def send_slow() -> None:
        try:
            answers.append(connection.send("GET", "/slow").status_code)
        except Exception as error:
            answers.append(error)

    slow = threading.Thread(target=send_slow)
    slow.start()
    assert restarted.slow_requested.wait(GIVE_UP_SECONDS)
    assert connection.send("GET", "/quick").status_code == 200
    slow.join()
    assert answers == [200]
    connection.close()
