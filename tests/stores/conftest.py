"""An S3 store, objects with unusual keys, and stores with scripted replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import OddStore
from tests.scripted_store import Answer, ScriptedStore
from tests.stores.s3.awkward import AWKWARD, ODD

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def untimed_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let steps of searches and counts end after a number of pages only, not after a time."""
    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_SECONDS", float("inf"))


@pytest.fixture
def store(s3_server: Any) -> Iterator[S3Store]:
    made = S3Store(
        S3Connection(
            s3_server.endpoint_url, None, s3_server.region, s3_server.access_key_id, s3_server.secret_access_key
        ),
        Network(ca_bundles=(s3_server.ca_bundle,) if s3_server.ca_bundle else ()),
    )
    yield made
    made.close()


@pytest.fixture
def keys(s3_server: Any, s3_client: S3Client, bucket: str) -> list[str]:
    """The keys of stored objects whose names are unusual."""
    every = AWKWARD + ([] if s3_server.name == "moto" else ODD)
    for number, key in enumerate(every):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x" * number)
    return every


@pytest.fixture
def script() -> Iterator[Callable[[Answer], ScriptedStore]]:
    """A function that starts a store with scripted replies."""
    running: list[ScriptedStore] = []

    def start(answer: Answer) -> ScriptedStore:
        running.append(ScriptedStore(answer).__enter__())
        return running[-1]

    yield start
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def odd() -> Iterator[OddStore]:
    """An S3 server whose replies a test can change."""
    with OddStore() as running:
        yield running
