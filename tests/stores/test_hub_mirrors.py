"""Mirrors that have a part of the hub's API: what is missing is found out once, and told or done without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.demo.hub import HubStandIn
from odhtec_jupyter.demo.repository import Repository
from odhtec_jupyter.errors import GatedRepository
from odhtec_jupyter.models import HubRepo
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.hub import HubStore

TOKEN = "hf_reader"


@pytest.fixture
def store(hub: HubStandIn) -> Iterator[HubStore]:
    made = HubStore(HubConnection(hub.endpoint), Network())
    yield made
    made.close()


def look(store: HubStore, repo: str = "org/name", **more: Any) -> HubRepo:
    return store.repo(repo, **{"repo_type": "model", "revision": "main"} | more)


def asked(hub: HubStandIn, part: str) -> int:
    return sum(part in request.path for request in hub.traffic.seen("hub"))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_hub_without_auth_check_is_asked_for_it_once(store: HubStore, hub: HubStandIn, status: int) -> None:
    hub.add(Repository("org/name")).commit({"a": b"a"})
    hub.mirror.missing["auth-check"] = status
    for _ in range(3):
        store.require_access(look(store))
    assert asked(hub, "auth-check") == 1


def test_first_file_tells_whether_a_gated_repository_can_be_read_without_auth_check(
    store: HubStore, hub: HubStandIn
) -> None:
    files = {"empty": b"", "small.txt": b"small", "large.bin": b"x" * 1000}
    hub.add(Repository("org/name", gated="manual", accepted=frozenset({TOKEN}))).commit(files)
    hub.mirror.missing["auth-check"] = 404
    found = look(store)
    assert not found.accessible
    with pytest.raises(GatedRepository, match="accept its terms"):
        store.require_access(found)
    found = look(store, token=TOKEN)
    assert found.accessible
    store.require_access(found, TOKEN)


def test_refusal_with_a_reason_is_no_missing_auth_check(store: HubStore, hub: HubStandIn) -> None:
    hub.add(Repository("org/name", gated="manual", accepted=frozenset({TOKEN}))).commit({"a": b"a"})
    with pytest.raises(GatedRepository):
        store.require_access(look(store))
    assert store.abilities.auth_check
