"""``/hub/repo`` and ``/hub/refs``: repositories, branches and tags."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from odhtec_jupyter.demo.hub.faults import Halt, Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.services import CALL_THREADS
from tests.handlers.importing import FILES, TOKEN
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS


@on_moto
async def test_repository_is_described_without_an_import(api: Any, repo: Repository, gated: Repository) -> None:
    shown = await api.ok("GET", "hub/repo", params={"repo": "org/model"})
    assert (shown["commit"], shown["gated"], shown["accessible"]) == (repo.branches["main"], False, True)
    assert {file["path"]: file["size"] for file in shown["files"]} == {name: len(data) for name, data in FILES.items()}
    assert shown["totalSize"] == sum(map(len, FILES.values()))
    shown = await api.ok("GET", "hub/repo", params={"repo": "org/gated"})
    assert (shown["gated"], shown["accessible"]) == (True, False)
    assert (await api.refused(404, "GET", "hub/repo", params={"repo": "org/absent"}))["error"] == "RepoNotFound"
    assert "repo" in (await api.refused(400, "GET", "hub/repo"))["message"]


@on_moto
async def test_branches_and_tags_are_listed_for_users_with_access(
    api: Any, hf: HubStandIn, repo: Repository, bucket: str
) -> None:
    first = repo.branches["main"]
    repo.versions["v1.0"] = first
    other = repo.commit({"new": b"new"}, branch="experiment/x").sha
    shown = await api.ok("GET", "hub/refs", params={"repo": "org/model"})
    assert {ref["name"]: ref["commit"] for ref in shown["branches"]} == {"main": first, "experiment/x": other}
    assert shown["tags"] == [{"name": "v1.0", "commit": first}]
    for ref in (*shown["branches"], *shown["tags"]):
        found = await api.ok("GET", "hub/repo", params={"repo": "org/model", "revision": ref["name"]})
        assert found["commit"] == ref["commit"]

    hf.add(Repository("org/private", private=True, accepted=frozenset({TOKEN}))).commit({"a": b"a"})
    params = {"repo": "org/private", "repoType": "model"}
    assert (await api.refused(404, "GET", "hub/refs", params=params))["error"] == "RepoNotFound"
    assert (await api.ok("GET", "hub/refs", params=params, headers={"X-HF-Token": TOKEN}))["branches"]
    assert "repo" in (await api.refused(400, "GET", "hub/refs"))["message"]
    await api.refused(400, "GET", "hub/refs", params={"repo": "org/model", "repoType": "bucket"})


@on_moto
async def test_rate_limit_is_reported_without_waiting(api: Any, hf: HubStandIn, repo: Repository) -> None:
    hf.inject(Refuse(429, retry_after=57), "*/tree/*", times=None)
    refused = await api.refused(429, "GET", "hub/repo", params={"repo": "org/model"})
    assert "Try again in 57 s" in refused["message"]
    assert sum("/tree/" in request.path for request in hf.traffic.seen("hub")) == 1


@on_moto
async def test_unresponsive_hub_does_not_block_the_list_of_buckets(
    api: Any, hf: HubStandIn, repo: Repository, bucket: str, eventually: Callable[..., Any]
) -> None:
    halt = Halt(0)
    hf.inject(halt, "/api/*", host="hub", times=None)
    # Without api.ok, because tornado's client sends at most ten requests in parallel.
    pending = [await api.raw("GET", f"hub/{what}?repo=org/model", {}) for what in ("repo", *["refs"] * CALL_THREADS)]
    await eventually(lambda: hf.traffic.waiting >= CALL_THREADS)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        assert bucket in {found["Name"] for found in (await api.ok("GET", "buckets"))["buckets"]}
    halt.over.set()
    for reader, writer in pending:
        assert (await reader.readline()).split()[1] == b"200"
        writer.close()
