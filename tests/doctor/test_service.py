"""Addresses that are not S3 services, and clocks that differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.doctor.conftest import Examine
from tests.loopback import LoopbackServer, QuietHandler
from tests.odd_store import OddStore, failure


class Console(QuietHandler):
    """The web page of a console."""

    def do_GET(self) -> None:
        body = b"<!DOCTYPE html><html><body>Sign in</body></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_web_page_is_named(examine: Examine) -> None:
    with LoopbackServer(Console) as server:
        found = examine(server.url)
    assert found.line("service") == (
        "failed",
        f"127.0.0.1:{server.port} answered with a web page, so it is not an S3 service. Enter the address of the S3 API"
        " as the endpoint, not of a console, and check whether a proxy or a login page answers instead.",
    )
    assert found.failed == ["service"]


class Hangs(QuietHandler):
    """A server that ends each connection without a reply."""

    def handle(self) -> None:
        self.request.recv(100)


def test_service_that_sends_no_reply_is_named(examine: Examine) -> None:
    with LoopbackServer(Hangs) as server:
        found = examine(server.url)
    assert found.failed == ["service"]
    assert f"Check whether 127.0.0.1:{server.port} is the address of an S3 service." in found["service"].message


def test_busy_store_is_named(examine: Examine, odd_store: OddStore) -> None:
    odd_store.refuse = lambda request: failure(503, "SlowDown")
    assert examine(odd_store.endpoint).line("service") == ("failed", "The S3 store is busy. Try again later.")


def with_clock(store: OddStore, ahead: timedelta) -> None:
    def date(self: Any, timestamp: float | None = None) -> str:
        return format_datetime(datetime.now(UTC) + ahead, usegmt=True)

    store._server.RequestHandlerClass.date_time_string = date  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ahead", "line"),
    [
        (timedelta(0), ("ok", "The clocks of this server and of the store agree.")),
        (
            timedelta(minutes=20),
            (
                "failed",
                "The clock of this server is 20 minutes behind that of the store. S3 accepts up to 15 minutes: correct"
                " the one that is wrong.",
            ),
        ),
        (
            timedelta(hours=-3),
            (
                "failed",
                "The clock of this server is 3 hours ahead of that of the store. S3 accepts up to 15 minutes: correct"
                " the one that is wrong.",
            ),
        ),
        (
            timedelta(minutes=5),
            (
                "warning",
                "The clock of this server is 5 minutes behind that of the store. Correct the one that is wrong: S3"
                " refuses requests from 15 minutes on.",
            ),
        ),
    ],
)
def test_difference_of_the_clocks_is_named(
    examine: Examine, odd_store: OddStore, ahead: timedelta, line: tuple[str, str]
) -> None:
    with_clock(odd_store, ahead)
    assert examine(odd_store.endpoint).line("clock") == line


def test_refusal_because_of_the_clock_is_named_where_the_store_sends_no_time(
    examine: Examine, odd_store: OddStore
) -> None:
    odd_store._server.RequestHandlerClass.date_time_string = lambda *_: "no date"  # type: ignore[attr-defined]
    assert examine(odd_store.endpoint)["clock"].status == "skipped"
    odd_store.refuse = lambda request: failure(403, "RequestTimeTooSkewed")
    found = examine(odd_store.endpoint)
    assert found.line("clock") == (
        "failed",
        "The store refuses requests because its clock and that of this server differ by more than 15 minutes. Correct"
        " the one that is wrong.",
    )
