"""The report about a connection or the hub, as a model and as text for a support ticket."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from odhtec_jupyter._version import __version__
from odhtec_jupyter.doctor.examination import Examination
from odhtec_jupyter.doctor.hub import HubSubject
from odhtec_jupyter.doctor.steps import HUB_STEPS, S3_STEPS
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import clipped
from odhtec_jupyter.models import CheckStatus, ConnectionCheck, ConnectionTest, HubTest
from odhtec_jupyter.settings import mask
from odhtec_jupyter.visible import visible


def report(subject: Subject, *, log: logging.Logger, gone: threading.Event | None = None) -> ConnectionTest:
    """Test a connection. Blocks for up to a minute. Raises :class:`Cancelled` when ``gone`` is set."""
    started, begin = datetime.now(UTC), time.monotonic()
    checks = Examination(subject, S3_STEPS, log=log, gone=gone).run()
    seconds = round(time.monotonic() - begin, 2)
    name, endpoint = subject.connection.name, mask(subject.connection.s3.endpoint)
    bucket = visible(clipped(subject.bucket, 255)) if subject.bucket else None
    head = [
        f"Connection {name} (source: {subject.connection.source})",
        f"Endpoint {endpoint or 'of Amazon S3'}, bucket {bucket or 'none'}",
    ]
    return ConnectionTest(
        connection=name,
        endpoint=endpoint,
        bucket=bucket,
        status=_worst(checks),
        checks=checks,
        started_at=started,
        seconds=seconds,
        text=_text(head, started, seconds, checks),
    )


def hub_report(subject: HubSubject, *, log: logging.Logger, gone: threading.Event | None = None) -> HubTest:
    """Test the hub. Blocks for up to a minute. Raises :class:`Cancelled` when ``gone`` is set."""
    started, begin = datetime.now(UTC), time.monotonic()
    checks = Examination(subject, HUB_STEPS, log=log, gone=gone).run()
    seconds = round(time.monotonic() - begin, 2)
    endpoint = mask(subject.connection.endpoint) or ""
    repo = visible(clipped(subject.repo, 255)) if subject.repo else None
    head = ["Hugging Face", f"Endpoint {endpoint}, repository {repo or 'none'}"]
    return HubTest(
        endpoint=endpoint,
        repo=repo,
        status=_worst(checks),
        checks=checks,
        started_at=started,
        seconds=seconds,
        text=_text(head, started, seconds, checks),
    )


def _text(head: list[str], started: datetime, seconds: float, checks: list[ConnectionCheck]) -> str:
    about = f"ODH-TEC for Jupyter {__version__}, {started:%Y-%m-%d %H:%M} UTC, {seconds} s"
    return "".join(f"{line}\n" for line in [*head, about, *(f"{c.status:<8} {c.title}: {c.message}" for c in checks)])


def _worst(checks: list[ConnectionCheck]) -> CheckStatus:
    found = {one.status for one in checks}
    return "failed" if "failed" in found else "warning" if "warning" in found else "ok"
