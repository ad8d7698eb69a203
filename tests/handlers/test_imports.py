"""``/objects/import-hf`` and ``/hub/repo``."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.hub.faults import Halt, Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models.hub import MAX_REMAINING
from odhtec_jupyter.services import CALL_THREADS
from odhtec_jupyter.transfers.planning import hub_import
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


TOKEN = "hf_SecretOfTheReader"
FILES = {
    "README.md": b"# A model\n",
    "config.json": b"{}",
    "weights/model.bin": random.Random(1).randbytes(9 * 1024 * 1024),
    "日本 +%.txt": b"name",
    "empty": b"",
}
Stored = Callable[[], dict[str, int]]


@pytest.fixture
def repo(hf: HubStandIn) -> Repository:
    repository = hf.add(Repository("org/model"))
    repository.commit(FILES)
    return repository


@pytest.fixture
def gated(hf: HubStandIn) -> Repository:
    hf.service.tokens["hf_other"] = "another"
    repository = hf.add(Repository("org/gated", gated="manual", accepted=frozenset({TOKEN})))
    repository.commit({"a.txt": b"secret"})
    return repository


async def run(api: Any, **request: Any) -> Any:
    transfer = await api.ok("POST", "objects/import-hf", json_body=request, status=201)
    return await api.finished(transfer["id"])


async def test_repository_is_imported_with_all_its_files(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client, stored: Stored
) -> None:
    done = await run(api, repo="org/model", bucket=bucket)
    assert (done["state"], done["filesDone"], done["error"]) == ("completed", len(FILES), None)
    assert done["bytesDone"] == done["bytesTotal"] == sum(map(len, FILES.values()))
    assert done["source"] == f"hf://org/model@{repo.branches['main']}"
    assert stored() == {f"org/model/{name}": len(content) for name, content in FILES.items()}
    for name, content in FILES.items():
        assert s3_client.get_object(Bucket=bucket, Key=f"org/model/{name}")["Body"].read() == content


@on_moto
async def test_address_of_a_page_is_imported_and_other_hosts_are_refused(
    api: Any, hf: HubStandIn, repo: Repository, bucket: str, stored: Stored
) -> None:
    first = repo.branches["main"]
    repo.versions["refs/pr/12"] = first
    repo.commit({"config.json": b"other"})
    hf.add(Repository("org/model", repo_type="dataset")).commit({"data.csv": b"a,b"})
    shown = await api.ok("GET", "hub/repo", params={"repo": f"{hf.endpoint}/org/model/tree/main/weights"})
    assert (shown["repo"], shown["revision"], shown["chosen"]) == ("org/model", "main", ["weights/"])
    shown = await api.ok("GET", "hub/repo", params={"repo": "hf://org/model@refs/pr/12/config.json"})
    assert (shown["commit"], shown["chosen"]) == (first, ["config.json", "config.json/"])
    await run(api, repo="hf://datasets/org/model", bucket=bucket)
    assert stored() == {"org/model/data.csv": 3}
    await run(api, repo="hf://org/model@refs/pr/12/config.json", bucket=bucket, prefix="p")
    await run(api, repo="https://huggingface.co/org/model/tree/main/weights", bucket=bucket, prefix="w")
    await run(api, repo=f"{hf.endpoint}/org/model/resolve/main/config.json", bucket=bucket, prefix="f")
    assert set(stored()) == {"org/model/data.csv", "p/config.json", "w/weights/model.bin", "f/config.json"}
    assert (stored()["p/config.json"], stored()["f/config.json"]) == (2, 5)
    for repo_text in ("https://github.com/org/model", "s3://org/model"):
        for refused in (
            await api.refused(400, "GET", "hub/repo", params={"repo": repo_text}),
            await api.refused(400, "GET", "hub/refs", params={"repo": repo_text}),
            await api.refused(400, "POST", "objects/import-hf", json_body={"repo": repo_text, "bucket": bucket}),
        ):
            assert "Use " in refused["message"]


async def two_revisions(api: Any, repo: Repository, bucket: str, s3_client: S3Client) -> str:
    """Import a revision beside other objects, commit one with other shards, and return the commit of the first."""
    first = repo.branches["main"]
    repo.commit({f"model-{number}-of-2.bin": b"x" * 100 for number in (1, 2)})
    old = repo.branches["main"]
    await run(api, repo="org/model", bucket=bucket)
    s3_client.put_object(Bucket=bucket, Key="org/model/mine.txt", Body=b"mine")
    other = {"hf-repo": "org/another", "hf-commit": first}
    s3_client.put_object(Bucket=bucket, Key="org/model/other.bin", Body=b"other", Metadata=other)
    other = {"hf-repo": "org/model", "hf-repo-type": "dataset", "hf-commit": first}
    s3_client.put_object(Bucket=bucket, Key="org/model/data.bin", Body=b"other", Metadata=other)
    new: dict[str, bytes | None] = {f"model-{number}-of-3.bin": b"y" * 100 for number in (1, 2, 3)}
    repo.commit(new | {f"model-{number}-of-2.bin": None for number in (1, 2)})
    return old


async def dry_run(api: Any, bucket: str, **more: Any) -> Any:
    request = {"repo": "org/model", "bucket": bucket, "dryRun": True, **more}
    return await api.ok("POST", "objects/import-hf", json_body=request)


async def test_remaining_objects_of_another_revision_are_found_and_removed(
    api: Any, repo: Repository, bucket: str, stored: Stored, s3_client: S3Client
) -> None:
    old_commit = await two_revisions(api, repo, bucket, s3_client)
    before = stored()
    plan = await dry_run(api, bucket)
    old = [f"org/model/model-{number}-of-2.bin" for number in (1, 2)]
    remaining = plan["remaining"]
    assert [item["key"] for item in remaining["objects"]] == old
    assert (remaining["commits"], remaining["bytesTotal"], remaining["isTruncated"]) == ([old_commit], 200, False)
    # Files of the new revision are not remaining objects, even if they are not selected.
    assert (await dry_run(api, bucket, include=["config.json"]))["remaining"] == remaining
    assert stored() == before
    done = await run(api, repo="org/model", bucket=bucket, remove=remaining["objects"])
    assert (done["state"], done["error"], done["filesRemoved"]) == ("completed", None, 2)
    new = {f"org/model/model-{number}-of-3.bin": 100 for number in (1, 2, 3)}
    assert stored() == {key: size for key, size in before.items() if key not in old} | new
    files = (await api.ok("GET", "transfers", done["id"], "files"))["files"]
    assert {file["target"] for file in files if file["isRemoval"]} == {f"s3://{bucket}/{key}" for key in old}
    assert (await dry_run(api, bucket))["remaining"] is None


@on_moto
async def test_plan_reports_that_not_all_objects_were_compared(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_import, "FEW_LOOKUPS", 1)
    for name in ("a", "b"):
        s3_client.put_object(Bucket=bucket, Key=f"org/model/{name}", Body=b"mine")
    remaining = (await dry_run(api, bucket))["remaining"]
    assert remaining == {"commits": [], "objects": [], "bytesTotal": 0, "isTruncated": True}


@on_moto
async def test_import_in_a_folder_below_is_not_a_remaining_object(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client
) -> None:
    old = await two_revisions(api, repo, bucket, s3_client)
    await run(api, repo="org/model", revision=old, bucket=bucket, prefix="org/model/old")
    lost = {"hf-repo": "org/model", "hf-repo-type": "model", "hf-commit": "0123"}  # a commit that the hub does not have
    s3_client.put_object(Bucket=bucket, Key="org/model/lost.bin", Body=b"x", Metadata=lost)
    remaining = (await dry_run(api, bucket))["remaining"]
    assert [item["key"] for item in remaining["objects"]] == [f"org/model/model-{n}-of-2.bin" for n in (1, 2)]
    assert remaining["commits"] == [old]


async def test_remaining_objects_that_have_changed_are_kept(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client, stored: Stored
) -> None:
    await two_revisions(api, repo, bucket, s3_client)
    named = (await dry_run(api, bucket))["remaining"]["objects"]
    s3_client.put_object(Bucket=bucket, Key=named[0]["key"], Body=b"another")
    # The same bytes, but of another revision than in the request.
    metadata = {"hf-repo": "org/model", "hf-repo-type": "model", "hf-commit": "0123"}
    s3_client.put_object(Bucket=bucket, Key=named[1]["key"], Body=b"x" * 100, Metadata=metadata)
    done = await run(api, repo="org/model", bucket=bucket, remove=named)
    assert (done["state"], done["filesRemoved"]) == ("completed", 0)
    assert {item["key"] for item in named} <= stored().keys()
    left = (await api.ok("GET", "transfers", done["id"], "files", params={"state": "skipped"}))["files"]
    assert [file["error"]["code"] for file in left if file["isRemoval"]] == ["SourceChanged"] * 2


@on_moto
async def test_nothing_is_removed_unless_all_files_have_arrived(
    api: Any, hf: HubStandIn, repo: Repository, bucket: str, stored: Stored, s3_client: S3Client
) -> None:
    await two_revisions(api, repo, bucket, s3_client)
    named = (await dry_run(api, bucket))["remaining"]["objects"]
    hf.inject(Refuse(404), "*/model-3-of-3.bin", times=None)
    done = await run(api, repo="org/model", bucket=bucket, remove=named)
    assert (done["state"], done["filesFailed"], done["filesRemoved"]) == ("failed", 1, 0)
    assert {item["key"] for item in named} <= stored().keys()
    hf.service.faults.clear()
    await api.ok("POST", "transfers", done["id"], "retry")
    done = await api.finished(done["id"])
    assert (done["state"], done["filesFailed"], done["filesRemoved"]) == ("completed", 0, 2)
    assert not {item["key"] for item in named} & stored().keys()


@on_moto
async def test_only_remaining_objects_of_other_revisions_can_be_removed(
    api: Any, repo: Repository, bucket: str, stored: Stored, s3_client: S3Client
) -> None:
    await two_revisions(api, repo, bucket, s3_client)
    before = stored()
    item = (await dry_run(api, bucket))["remaining"]["objects"][0]
    for change, why in (
        ({"key": "elsewhere.bin"}, "not below"),
        ({"key": "org/model/config.json"}, "belongs to the imported revision"),
        ({"commit": repo.branches["main"]}, "does not belong to another revision"),
        ({"commit": "a/../b"}, "does not belong to another revision"),
    ):
        request = {"repo": "org/model", "bucket": bucket, "remove": [item | change]}
        assert why in (await api.refused(400, "POST", "objects/import-hf", json_body=request))["message"]
    assert stored() == before


@on_moto
async def test_all_remaining_objects_of_a_dry_run_can_be_removed(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client
) -> None:
    await two_revisions(api, repo, bucket, s3_client)
    item = (await dry_run(api, bucket))["remaining"]["objects"][0]
    named = [item | {"key": f"org/model/old-{number}.bin"} for number in range(MAX_REMAINING)]
    counts = (await dry_run(api, bucket, remove=named, onConflict="overwrite", verify="off"))["counts"]
    assert counts["remove"] == MAX_REMAINING


async def test_second_import_transfers_no_file_again(api: Any, hf: HubStandIn, repo: Repository, bucket: str) -> None:
    await run(api, repo="org/model", bucket=bucket)
    hf.traffic.clear()
    done = await run(api, repo="org/model", bucket=bucket)
    assert (done["state"], done["filesDone"]) == ("completed", len(FILES))
    window = await api.ok("GET", "transfers", done["id"], "files")
    assert {file["state"] for file in window["files"]} == {"skipped"}
    assert not [request for request in hf.traffic.seen(method="GET") if "/resolve/" in request.path]


@on_moto
async def test_event_stream_sends_the_documented_events(api: Any, repo: Repository, bucket: str) -> None:
    stream = await api.events("POST", "objects/import-hf", {"repo": "org/model", "bucket": bucket})
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["x-accel-buffering"] == "no"
    events = [data async for _, data in stream]
    await stream.close()
    assert events[0] == {"status": "fetching-metadata"}
    assert events[-1]["status"] == "completed"
    uploading = [event for event in events if event["status"] == "uploading"]
    assert len(uploading) == len(events) - 2
    last = {event["file"]: event["progress"] for event in uploading}
    assert last == dict.fromkeys(FILES, 100.0)


@on_moto
async def test_event_stream_reports_why_an_import_failed(
    api: Any, gated: Repository, bucket: str, stored: Stored
) -> None:
    stream = await api.events("POST", "objects/import-hf", {"repo": "org/gated", "bucket": bucket})
    events = [data async for _, data in stream]
    await stream.close()
    assert [event["status"] for event in events] == ["fetching-metadata", "failed"]
    assert events[-1]["error"] == "GatedRepo"
    assert stored() == {}


@on_moto
async def test_refusals_of_the_hub_are_distinguished_and_nothing_is_written(
    api: Any, hf: HubStandIn, repo: Repository, gated: Repository, bucket: str, stored: Stored
) -> None:
    for request, status, code in (
        ({"repo": "org/gated"}, 403, "GatedRepo"),
        ({"repo": "org/gated", "token": "hf_other"}, 403, "GatedRepo"),
        ({"repo": "org/model", "token": "hf_wrong"}, 403, "InvalidToken"),
        ({"repo": "org/absent"}, 404, "RepoNotFound"),
        ({"repo": "org/model", "revision": "no-such-branch"}, 404, "RevisionNotFound"),
        ({"repo": "not a name"}, 400, "InvalidRequest"),
        ({"repo": "../../etc/passwd"}, 400, "InvalidRequest"),
        ({"repo": "org/model", "include": ["*.nothing"]}, 400, "InvalidRequest"),
        ({"repo": "org/model", "repoType": "dataset"}, 404, "RepoNotFound"),
        ({"repo": "org/model", "repoType": "other"}, 400, "InvalidRequest"),
        ({"repo": "org/model", "onConflict": "perhaps"}, 400, "InvalidRequest"),
        ({"repo": "org/model", "prefix": "p" * 1024}, 400, "InvalidRequest"),
        ({"repo": "org/model", "bucket": f"absent-{bucket}"}, 404, "NoSuchBucket"),
        ({"repo": "org/model", "unknown": 1}, 400, "InvalidRequest"),
        ({"repo": ""}, 400, "InvalidRequest"),
    ):
        body = await api.refused(status, "POST", "objects/import-hf", json_body={"bucket": bucket, **request})
        assert body["error"] == code, (request, body)
        assert not request.get("token") or request["token"] not in body["message"]
    assert stored() == {}
    assert (await api.ok("GET", "transfers"))["transfers"] == []


@on_moto
async def test_token_gives_access_to_a_gated_repository_and_is_never_shown(
    api: Any, hf: HubStandIn, gated: Repository, bucket: str, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    done = await run(api, repo="org/gated", bucket=bucket, token=TOKEN)
    assert done["state"] == "completed"
    assert stored() == {"org/gated/a.txt": 6}
    texts = [
        str(done),
        str(await api.ok("GET", "transfers")),
        str(await api.ok("GET", "transfers", done["id"])),
        str(await api.ok("GET", "transfers", done["id"], "files")),
        str(await api.ok("GET", "settings/hf")),
        caplog.text,
    ]
    assert not [text for text in texts if TOKEN in text]
    assert (await api.ok("GET", "settings/hf"))["hfTokenSet"] is False
    assert hf.traffic.tokens("hub") == {f"Bearer {TOKEN}"}
    assert hf.traffic.tokens("cdn") == set()


@on_moto
async def test_patterns_select_files_and_prefix_is_the_target(
    api: Any, repo: Repository, bucket: str, stored: Stored
) -> None:
    await run(api, repo="org/model", bucket=bucket, prefix="", include=["*.md", "*.json"], exclude=["config*"])
    assert set(stored()) == {"README.md"}
    await run(api, repo="org/model", bucket=bucket, prefix="a/日本", include=["config.json"])
    assert set(stored()) == {"README.md", "a/日本/config.json"}


@on_moto
async def test_requested_revision_is_imported(api: Any, repo: Repository, bucket: str, s3_client: S3Client) -> None:
    first = repo.branches["main"]
    repo.commit({"config.json": b'{"new": 1}'})
    await run(api, repo="org/model", bucket=bucket, revision=first, include=["config.json"])
    assert s3_client.get_object(Bucket=bucket, Key="org/model/config.json")["Body"].read() == b"{}"


@on_moto
async def test_different_object_is_handled_by_on_conflict(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client
) -> None:
    key = "org/model/config.json"
    s3_client.put_object(Bucket=bucket, Key=key, Body=b"[]")  # of the same size

    def value(name: str = key) -> bytes:
        return s3_client.get_object(Bucket=bucket, Key=name)["Body"].read()

    request = {"repo": "org/model", "bucket": bucket, "include": ["config.json"]}
    body = await api.refused(409, "POST", "objects/import-hf", json_body=request)
    assert key in body["message"]
    done = await run(api, **request, onConflict="skip")
    assert (done["state"], value()) == ("completed", b"[]")
    await run(api, **request, onConflict="rename")
    assert (value(), value("org/model/config (1).json")) == (b"[]", b"{}")
    await run(api, **request, onConflict="overwrite")
    assert value() == b"{}"


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


async def test_dry_run_lists_every_file_and_writes_nothing(
    api: Any, repo: Repository, bucket: str, s3_client: S3Client, stored: Stored
) -> None:
    await run(api, repo="org/model", bucket=bucket, include=["README.md", "config.json"])
    s3_client.put_object(Bucket=bucket, Key="org/model/README.md", Body=b"another user's")
    before = stored()
    request = {"repo": "org/model", "bucket": bucket, "dryRun": True}

    async def plan(**more: Any) -> dict[str, str]:
        found = await api.ok("POST", "objects/import-hf", json_body=request | more)
        assert found["filesTotal"] == len(found["files"]) == sum(found["counts"].values())
        return {file["target"].removeprefix(f"s3://{bucket}/org/model/"): file["what"] for file in found["files"]}

    new = dict.fromkeys(FILES, "create") | {"config.json": "skip"}
    assert await plan() == new | {"README.md": "conflict"}
    assert await plan(onConflict="overwrite") == new | {"README.md": "overwrite"}
    assert await plan(onConflict="skip") == new | {"README.md": "skip"}
    assert await plan(include=["*.json"]) == {"config.json": "skip"}
    renamed = await plan(onConflict="rename")
    assert renamed.pop("README (1).md") == "rename"
    # A dry run returns JSON even if the client accepts an event stream.
    reply = await api.send(
        "POST", "objects/import-hf", json_body=request, headers={"Accept": "text/event-stream, application/json"}
    )
    assert reply.headers["Content-Type"].startswith("application/json")
    assert stored() == before
    assert len((await api.ok("GET", "transfers"))["transfers"]) == 1


@on_moto
async def test_dry_run_reports_files_that_cannot_be_imported(api: Any, hf: HubStandIn, bucket: str) -> None:
    hf.add(Repository("org/long")).commit({"a.txt": b"a", "b" * 200: b"b"})
    request = {"repo": "org/long", "bucket": bucket, "prefix": "p" * 900, "dryRun": True}
    plan = await api.ok("POST", "objects/import-hf", json_body=request)
    assert plan["counts"] == {"create": 1, "refuse": 1}
    assert "1024 bytes" in next(file["error"]["message"] for file in plan["files"] if file["error"])
    for more, status in (({"bucket": f"absent-{bucket}"}, 404), ({"repo": "org/absent"}, 404)):
        await api.refused(status, "POST", "objects/import-hf", json_body=request | more)


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
