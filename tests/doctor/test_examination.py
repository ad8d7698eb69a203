"""The run of the steps: what is skipped, what is late, and what happens when the client disconnects."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.doctor.examination import MAX_MESSAGE, Examination, Step
from odhtec_jupyter.doctor.finding import Finding, failed, ok, skipped
from odhtec_jupyter.doctor.report import report
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import BadRequest, Cancelled
from odhtec_jupyter.models import ConnectionCheck
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from tests.doctor.conftest import LOG
from tests.odd_store import OddStore, Request
from tests.waiting import GIVE_UP_SECONDS


def subject(endpoint: str = "http://127.0.0.1:9", **options: Any) -> Subject:
    s3 = S3Connection(endpoint, default_bucket="bucket", access_key_id="key", secret_access_key="secret")
    return Subject(Connection("default", "environment", s3), Network(), **options)


def run(*steps: Step, **options: Any) -> list[ConnectionCheck]:
    return Examination(subject(), steps, log=LOG, **options).run()


def raising(error: Exception) -> Callable[[Subject], Finding]:
    def step(_: Subject) -> Finding:
        raise error

    return step


def test_steps_that_need_a_failed_one_are_skipped_and_name_the_cause() -> None:
    found = run(
        Step("a", "First", lambda _: failed("Broken.")),
        Step("b", "Second", lambda _: ok("Never."), ("a",)),
        Step("c", "Third", lambda _: ok("Never."), ("b",)),
        Step("d", "Fourth", lambda _: skipped("Not now.")),
        Step("e", "Fifth", lambda _: ok("Done."), ("d",)),
    )
    assert [(one.status, one.message) for one in found] == [
        ("failed", "Broken."),
        ("skipped", "Not tested, because “First” failed."),
        ("skipped", "Not tested, because “First” failed."),
        ("skipped", "Not now."),
        ("ok", "Done."),
    ]


def test_errors_are_failures_and_unexpected_ones_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        known, unknown = run(
            Step("a", "A", raising(BadRequest("A sentence."))), Step("b", "B", raising(ValueError("HIDDEN")))
        )
    assert (known.status, known.message) == ("failed", "A sentence.")
    assert (unknown.status, unknown.message) == (
        "failed",
        "Unexpected error (ValueError). Details are in the server log.",
    )
    assert "The step b of the test of a connection failed." in caplog.text


def test_messages_are_short_and_visible() -> None:
    (found,) = run(Step("a", "A", lambda _: ok("\u202e" + "x" * 2 * MAX_MESSAGE)))
    assert found.message.startswith(r"\u{202E}x")
    assert len(found.message) < MAX_MESSAGE + 10


def test_late_step_fails_and_its_requests_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odhtec_jupyter.doctor.examination.STEP_SECONDS", 0.5)
    ended, released = threading.Event(), threading.Event()

    def hang(request: Request) -> None:
        released.wait()

    def late(one: Subject) -> Finding:
        try:
            one.buckets()
        finally:
            ended.set()
        return ok("Never.")

    with OddStore(refuse=hang) as store:
        try:
            found = Examination(
                subject(store.endpoint), (Step("a", "A", late), Step("b", "B", lambda _: ok("Never."), ("a",))), log=LOG
            ).run()
            assert ended.wait(GIVE_UP_SECONDS)
        finally:
            released.set()
    assert found[0].status == "failed"
    assert found[0].message.startswith("There was no answer in time.")
    assert found[1].status == "skipped"


def test_step_that_cleans_up_runs_after_the_client_has_gone() -> None:
    gone, cleaned = threading.Event(), threading.Event()

    def leave(_: Subject) -> Finding:
        gone.set()
        threading.Event().wait(0.3)
        return ok("Never.")

    def clean(_: Subject) -> Finding:
        cleaned.set()
        return ok("Clean.")

    steps = (Step("a", "A", leave), Step("b", "B", raising(AssertionError())), Step("c", "C", clean, cleans_up=True))
    with pytest.raises(Cancelled):
        Examination(subject(), steps, log=LOG, gone=gone).run()
    assert cleaned.is_set()


def test_object_is_removed_when_the_client_disconnects() -> None:
    gone = threading.Event()

    def leave(request: Request) -> None:
        if "uploads" in request.query:
            gone.set()

    with OddStore(refuse=leave) as store:
        with pytest.raises(Cancelled):
            report(subject(store.endpoint, write=True), log=LOG, gone=gone)
        assert store.count("PUT") == 1
        assert store.objects == {}
