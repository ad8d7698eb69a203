"""``/transfers`` and its event stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt, Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.content import MIB
from tests.marks import on_moto, over_http


@pytest.fixture
def repo(hf: HubStandIn) -> Repository:
    repository = hf.add(Repository("org/model"))
    repository.commit({"a.txt": b"a", "b.txt": b"bb", "c.txt": b"ccc"})
    return repository


@pytest.fixture
def halting_repo(hf: HubStandIn) -> Repository:
    """A repository with a file that stalls during its download."""
    repository = hf.add(Repository("org/slow"))
    repository.commit({"a.txt": b"a", "weights.bin": SyntheticContent(20 * MIB, seed=2)})
    hf.inject(Halt(4 * MIB), "*weights.bin", host="cdn", times=None)
    return repository


async def start(api: Any, bucket: str, repo: str = "org/model", **request: Any) -> Any:
    body = {"repo": repo, "bucket": bucket, **request}
    return await api.ok("POST", "objects/import-hf", json_body=body, status=201)


async def next_transfer(stream: Any) -> tuple[str, Any]:
    """Return kind and data of the next event that is not a comment."""
    async for kind, data in stream:
        return kind, data
    raise AssertionError("the stream ended")


@on_moto
async def test_transfers_are_listed_newest_first_and_shown(api: Any, repo: Repository, bucket: str) -> None:
    assert await api.ok("GET", "transfers") == {"transfers": []}
    started = await start(api, bucket)
    assert started["state"] in {"queued", "running"}
    first = await api.finished(started["id"])
    second = await api.finished((await start(api, bucket, prefix="again"))["id"])
    assert [transfer["id"] for transfer in (await api.ok("GET", "transfers"))["transfers"]] == [
        second["id"],
        first["id"],
    ]
    shown = await api.ok("GET", "transfers", first["id"])
    assert shown == first
    assert shown["startedAt"] <= shown["finishedAt"]
    assert "files" not in shown


@on_moto
async def test_files_of_a_transfer_are_returned_in_windows(api: Any, repo: Repository, bucket: str) -> None:
    done = await api.finished((await start(api, bucket))["id"])

    async def window(**params: Any) -> Any:
        return await api.ok("GET", "transfers", done["id"], "files", params=params)

    everything = await window()
    assert everything["total"] == 3
    assert everything["files"][0] == {
        "path": "a.txt",
        "target": f"s3://{bucket}/org/model/a.txt",
        "size": 1,
        "bytesDone": 1,
        "state": "completed",
        "error": None,
        "isRemoval": False,
    }
    part = await window(offset=1, limit=1)
    assert (part["files"], part["total"], part["offset"]) == (everything["files"][1:2], 3, 1)
    assert await window(state="failed") == {"files": [], "total": 0, "offset": 0}
    assert (await window(state="completed"))["total"] == 3
    assert (await window(offset=99))["files"] == []
    for params in ({"state": "done"}, {"offset": "-1"}, {"limit": "0"}, {"limit": "1001"}, {"limit": "x"}):
        await api.refused(400, "GET", "transfers", done["id"], "files", params=params)


@on_moto
async def test_an_unknown_transfer_is_a_404(api: Any) -> None:
    for method, *parts in (
        ("GET", "transfers/0123"),
        ("GET", "transfers/0123/files"),
        ("POST", "transfers/0123/cancel"),
        ("DELETE", "transfers/0123"),
    ):
        assert (await api.refused(404, method, *parts, body="" if method == "POST" else None))[
            "error"
        ] == "NoSuchTransfer"
    assert (await api.refused(404, "GET", "transfers/none"))["error"] == "NotFound"


@over_http
async def test_a_cancelled_import_leaves_nothing_half_written(
    api: Any, halting_repo: Repository, bucket: str, stored: Callable[[], dict[str, int]], multiparts: Callable[[], int]
) -> None:
    transfer = await start(api, bucket, "org/slow")
    stream = await api.events("GET", "transfers/events")
    async for _, data in stream:
        if data["filesDone"] == 1:  # the small file, while the large one stalls
            break
    await stream.close()
    body = await api.refused(409, "DELETE", "transfers", transfer["id"])
    assert "running" in body["message"]
    cancelled = await api.ok("POST", "transfers", transfer["id"], "cancel", body="")
    assert cancelled["state"] == "cancelled"
    assert cancelled["finishedAt"]
    # Complete objects are kept.
    assert stored() == {"org/slow/a.txt": 1}
    assert multiparts() == 0
    files = (await api.ok("GET", "transfers", transfer["id"], "files"))["files"]
    assert {file["path"]: file["state"] for file in files} == {"a.txt": "completed", "weights.bin": "cancelled"}
    assert (await api.refused(409, "POST", "transfers", transfer["id"], "cancel", body=""))["error"] == "Conflict"


@on_moto
async def test_failed_file_is_listed_with_its_error(api: Any, hf: HubStandIn, repo: Repository, bucket: str) -> None:
    hf.inject(Refuse(status=404), "*/b.txt", method="GET", times=None)
    done = await api.finished((await start(api, bucket))["id"])
    assert (done["state"], done["filesDone"], done["filesFailed"]) == ("failed", 2, 1)
    assert done["error"]["code"] == "EntryNotFound"
    failed = await api.ok("GET", "transfers", done["id"], "files", params={"state": "failed"})
    assert [(file["path"], file["error"]["code"]) for file in failed["files"]] == [("b.txt", "EntryNotFound")]


@on_moto
async def test_removing_a_transfer_keeps_its_objects(
    api: Any, repo: Repository, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    done = await api.finished((await start(api, bucket))["id"])
    reply = await api.send("DELETE", "transfers", done["id"])
    assert (reply.code, reply.body) == (204, b"")
    assert (await api.ok("GET", "transfers"))["transfers"] == []
    await api.refused(404, "DELETE", "transfers", done["id"])
    assert len(stored()) == 3


@on_moto
async def test_event_stream_starts_with_the_current_state_and_continues_with_changes(
    api: Any, repo: Repository, bucket: str
) -> None:
    first = await api.finished((await start(api, bucket))["id"])
    stream = await api.events("GET", "transfers/events")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["x-accel-buffering"] == "no"
    assert "no-cache" in stream.headers["cache-control"]
    assert await next_transfer(stream) == ("transfer", first)
    second = await start(api, bucket, prefix="again")
    states = []
    async for kind, data in stream:
        assert (kind, data["id"]) == ("transfer", second["id"])
        assert "files" not in data
        states.append(data["state"])
        if data["state"] == "completed":
            break
    await api.send("DELETE", "transfers", first["id"])
    assert await next_transfer(stream) == ("removed", {"id": first["id"]})
    await stream.close()


@on_moto
async def test_returning_client_receives_only_missed_events(api: Any, repo: Repository, bucket: str) -> None:
    first = await api.finished((await start(api, bucket))["id"])
    stream = await api.events("GET", "transfers/events")
    await stream.next()  # the comment that sends the headers
    event = await stream.next()
    await stream.close()
    assert first["id"] in event["data"]
    second = await api.finished((await start(api, bucket, prefix="again"))["id"])
    for last_id, received in (
        (event["id"], [second["id"]]),
        ("not-of-this-run-7", [first["id"], second["id"]]),
        ("nonsense", [first["id"], second["id"]]),
    ):
        stream = await api.events("GET", "transfers/events", Last_Event_ID=last_id)
        assert [(await next_transfer(stream))[1]["id"] for _ in received] == received, last_id
        await stream.close()
    await api.send("DELETE", "transfers", first["id"])
    stream = await api.events("GET", "transfers/events", Last_Event_ID=event["id"])
    assert [await next_transfer(stream) for _ in range(2)] == [("transfer", second), ("removed", {"id": first["id"]})]
    await stream.close()


@on_moto
async def test_reading_is_not_activity_but_a_running_transfer_is(
    api: Any, halting_repo: Repository, bucket: str, jp_serverapp: Any
) -> None:
    app = next(iter(jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]))
    assert app.current_activity() == 0
    web_app = jp_serverapp.web_app
    before = web_app.last_activity()
    await api.ok("GET", "transfers")
    assert web_app.last_activity() == before
    transfer = await start(api, bucket, "org/slow")
    assert app.current_activity() == 1
    stream = await api.events("GET", "transfers/events")
    await next_transfer(stream)
    await stream.close()
    assert web_app.last_activity() >= web_app.settings["odhtec_last_activity"] > before
    await api.ok("POST", "transfers", transfer["id"], "cancel", body="")
    assert app.current_activity() == 0
