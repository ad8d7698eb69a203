"""``jupyter odhtec doctor``: reports for people and scripts, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models import ConnectionRequest
from tests.client.shell import Shell
from tests.conftest import free_port
from tests.marks import on_moto


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


@on_moto
def test_all_connections_are_tested(shell: Shell, closed: str, bucket: str) -> None:
    done = shell("doctor", code=1)
    assert done.stdout.startswith("Connection default (source: environment)\n")
    assert "\nok       Credentials: The store accepts the access key ID " in done.stdout
    assert "\nConnection closed (source: session)\n" in done.stdout
    assert "\nfailed   Connection: Port " in done.stdout
    assert "HIDDEN" not in done.stdout
    assert done.stderr == ""


@on_moto
def test_named_connection_is_tested_and_sets_the_exit_code(shell: Shell, closed: str, bucket: str) -> None:
    for options in ((closed,), ("--connection", closed)):
        done = shell("doctor", *options, code=1)
        assert done.stdout.startswith("Connection closed ")
        assert "Connection default" not in done.stdout
    assert "Connection closed" not in shell("doctor", "default").stdout
    done = shell("doctor", "missing", "default", code=1)
    assert "NoSuchConnection" in done.stderr
    assert done.stdout.startswith("Connection default ")


@on_moto
def test_writing_is_tested_on_request(shell: Shell, s3_client: Any, bucket: str) -> None:
    asked: list[Any] = [
        json.loads(shell("doctor", "--json", "default", "--bucket", bucket, *more).stdout)
        for more in ((), ("--write",))
    ]
    states = [{one["id"]: one["status"] for one in report["checks"]} for report in asked]
    assert [one["delete"] for one in states] == ["skipped", "ok"]
    assert asked[1]["bucket"] == bucket
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)


def test_hub_is_tested_instead_of_the_connections(shell: Shell, server_hub: HubStandIn) -> None:
    server_hub.add(Repository("org/tested")).commit({"a.txt": b"text"})
    done = shell("doctor", "--hub", "--repo", "org/tested")
    assert done.stdout.startswith(f"Hugging Face\nEndpoint {server_hub.endpoint}, repository org/tested\n")
    assert "Connection default" not in done.stdout
    assert json.loads(shell("doctor", "--hub", "--json", "--repo", "org/missing", code=1).stdout)["status"] == "failed"
    assert "--repo is for --hub" in shell("doctor", "--repo", "org/tested", code=1).stderr
