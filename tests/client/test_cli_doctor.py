"""``jupyter odhtec doctor``: reports for people and scripts, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.models import ConnectionRequest
from tests.client.shell import Shell
from tests.conftest import free_port
from tests.marks import on_moto

pytestmark = on_moto


@pytest.fixture
def closed(client: Client) -> Iterator[str]:
    """The name of a connection to a port that refuses connections."""
    client.api.add_connection(
        ConnectionRequest(
            name="closed",
            endpoint=f"http://127.0.0.1:{free_port()}",
            access_key_id="id",
            secret_access_key="HIDDEN",
        )
    )
    yield "closed"
    client.api.remove_connection("closed")


def test_all_connections_are_tested(shell: Shell, closed: str, bucket: str) -> None:
    done = shell("doctor", code=1)
    assert done.stdout.startswith("Connection default (source: environment)\n")
    assert "\nok       Credentials: The store accepts the access key ID " in done.stdout
    assert "\nConnection closed (source: session)\n" in done.stdout
    assert "\nfailed   Connection: Port " in done.stdout
    assert "HIDDEN" not in done.stdout
    assert done.stderr == ""


def test_named_connection_is_tested_and_sets_the_exit_code(shell: Shell, closed: str, bucket: str) -> None:
    for options in ((closed,), ("--connection", closed)):
        done = shell("doctor", *options, code=1)
        assert done.stdout.startswith("Connection closed ")
        assert "Connection default" not in done.stdout
    assert "Connection closed" not in shell("doctor", "default").stdout
    done = shell("doctor", "missing", "default", code=1)
    assert "NoSuchConnection" in done.stderr
    assert done.stdout.startswith("Connection default ")


def test_writing_is_tested_on_request(shell: Shell, s3_client: Any, bucket: str) -> None:
    asked: list[Any] = [
        json.loads(shell("doctor", "--json", "default", "--bucket", bucket, *more).stdout)
        for more in ((), ("--write",))
    ]
    states = [{one["id"]: one["status"] for one in report["checks"]} for report in asked]
    assert [one["delete"] for one in states] == ["skipped", "ok"]
    assert asked[1]["bucket"] == bucket
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)
