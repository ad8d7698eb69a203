"""A server whose policy a test can replace, in front of a store and a hub that record requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.services import Services
from tests.odd_store import OddStore, Request

SIZE = 20  # bytes of the objects and of each upload
Switch = Callable[[Policy], None]


@pytest.fixture
def store(odd_store: OddStore) -> OddStore:
    """The store, with an object in each of two buckets."""
    odd_store.buckets["other"] = {}
    odd_store.put("folder/a.txt", b"a" * SIZE)
    return odd_store


@pytest.fixture
def repo(hf: Any) -> Repository:
    """The repository ``org/model`` with one file."""
    repository: Repository = hf.add(Repository("org/model"))
    repository.commit({"model.bin": b"m" * SIZE})
    return repository


@pytest.fixture
def server(repo: Repository, store: OddStore, odd_api: Any, jp_serverapp: Any) -> Services:
    """The services of the server behind ``odd_api``."""
    found: Services = jp_serverapp.extension_manager.extension_points["odhtec_jupyter"].app.services
    return found


@pytest.fixture
def switch(server: Services) -> Switch:
    """A function that replaces the policy, as if the server had been started again with it."""

    def replace_policy(policy: Policy) -> None:
        server.settings.__dict__["policy"] = policy
        server.connections.expire()

    return replace_policy


async def settled(server: Services) -> None:
    """Wait until the transfers that a request has started have ended or are paused."""
    while tasks := [task for task in server.transfers._tasks.values() if not task.done()]:
        for task in tasks:
            try:
                await task
            except Exception:
                continue


def leaks(trait: str, seen: list[Request]) -> list[Request]:
    """Return the requests that a policy should have prevented: it denies the endpoint, or ``bucket``, or writing."""
    if trait == "allowed_endpoints":
        return seen
    if trait == "allowed_buckets":
        return [one for one in seen if "bucket" in {one.bucket, _copied_from(one)}]
    if trait == "read_only":
        return [one for one in seen if one.method not in {"GET", "HEAD"}]
    if trait == "max_object_bytes":
        return [one for one in seen if len(one.body) >= SIZE and one.method == "PUT"]
    return []


def _copied_from(request: Request) -> str:
    return unquote(request.headers.get("x-amz-copy-source", "")).lstrip("/").partition("/")[0]
