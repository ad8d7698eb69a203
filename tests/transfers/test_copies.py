"""Copies, moves, syncs and dry runs between all locations: workspace ↔ S3, S3 → S3, hub → workspace."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import TransferPlan, TransferRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.copying import server_side_copy
from odhtec_jupyter.transfers.copying.copy_file import copy_file
from odhtec_jupyter.transfers.planning.plan import make_plan, show_plan
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import parse_uri
from tests.content import contents
from tests.transfers.steps import begin, begin_deletion, begin_planned, ended, no_files

ODD = "a b+c%2F/日本 #1?.txt"
LARGE = SyntheticContent(3 * PART_SIZE + 11, seed=3)
# Unusual keys that S3 accepts.
NAMES = [
    *("..", ".", "a/../b", "./a", "//", "/lead", "tr/", "a//b", "p%2F q+?#&=.txt", "日本/é e\u0301.txt", "😀"),
    *("x" * 1000, "a\nb", "tab\t", "~'\"<&>", "a\\b", " lead", "trail "),
]


Run = Callable[..., Awaitable[Transfer]]


@pytest.fixture
def run(services: Services) -> Run:
    """Runs a transfer to its end."""

    async def go(action: str, source: str, target: str = "", **fields: Any) -> Transfer:
        return await ended(services, await begin(services, action, source, target, **fields))

    return go


async def dry_run(services: Services, action: Any, source: str, target: str, **fields: Any) -> TransferPlan:
    request = TransferRequest(action=action, source=source, target=target, **fields)
    plan = await asyncio.to_thread(
        make_plan,
        services.stores(),
        action,
        parse_uri(source, "source"),
        parse_uri(target, "target"),
        services.options(request),
        lambda: False,
    )
    return show_plan(plan)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def fill(folder: Path, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


FOLDER = {ODD: b"odd", "empty.txt": b"", "deep/er/file.bin": b"x" * 100_000, "not.hidden": b"h"}


# --- workspace and S3 ------------------------------------------------------------------------------------------


@pytest.mark.tls
async def test_folder_is_copied_to_s3_and_back(run: Run, workspace: Path, s3_client: Any, bucket: str) -> None:
    large = LARGE.read(0, LARGE.size)
    fill(workspace / "data", FOLDER | {"large.bin": large})
    up = await run("copy", "workspace://data/", f"s3://{bucket}/up/")
    assert (up.state, up.error) == ("completed", None)
    assert up.bytes_done == up.bytes_total == sum(map(len, FOLDER.values())) + LARGE.size
    assert contents(s3_client, bucket) == {
        f"up/{name}": content for name, content in (FOLDER | {"large.bin": large}).items()
    }
    down = await run("copy", f"s3://{bucket}/up/", "workspace://back/")
    assert (down.state, down.error) == ("completed", None)
    assert files(workspace / "back") == FOLDER | {"large.bin": large}
    assert s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


async def test_single_file_is_copied_to_a_name_or_into_a_folder(
    run: Run, workspace: Path, s3_client: Any, bucket: str
) -> None:
    fill(workspace, {"one.csv": b"a,b"})
    await run("copy", "workspace://one.csv", f"s3://{bucket}/other.csv")
    await run("copy", "workspace://one.csv", f"s3://{bucket}/in/")
    await run("copy", f"s3://{bucket}/in/one.csv", "workspace://new/folder/")
    assert set(contents(s3_client, bucket)) == {"other.csv", "in/one.csv"}
    assert files(workspace) == {"one.csv": b"a,b", "new/folder/one.csv": b"a,b"}
    assert s3_client.head_object(Bucket=bucket, Key="other.csv")["ContentType"] == "text/csv"


async def test_dry_run_applies_patterns_and_reports_conflicts(
    services: Services, run: Run, workspace: Path, s3_client: Any, bucket: str
) -> None:
    fill(workspace / "data", FOLDER)
    s3_client.put_object(Bucket=bucket, Key="up/empty.txt", Body=b"not empty")
    plan = await dry_run(
        services, "copy", "workspace://data/", f"s3://{bucket}/up/", include=["*.txt", "deep/"], exclude=["*日本*"]
    )
    assert plan.counts == {"conflict": 1, "create": 1}
    assert (plan.files_total, plan.bytes_total) == (2, 100_000)
    assert {file.target for file in plan.files} == {f"s3://{bucket}/up/empty.txt", f"s3://{bucket}/up/deep/er/file.bin"}
    assert set(contents(s3_client, bucket)) == {"up/empty.txt"}, "a dry run writes nothing"
    refused = await run("copy", "workspace://data/", f"s3://{bucket}/up/")
    assert refused.state == "failed"
    assert refused.error is not None
    assert refused.error.code == "Conflict"
    assert set(contents(s3_client, bucket)) == {"up/empty.txt"}, "a conflict is found before anything is written"


@pytest.mark.parametrize("policy", ["skip", "overwrite", "rename"])
async def test_on_conflict_is_applied_in_the_workspace(
    run: Run, workspace: Path, s3_client: Any, bucket: str, policy: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="d/a.txt", Body=b"theirs")
    s3_client.put_object(Bucket=bucket, Key="d/b.txt", Body=b"b")
    fill(workspace / "d", {"a.txt": b"mine"})
    transfer = await run("copy", f"s3://{bucket}/d/", "workspace://d/", on_conflict=policy)
    assert transfer.state == "completed"
    expected = {
        "skip": {"a.txt": b"mine", "b.txt": b"b"},
        "overwrite": {"a.txt": b"theirs", "b.txt": b"b"},
        "rename": {"a.txt": b"mine", "a (1).txt": b"theirs", "b.txt": b"b"},
    }
    assert files(workspace / "d") == expected[policy]


async def test_invalid_name_does_not_fail_the_other_files(
    run: Run, workspace: Path, s3_client: Any, bucket: str
) -> None:
    for key in ("d/good.txt", "d/../up.txt", "d//double.txt", "d/" + "n" * 300):
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    transfer = await run("copy", f"s3://{bucket}/d/", "workspace://down/")
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 1, 3)
    assert files(workspace) == {"down/good.txt": b"d/good.txt"}
    assert all(str(workspace) not in (file.error.message if file.error else "") for file in transfer.files)


async def test_links_out_of_the_workspace_are_not_followed(
    run: Run, workspace: Path, tmp_path: Path, s3_client: Any, bucket: str
) -> None:
    fill(tmp_path / "outside", {"secret.txt": b"secret"})
    fill(workspace / "data", {"real.txt": b"real"})
    os.symlink(tmp_path / "outside" / "secret.txt", workspace / "data" / "secret.txt")
    os.symlink(tmp_path / "outside", workspace / "data" / "folder")
    os.symlink("real.txt", workspace / "data" / "inside.txt")
    transfer = await run("copy", "workspace://data/", f"s3://{bucket}/")
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 2, 2)
    assert contents(s3_client, bucket) == {"real.txt": b"real", "inside.txt": b"real"}
    s3_client.put_object(Bucket=bucket, Key="w/folder/x.txt", Body=b"x")
    down = await run("copy", f"s3://{bucket}/w/", "workspace://data/")
    assert down.state == "failed"
    assert files(tmp_path / "outside") == {"secret.txt": b"secret"}


async def test_source_that_changes_while_queued_fails_and_retry_copies_its_new_content(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    fill(workspace, {"big.bin": LARGE.read(0, LARGE.size)})
    async with no_files(services):  # planned, but its file cannot start
        transfer = await begin_planned(services, "copy", "workspace://big.bin", f"s3://{bucket}/big.bin")
        (workspace / "big.bin").write_bytes(b"changed")
    await ended(services, transfer)
    assert transfer.state == "failed"
    assert transfer.error is not None
    assert "changed" in transfer.error.message
    assert contents(s3_client, bucket) == {}
    await services.transfers.retry(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.bytes_done, transfer.bytes_total) == ("completed", 7, 7)
    assert contents(s3_client, bucket) == {"big.bin": b"changed"}


# --- S3 to S3 --------------------------------------------------------------------------------------------------


async def test_copy_within_s3_keeps_metadata(run: Run, s3_client: Any, bucket: str) -> None:
    for name, content in FOLDER.items():
        s3_client.put_object(
            Bucket=bucket, Key=f"d/{name}", Body=content, ContentType="text/x-odd", Metadata={"mine": "yes"}
        )
    s3_client.put_object(Bucket=bucket, Key="dd/not", Body=b"not meant")
    transfer = await run("copy", f"s3://{bucket}/d/", f"s3://{bucket}/e/")
    assert (transfer.state, transfer.error) == ("completed", None)
    there = contents(s3_client, bucket)
    assert {key: there[key] for key in there if key.startswith("e/")} == {f"e/{k}": v for k, v in FOLDER.items()}
    head = s3_client.head_object(Bucket=bucket, Key=f"e/{ODD}")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-odd", {"mine": "yes"})


@pytest.fixture
def oddly_named(s3_client: Any, bucket: str) -> dict[str, bytes]:
    """The objects with unusual keys below ``p/``, by their keys without it."""
    for name in NAMES:
        with suppress(ClientError):  # each store refuses some
            s3_client.put_object(Bucket=bucket, Key=f"p/{name}", Body=name.encode() * 10)
    made = {key.removeprefix("p/"): content for key, content in contents(s3_client, bucket).items()}
    assert len(made) >= len(NAMES) - 4
    return made


@pytest.mark.parametrize("action", ["copy", "move"])
async def test_unusual_keys_are_copied_moved_and_deleted(
    services: Services, run: Run, s3_client: Any, bucket: str, oddly_named: dict[str, bytes], action: str
) -> None:
    transfer = await run(action, f"s3://{bucket}/p/", f"s3://{bucket}/q/")
    assert (transfer.state, transfer.error) == ("completed", None)
    there = {f"q/{name}": content for name, content in oddly_named.items()}
    kept = {f"p/{name}": content for name, content in oddly_named.items()} if action == "copy" else {}
    assert contents(s3_client, bucket) == there | kept
    deletion = await ended(services, await begin_deletion(services, bucket, prefixes=["q/"]))
    assert (deletion.state, deletion.error) == ("completed", None)
    assert contents(s3_client, bucket) == kept


async def test_unusual_keys_are_copied_in_parts(
    run: Run, s3_client: Any, bucket: str, oddly_named: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side_copy, "MAX_SINGLE_COPY_BYTES", 0)
    # Folders are never so large, and Ceph RGW replies 500 to parts for such a long key.
    for name in [name for name in oddly_named if name.endswith("/") or len(name) > 900]:
        s3_client.delete_object(Bucket=bucket, Key=f"p/{name}")
        del oddly_named[name]
    transfer = await run("copy", f"s3://{bucket}/p/", f"s3://{bucket}/q/")
    assert (transfer.state, transfer.error) == ("completed", None)
    there = contents(s3_client, bucket)
    assert {key[2:]: content for key, content in there.items() if key.startswith("q/")} == oddly_named


async def test_multipart_object_is_copied_with_its_metadata(run: Run, s3_client: Any, bucket: str) -> None:
    place = {"Bucket": bucket, "Key": "a"}
    upload = s3_client.create_multipart_upload(**place, ContentType="text/x-odd", Metadata={"mine": "yes"})["UploadId"]
    etag = s3_client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"content")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3_client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    transfer = await run("copy", f"s3://{bucket}/a", f"s3://{bucket}/b")
    assert (transfer.state, transfer.error) == ("completed", None)
    assert contents(s3_client, bucket) == {"a": b"content", "b": b"content"}
    head = s3_client.head_object(Bucket=bucket, Key="b")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-odd", {"mine": "yes"})


async def test_large_objects_are_copied_in_parts(
    run: Run, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_side_copy, "MAX_SINGLE_COPY_BYTES", 10 * MIB)
    monkeypatch.setattr(server_side_copy, "COPY_PART_BYTES", PART_SIZE)
    data = LARGE.read(0, LARGE.size)
    s3_client.put_object(Bucket=bucket, Key="big", Body=data, ContentType="text/x-odd", Metadata={"mine": "yes"})
    transfer = await run("copy", f"s3://{bucket}/big", f"s3://{bucket}/big2")
    assert (transfer.state, transfer.error, transfer.bytes_done) == ("completed", None, LARGE.size)
    assert hashlib.sha256(contents(s3_client, bucket)["big2"]).hexdigest() == LARGE.sha256
    head = s3_client.head_object(Bucket=bucket, Key="big2")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-odd", {"mine": "yes"})
    assert s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.tls
async def test_copy_between_stores_streams_the_bytes(services: Services, s3_client: Any, bucket: str) -> None:
    data = LARGE.read(0, LARGE.size)
    s3_client.put_object(Bucket=bucket, Key="big", Body=data)
    head = services.s3.head(bucket, "big")
    assert head is not None
    assert head.etag is not None
    source = services.s3.source(bucket, "big", head.size, head.etag)
    counted: list[int] = []
    target = S3Target(services.s3, bucket, "streamed")
    await copy_file(services.engine, source, target, verify="full", on_bytes=counted.append)
    assert hashlib.sha256(contents(s3_client, bucket)["streamed"]).hexdigest() == LARGE.sha256
    assert sum(counted) == LARGE.size


async def test_move_deletes_exactly_the_copied_sources(
    services: Services, run: Run, workspace: Path, s3_client: Any, bucket: str
) -> None:
    for key in ("d/a", "d/b/c", "dd/not"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    moved = await run("move", f"s3://{bucket}/d/", f"s3://{bucket}/e/")
    assert (moved.state, moved.error) == ("completed", None)
    assert set(contents(s3_client, bucket)) == {"e/a", "e/b/c", "dd/not"}
    fill(workspace / "w", {"x/one": b"1", "two": b"2"})
    s3_client.put_object(Bucket=bucket, Key="up/two", Body=b"existing")
    partly = await run("move", "workspace://w/", f"s3://{bucket}/up/", on_conflict="skip")
    assert partly.state == "completed"
    assert files(workspace) == {"w/two": b"2"}, "the skipped file stays"
    assert not (workspace / "w" / "x").exists()
    assert contents(s3_client, bucket)["up/x/one"] == b"1"


async def test_unsupported_source_and_target_are_refused(run: Run, bucket: str) -> None:
    for action, source, target in (
        ("copy", f"s3://{bucket}/a/", f"s3://{bucket}/a/b/"),
        ("copy", f"s3://{bucket}/a", f"s3://{bucket}/a"),
        ("copy", f"s3://{bucket}/x/a", f"s3://{bucket}/x/"),
        ("move", "hf://org/model", f"s3://{bucket}/"),
        ("copy", f"s3://{bucket}/a", "hf://org/model"),
        ("copy", "workspace://a", "workspace://b"),
        ("copy", f"s3://{bucket}/a/", f"s3://{bucket}/b"),
        ("delete", "workspace://a", ""),
        ("delete", f"s3://{bucket}/", ""),
        ("copy", "ftp://host/file", f"s3://{bucket}/"),
    ):
        with pytest.raises(BadRequest):
            await run(action, source, target)


async def test_missing_source_is_reported(run: Run, bucket: str) -> None:
    for source in (f"s3://{bucket}/nothing", f"s3://{bucket}/nothing/", "workspace://nothing", "workspace://no/"):
        transfer = await run("copy", source, f"s3://{bucket}/to/")
        assert transfer.state == "failed"
        assert transfer.error is not None
        assert transfer.error.message == f"{source} does not exist."


async def test_sync_copies_missing_and_newer_files(
    services: Services, run: Run, workspace: Path, s3_client: Any, bucket: str
) -> None:
    fill(workspace / "d", {"same": b"1", "changed": b"old", "new": b"n"})
    for path in (workspace / "d").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))  # S3 reports whole seconds only
    assert (await run("sync", "workspace://d/", f"s3://{bucket}/d/")).state == "completed"
    s3_client.put_object(Bucket=bucket, Key="d/only there", Body=b"stays")
    (workspace / "d" / "changed").write_bytes(b"longer than before")
    plan = await dry_run(services, "sync", "workspace://d/", f"s3://{bucket}/d/")
    assert plan.counts == {"overwrite": 1, "skip": 2}
    assert (await run("sync", "workspace://d/", f"s3://{bucket}/d/")).state == "completed"
    assert contents(s3_client, bucket) == {
        "d/same": b"1",
        "d/changed": b"longer than before",
        "d/new": b"n",
        "d/only there": b"stays",
    }


# --- hub to workspace ------------------------------------------------------------------------------------------


async def test_repository_is_copied_to_the_workspace_and_only_changed_files_again(
    run: Run, hub: HubStandIn, workspace: Path
) -> None:
    repository = hub.add(Repository("org/data", "dataset"))
    repository.commit({"train/a.parquet": LARGE, "README.md": b"# data"})
    transfer = await run("copy", "hf://datasets/org/data", "workspace://data/")
    assert (transfer.state, transfer.error) == ("completed", None)
    assert {name: hashlib.sha256(body).hexdigest() for name, body in files(workspace / "data").items()} == {
        "train/a.parquet": LARGE.sha256,
        "README.md": hashlib.sha256(b"# data").hexdigest(),
    }
    repository.commit({"README.md": b"# more"})
    hub.traffic.clear()
    again = await run("copy", "hf://datasets/org/data@main", "workspace://data/", on_conflict="overwrite")
    assert {file.path: file.state for file in again.files} == {"train/a.parquet": "skipped", "README.md": "completed"}
    assert (again.bytes_done, again.bytes_total) == (6, 6), "the skipped file was not transferred"
    assert (workspace / "data" / "README.md").read_bytes() == b"# more"
    part = await run("copy", "hf://datasets/org/data/train/", "workspace://part/")
    assert part.state == "completed"
    assert list(files(workspace / "part")) == ["a.parquet"]


async def test_empty_object_that_has_got_content_is_not_copied_as_empty(
    services: Services, bucket: str, s3_client: Any, workspace: Path
) -> None:
    for key in ("from/empty", "from/filled"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"")
    async with no_files(services):
        transfer = await begin_planned(services, "copy", f"s3://{bucket}/from/", "workspace://to/")
        s3_client.put_object(Bucket=bucket, Key="from/filled", Body=b"content")
    await ended(services, transfer)
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 1, 1)
    failed = next(file for file in transfer.files if file.error)
    assert failed.error
    assert (failed.path, failed.error.code) == ("filled", "SourceChanged")
    assert [path.name for path in (workspace / "to").iterdir()] == ["empty"]
