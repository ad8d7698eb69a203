"""``/objects/import-hf``: files, revisions, conflicts, tokens, dry runs and the event stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.handlers.importing import FILES, TOKEN, run
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Stored = Callable[[], dict[str, int]]


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
