"""``POST /transfers``, and pausing, resuming and retrying transfers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.content import MIB
from tests.marks import on_moto, over_http


async def start(api: Any, action: str, source: str, target: str = "", **more: Any) -> Any:
    body = {"action": action, "source": source, "target": target, **more}
    return await api.ok("POST", "transfers", json_body=body, status=201)


@over_http
async def test_workspace_is_the_root_directory_of_the_server(
    api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]]
) -> None:
    (jp_root_dir / "data").mkdir()
    (jp_root_dir / "data" / "a.csv").write_bytes(b"1,2")
    transfer = await start(api, "copy", "workspace://data/", f"s3://{bucket}/up/")
    assert (transfer["action"], transfer["source"], transfer["needs"]) == ("copy", "workspace://data/", None)
    done = await api.finished(transfer["id"])
    assert (done["state"], done["bytesDone"], done["filesDone"]) == ("completed", 3, 1)
    assert stored() == {"up/a.csv": 3}
    down = await start(api, "move", f"s3://{bucket}/up/a.csv", "workspace://new/")
    assert (await api.finished(down["id"]))["state"] == "completed"
    assert (jp_root_dir / "new" / "a.csv").read_bytes() == b"1,2"
    assert stored() == {}


@on_moto
async def test_selected_names_of_a_folder_are_one_transfer(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    for key in ("d/a", "d/b", "d/sub/c"):
        await api.put(bucket, key, b"x")
    ends = {"source": f"s3://{bucket}/d/", "target": f"s3://{bucket}/to/", "names": ["a", "sub/"]}
    plan = await api.ok("POST", "transfers", json_body={"action": "copy", **ends, "dryRun": True})
    assert [file["target"] for file in plan["files"]] == [f"s3://{bucket}/to/a", f"s3://{bucket}/to/sub/c"]
    transfer = await start(api, "copy", **ends)
    assert transfer["namesTotal"] == 2
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert stored() == {"d/a": 1, "d/b": 1, "d/sub/c": 1, "to/a": 1, "to/sub/c": 1}


@on_moto
async def test_dry_run_reports_the_plan_and_changes_nothing(
    api: Any, bucket: str, jp_root_dir: Path, stored: Callable[[], dict[str, int]]
) -> None:
    await api.put(bucket, "d/a", b"a")
    await api.put(bucket, "d/b", b"bb")
    body = {"action": "copy", "source": f"s3://{bucket}/d/", "target": "workspace://down/", "dryRun": True}
    plan = await api.ok("POST", "transfers", json_body=body)
    assert (plan["counts"], plan["filesTotal"], plan["bytesTotal"]) == ({"create": 2}, 2, 3)
    assert plan["files"][0] == {
        "source": f"s3://{bucket}/d/a",
        "target": "workspace://down/a",
        "size": 1,
        "what": "create",
        "error": None,
    }
    assert not (jp_root_dir / "down").exists()
    deletion = {"action": "delete", "source": f"s3://{bucket}/d/", "dryRun": True}
    plan = await api.ok("POST", "transfers", json_body=deletion)
    assert (plan["counts"], plan["bytesTotal"]) == ({"delete": 2}, 3)
    assert stored() == {"d/a": 1, "d/b": 2}
    assert await api.ok("GET", "transfers") == {"transfers": []}
    deletion = await start(api, "delete", f"s3://{bucket}/d/a")
    assert (await api.finished(deletion["id"]))["state"] == "completed"
    assert stored() == {"d/b": 2}


@on_moto
async def test_invalid_field_of_a_transfer_is_named(api: Any, bucket: str) -> None:
    for body, word in (
        ({"action": "copy", "source": "a", "target": f"s3://{bucket}/"}, "source"),
        ({"action": "copy", "source": f"s3://{bucket}/a/", "target": f"s3://{bucket}/b"}, "target"),
        ({"action": "copy", "source": f"s3://{bucket}/a"}, "target"),
        ({"action": "fly", "source": f"s3://{bucket}/a"}, "action"),
        ({"action": "delete", "source": f"s3://{bucket}/"}, "source"),
        ({"action": "copy", "source": f"s3://{bucket}/a", "target": "workspace://", "names": ["b"]}, "names"),
        ({"action": "copy", "source": f"s3://{bucket}/a/", "target": "workspace://", "names": []}, "names"),
        ({"action": "copy", "source": f"s3://{bucket}/a/", "target": "workspace://", "names": [""]}, "names"),
        ({"action": "copy", "source": "s3:///a", "target": "workspace://"}, "source"),
    ):
        assert word in (await api.refused(400, "POST", "transfers", json_body=body))["message"]


@over_http
async def test_transfer_is_paused_and_resumed_if_its_state_allows_it(
    api: Any, hf: HubStandIn, bucket: str, stored: Callable[[], dict[str, int]], multiparts: Callable[[], int]
) -> None:
    hf.add(Repository("org/slow")).commit({"weights.bin": SyntheticContent(60 * MIB, seed=2)})
    hf.inject(Halt(24 * MIB), "*weights.bin", host="cdn", times=None)
    transfer = await start(api, "copy", "hf://org/slow", f"s3://{bucket}/m/")
    stream = await api.events("GET", "transfers/events")
    async for _, data in stream:
        if data["bytesDone"]:
            break
    await stream.close()
    paused = await api.ok("POST", "transfers", transfer["id"], "pause", body="")
    assert paused["state"] == "paused"
    assert paused["bytesDone"] in {0, 8 * MIB, 16 * MIB, 24 * MIB}, "bytes of unfinished parts are sent again"
    assert (await asyncio.to_thread(stored), await asyncio.to_thread(multiparts)) == ({}, 1)
    for action in ("pause", "retry"):
        assert (await api.refused(409, "POST", "transfers", transfer["id"], action, body=""))["error"] == "Conflict"
    await api.refused(409, "DELETE", "transfers", transfer["id"])
    hf.service.faults.clear()
    resumed = await api.ok("POST", "transfers", transfer["id"], "resume", body="")
    assert resumed["state"] in {"queued", "running"}
    done = await api.finished(transfer["id"])
    assert (done["state"], done["bytesDone"]) == ("completed", 60 * MIB)
    assert (await asyncio.to_thread(stored), await asyncio.to_thread(multiparts)) == ({"m/weights.bin": 60 * MIB}, 0)
    await api.refused(409, "POST", "transfers", transfer["id"], "resume", body="")


@on_moto
async def test_failed_transfer_is_retried_with_a_token(api: Any, hf: HubStandIn, bucket: str) -> None:
    repository = hf.add(Repository("org/gated"))
    repository.commit({"a.txt": b"a"})
    repository.gated, repository.accepted = "manual", frozenset({"hf_right_token"})
    transfer = await start(api, "copy", "hf://org/gated", f"s3://{bucket}/m/", token="hf_wrong_token")
    failed = await api.finished(transfer["id"])
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "InvalidToken"
    await api.refused(400, "POST", "transfers", transfer["id"], "retry", json_body={"tokem": "x"})
    await api.ok("POST", "transfers", transfer["id"], "retry", json_body={"token": "hf_right_token"})
    done = await api.finished(transfer["id"])
    assert (done["state"], done["error"], done["filesDone"]) == ("completed", None, 1)
