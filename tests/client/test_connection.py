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


class WithoutToken(LoopbackServer):
    """Sets another XSRF cookie for each request without one, and refuses a header that differs from the cookie."""

    def __init__(self) -> None:
        self.cookies: list[str] = []
        lock = threading.Lock()
        server = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                if "Cookie" not in self.headers:
                    with lock:
                        server.cookies.append(f"value-{len(server.cookies)}")
                        self.send_header("Set-Cookie", f"_xsrf={server.cookies[-1]}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_PUT(self) -> None:
                is_same = self.headers["Cookie"] == f"_xsrf={self.headers['X-XSRFToken']}"
                self.send_response(200 if is_same else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()

        super().__init__(Handler)


def test_threads_without_a_token_share_one_cookie() -> None:
    with WithoutToken() as server:
        connection = Connection(Server(f"{server.url}/", ""))
        together = threading.Barrier(16)
        answers: list[int] = []

        def put() -> None:
            together.wait(GIVE_UP_SECONDS)
            answers.append(connection.send("PUT", "/x", data=b"").status_code)

        threads = [threading.Thread(target=put) for _ in range(16)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert answers == [200] * 16
        assert server.cookies == ["value-0"]
        connection.close()
