"""Objects that an earlier revision left at the target of an import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.demo.hub.faults import Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models.hub import MAX_REMAINING
from odhtec_jupyter.transfers.planning import hub_import
from tests.handlers.importing import run
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Stored = Callable[[], dict[str, int]]


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
