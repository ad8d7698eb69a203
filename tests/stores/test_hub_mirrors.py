"""Mirrors that have a part of the hub's API: what is missing is found out once, and told or done without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.demo.hub import HubStandIn
from odhtec_jupyter.demo.repository import Repository
from odhtec_jupyter.errors import GatedRepository, OdhTecError
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


MANY = {f"d/{number:03}.txt": b"%d" % number for number in range(150)} | {"weights.bin": b"\0" * 5000}


@pytest.fixture
def many(hub: HubStandIn) -> Repository:
    repository = hub.add(Repository("org/name"))
    repository.commit(MANY)
    return repository


def whole(found: HubRepo, repository: Repository) -> bool:
    commit = repository.at("main")
    assert commit is not None
    told = {file.path: (file.size, file.etag, file.lfs) for file in found.files}
    return told == {path: (file.content.size, file.etag, file.lfs) for path, file in commit.files.items()}


def test_list_that_is_not_whole_is_completed_from_the_description(
    store: HubStore, hub: HubStandIn, many: Repository
) -> None:
    found = look(store)
    assert whole(found, many)
    assert found.note is None
    hub.mirror.tree_entries = 20  # a folder, and files
    found = look(store)
    assert whole(found, many)
    assert found.note is not None
    assert "lists 19 of 151 files" in found.note
    assert found.total_size == sum(map(len, MANY.values()))


def test_description_that_is_not_whole_takes_nothing_away(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.mirror.siblings = 10
    assert whole(look(store), many)


@pytest.mark.parametrize("status", [404, 400, 405])
def test_hub_without_list_is_read_by_its_description(
    store: HubStore, hub: HubStandIn, many: Repository, status: int
) -> None:
    hub.mirror.missing["tree"] = status
    for _ in range(2):
        assert whole(look(store), many)
    assert asked(hub, "/tree/") == 1


def test_files_without_sizes_are_told_and_not_left_out(store: HubStore, hub: HubStandIn, many: Repository) -> None:
    hub.mirror.tree_entries = 20
    hub.mirror.blobs = False
    with pytest.raises(OdhTecError, match="names 132 of 151 files without their size or checksum") as error:
        look(store)
    assert error.value.status == 502
