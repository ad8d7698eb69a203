"""Moves, syncs and deletions lose nothing: not with existing or changed objects, and not after a pause or restart."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.errors import Forbidden, Unreachable
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from tests.content import contents
from tests.transfers.steps import begin, begin_deletion, begin_planned, ended, no_files


@pytest.fixture
def journal(tmp_path: Path) -> Callable[[str], None]:
    """A function that runs an SQL statement on the journal of a stopped server."""

    def change(statement: str) -> None:
        database = sqlite3.connect(tmp_path / "state" / "journal.sqlite")
        with database:
            database.execute(statement)
        database.close()

    return change


# --- deletions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["running", "queued"])
@pytest.mark.parametrize("meant", [{"keys": ["d/a"], "prefixes": ["e/"]}, {"prefixes": ["d/"]}], ids=["key", "folder"])
async def test_continued_deletion_keeps_a_newer_object(
    make_services: Callable[..., Services],
    s3_client: Any,
    bucket: str,
    journal: Callable[[str], None],
    state: str,
    meant: Any,
) -> None:
    first = make_services()
    await first.start()
    transfer = await begin_deletion(first, bucket, **meant)
    await first.stop()
    s3_client.put_object(Bucket=bucket, Key="d/a", Body=b"written since")
    journal(
        f"UPDATE transfers SET created_at = '2020-01-01T00:00:00+00:00', started_at = created_at, state = '{state}'"
    )
    second = make_services()
    await second.start()
    again = await ended(second, second.transfers.get(transfer.id))
    assert again.state == "completed"
    assert set(contents(s3_client, bucket)) == {"d/a"}


async def test_deletion_retries_a_failed_listing(
    services: Services, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="d/f", Body=b"x")
    real, calls = S3Store.page, []

    def page(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise Unreachable("the connection broke")
        return real(*args)

    monkeypatch.setattr(S3Store, "page", page)
    transfer = await ended(services, await begin_deletion(services, bucket, prefixes=["d/"]))
    assert (transfer.state, transfer.error, len(calls)) == ("completed", None, 2)
    assert contents(s3_client, bucket) == {}


# --- existing objects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["copy", "move"])
async def test_folder_copied_into_its_parent_overwrites_none_of_its_files(
    services: Services, s3_client: Any, bucket: str, action: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a/b/x", Body=b"outer")
    s3_client.put_object(Bucket=bucket, Key="a/b/b/x", Body=b"inner")
    transfer = await begin(services, action, f"s3://{bucket}/a/b/", f"s3://{bucket}/a/", on_conflict="overwrite")
    assert (await ended(services, transfer)).state == "failed"
    assert transfer.error is not None
    assert "cannot be overwritten" in transfer.error.message
    assert set(contents(s3_client, bucket).values()) == {b"outer", b"inner"}


async def test_object_created_after_the_plan_is_not_overwritten(
    services: Services, s3_client: Any, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    async with no_files(services):
        transfer = await begin_planned(services, "move", f"s3://{bucket}/a", f"s3://{bucket}/b")
        s3_client.put_object(Bucket=bucket, Key="b", Body=b"theirs!")
    assert (await ended(services, transfer)).state == "failed"
    assert contents(s3_client, bucket) == {"a": b"content", "b": b"theirs!"}


@pytest.mark.parametrize("theirs", [b"newer than mine", b"same!"])
async def test_resumed_sync_keeps_objects_that_are_now_newer(
    services: Services, workspace: Path, s3_client: Any, bucket: str, theirs: bytes
) -> None:
    (workspace / "d").mkdir()
    for name in ("f", "g"):
        s3_client.put_object(Bucket=bucket, Key=f"t/{name}", Body=b"before")
        (workspace / "d" / name).write_bytes(b"mine!")
    async with no_files(services):
        transfer = await begin_planned(services, "sync", "workspace://d/", f"s3://{bucket}/t/")
        assert {file.what for file in transfer.files} == {"overwrite"}
        await services.transfers.pause(transfer.id)
    s3_client.put_object(Bucket=bucket, Key="t/f", Body=theirs)
    modified = s3_client.head_object(Bucket=bucket, Key="t/f")["LastModified"].timestamp()
    os.utime(workspace / "d" / "f", (modified - 60, modified - 60))
    os.utime(workspace / "d" / "g", (modified + 60, modified + 60))
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert {file.path: file.state for file in transfer.files} == {"f": "skipped", "g": "completed"}
    assert transfer.bytes_done == transfer.bytes_total == 5, "the skipped file was not transferred"
    assert contents(s3_client, bucket) == {"t/f": theirs, "t/g": b"mine!"}


# --- sources ---------------------------------------------------------------------------------------------------


async def test_retried_move_copies_again_if_the_target_was_deleted(
    services: Services, workspace: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "f").write_bytes(b"precious")

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Forbidden("The disk cannot be written to.", code="ReadOnly")

    with monkeypatch.context() as read_only:
        read_only.setattr(WorkspaceStore, "delete", refuse)
        transfer = await ended(services, await begin(services, "move", "workspace://f", f"s3://{bucket}/f"))
    assert transfer.state == "failed"
    s3_client.delete_object(Bucket=bucket, Key="f")  # a user removes the object of the failed move
    await services.transfers.retry(transfer.id)
    assert (await ended(services, transfer)).state == "completed"
    assert contents(s3_client, bucket) == {"f": b"precious"}
    assert not (workspace / "f").exists()


async def test_move_does_not_delete_files_behind_links(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    for name in ("named/a", "other/b"):
        (workspace / name).parent.mkdir()
        (workspace / name).write_bytes(name.encode())
    (workspace / "named" / "link").symlink_to("../other")
    transfer = await ended(services, await begin(services, "move", "workspace://named/", f"s3://{bucket}/m/"))
    assert (workspace / "other" / "b").read_bytes() == b"other/b"
    assert not (workspace / "named" / "a").exists()
    assert contents(s3_client, bucket) == {"m/a": b"named/a", "m/link/b": b"other/b"}
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 1, 1)
    assert transfer.error is not None
    assert "through a link" in transfer.error.message


async def test_marker_of_a_folder_copied_to_a_bucket_is_omitted(
    services: Services, s3_client: Any, bucket: str
) -> None:
    other = f"{bucket}-2"
    s3_client.create_bucket(Bucket=other)
    s3_client.put_object(Bucket=bucket, Key="a/", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="a/x", Body=b"x")
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/a/", f"s3://{other}/"))
    there = contents(s3_client, other)
    for key in there:
        s3_client.delete_object(Bucket=other, Key=key)
    s3_client.delete_bucket(Bucket=other)
    assert (transfer.state, transfer.error, there) == ("completed", None, {"x": b"x"})


@pytest.mark.parametrize("on_conflict", ["overwrite", "fail"])
@pytest.mark.parametrize("size", [5, 300_000])
async def test_two_files_for_the_same_place_are_not_both_moved_to_it(
    services: Services, s3_client: Any, bucket: str, workspace: Path, on_conflict: str, size: int
) -> None:
    objects = {f"from/{name}/f": name.encode() * size for name in "ab"}
    for key, body in objects.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    (workspace / "to" / "a").mkdir(parents=True)
    (workspace / "to" / "b").symlink_to("a")
    where = f"s3://{bucket}/from/", "workspace://to/"
    transfer = await ended(services, await begin(services, "move", *where, on_conflict=on_conflict))
    for _ in range(2):
        assert {file.path: file.state for file in transfer.files} == {"a/f": "completed", "b/f": "failed"}
        assert (workspace / "to" / "a" / "f").read_bytes() == objects["from/a/f"]
        assert set(contents(s3_client, bucket)) == {"from/b/f"}
        await ended(services, await services.transfers.retry(transfer.id))
