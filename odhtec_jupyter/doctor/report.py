"""The report about a connection, as a model and as text for a support ticket."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from odhtec_jupyter._version import __version__
from odhtec_jupyter.doctor.examination import Examination
from odhtec_jupyter.doctor.steps import STEPS
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.errors import clipped
from odhtec_jupyter.models import CheckStatus, ConnectionTest
from odhtec_jupyter.settings import mask
from odhtec_jupyter.visible import visible


def report(subject: Subject, *, log: logging.Logger, gone: threading.Event | None = None) -> ConnectionTest:
    """Test a connection. Blocks for up to a minute. Raises :class:`Cancelled` when ``gone`` is set."""
    started, begin = datetime.now(UTC), time.monotonic()
    checks = Examination(subject, STEPS, log=log, gone=gone).run()
    seconds = round(time.monotonic() - begin, 2)
    endpoint = mask(subject.connection.s3.endpoint)
    bucket = visible(clipped(subject.bucket, 255)) if subject.bucket else None
    lines = [
        f"Connection {subject.connection.name} (source: {subject.connection.source})",
        f"Endpoint {endpoint or 'of Amazon S3'}, bucket {bucket or 'none'}",
        f"ODH-TEC for Jupyter {__version__}, {started:%Y-%m-%d %H:%M} UTC, {seconds} s",
        *(f"{one.status:<8} {one.title}: {one.message}" for one in checks),
    ]
    return ConnectionTest(
        connection=subject.connection.name,
        endpoint=endpoint,
        bucket=bucket,
        status=_worst(one.status for one in checks),
        checks=checks,
        started_at=started,
        seconds=seconds,
        text="\n".join(lines) + "\n",
    )


def _worst(statuses: Iterable[CheckStatus]) -> CheckStatus:
    found = set(statuses)
    return "failed" if "failed" in found else "warning" if "warning" in found else "ok"
