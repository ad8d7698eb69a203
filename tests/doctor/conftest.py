"""Connections to test, and their reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.doctor.report import report
from odhtec_jupyter.doctor.subject import Subject
from odhtec_jupyter.models import ConnectionCheck, ConnectionTest
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import remove_ca_files
from tests.odd_store import OddStore

LOG = logging.getLogger("tests.doctor")


class Report:
    """A report, with its lines by their ids."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.test: ConnectionTest = report(subject, log=LOG)

    def __getitem__(self, name: str) -> ConnectionCheck:
        return next(one for one in self.test.checks if one.id == name)

    def line(self, name: str) -> tuple[str, str]:
        """Return status and message of a check."""
        return self[name].status, self[name].message

    @property
    def failed(self) -> list[str]:
        """The checks that have failed."""
        return [one.id for one in self.test.checks if one.status == "failed"]


Examine = Callable[..., Report]


@pytest.fixture
def examine() -> Iterator[Examine]:
    """A function that tests a connection: ``examine(endpoint, bucket=…, write=True)``."""

    def run(
        endpoint: str | None,
        *,
        network: Network | None = None,
        name: str = "default",
        source: str = "environment",
        others: tuple[Connection, ...] = (),
        environ: dict[str, str] | None = None,
        bucket: str | None = None,
        write: bool = False,
        with_account: bool = True,
        error: str | None = None,
        **s3: Any,
    ) -> Report:
        values = S3Connection(endpoint, access_key_id="key-id", secret_access_key="HIDDEN-secret")
        connection = Connection(name, source, replace(values, **s3), error=error)
        found = Report(
            Subject(connection, network or Network(), others, environ or {}, bucket, write, with_account=with_account)
        )
        assert "HIDDEN" not in found.test.model_dump_json()
        return found

    yield run
    remove_ca_files()


@pytest.fixture
def odd_store() -> Iterator[OddStore]:
    """An S3 server whose replies a test can change."""
    with OddStore() as running:
        yield running
