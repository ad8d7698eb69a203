"""Parts stored before a pause are reused only if they are correct, whenever the pause happens."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import WrongByte
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import StoreError, Unreachable
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.runtime import parts
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.workspace_target import WorkspaceTarget
from odhtec_jupyter.transfers.transfer import Transfer
from tests.content import contents, multiparts
from tests.marks import on_moto
from tests.transfers.steps import Hold, begin, begin_planned, ended, hold_after, no_files, sha256s, until

LARGE = SyntheticContent(2 * PART_SIZE + 11, seed=3)


@pytest.fixture
def third_part(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Hold the third part of a file before it is sent."""
    hold, real = Hold(), S3Store.put_part

    def put_part(store: S3Store, bucket: str, key: str, upload: str, number: int, *args: Any, **kwargs: Any) -> str:
        if number == 3:
            hold.wait()
        return real(store, bucket, key, upload, number, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    return hold


@pytest.fixture
def no_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials without permission to abort multipart uploads."""

    def abort(*args: Any) -> None:
        raise StoreError("not allowed", code="AccessDenied", status=403)

    monkeypatch.setattr(S3Store, "abort_multipart", abort)


async def pause_after_two_parts(services: Services, hold: Hold, transfer: Transfer) -> None:
    await hold.reached()
    await until(services, lambda: any({1, 2} <= set(entry.parts) for entry in services.engine.pending_writes.entries))
    await hold.free_after(services.transfers.pause(transfer.id))
    assert transfer.state == "paused"


# --- parts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relayed", [False, True], ids=["whole parts", "in pieces"])
async def test_part_corrupted_before_the_pause_is_sent_again(
    make_services: Callable[..., Services],
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    third_part: Hold,
    monkeypatch: pytest.MonkeyPatch,
    relayed: bool,
) -> None:
    content = SyntheticContent(3 * 3 * PART_SIZE, seed=6) if relayed else LARGE
    if relayed:  # the memory cannot hold one of its parts
        monkeypatch.setattr(parts, "MAX_PARTS", 3)
    services = make_services(max_memory=4 * PART_SIZE, max_concurrent_transfers=1)
    await services.start()
    hub.add(Repository("org/model")).commit({"large.bin": content})
    hub.inject(WrongByte(17), "*large.bin", host="cdn", method="GET", times=1)
    transfer = await begin(services, "copy", "hf://org/model/", f"s3://{bucket}/")
    await pause_after_two_parts(services, third_part, transfer)
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == {"large.bin": content.sha256}
    assert multiparts(s3_client, bucket) == []


async def test_corrupted_parts_that_cannot_be_aborted_are_not_reused(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, no_abort: None
) -> None:
    hub.add(Repository("org/model")).commit({"large.bin": LARGE})
    hub.inject(WrongByte(17), "*large.bin", host="cdn", method="GET", times=1)
    transfer = await ended(services, await begin(services, "copy", "hf://org/model/", f"s3://{bucket}/"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == {"large.bin": LARGE.sha256}
    assert len(multiparts(s3_client, bucket)) == 1, "they stay for a user with permission to abort them"


async def test_parts_of_a_replaced_source_are_not_reused(
    services: Services, workspace: Path, s3_client: Any, bucket: str, third_part: Hold, no_abort: None
) -> None:
    before, after = (SyntheticContent(LARGE.size, seed=seed) for seed in (4, 5))
    (workspace / "f").write_bytes(before.read())
    transfer = await begin(services, "copy", "workspace://f", f"s3://{bucket}/f")
    await pause_after_two_parts(services, third_part, transfer)
    (workspace / "f").write_bytes(after.read())
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == {"f": after.sha256}


# --- sources that change ---------------------------------------------------------------------------------------


async def test_empty_file_that_grows_while_queued_is_not_stored_as_empty(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    (workspace / "f").write_bytes(b"")
    async with no_files(services):
        transfer = await begin_planned(services, "copy", "workspace://f", f"s3://{bucket}/f")
        (workspace / "f").write_bytes(b"now it has bytes")
    assert (await ended(services, transfer)).state == "failed"
    assert contents(s3_client, bucket) == {}
    await services.transfers.retry(transfer.id)
    assert (await ended(services, transfer)).state == "completed"
    assert contents(s3_client, bucket) == {"f": b"now it has bytes"}


async def test_file_that_became_a_folder_fails_with_a_reason(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    (workspace / "f").write_bytes(b"abc")
    async with no_files(services):
        transfer = await begin_planned(services, "copy", "workspace://f", f"s3://{bucket}/f")
        await services.transfers.pause(transfer.id)
        (workspace / "f").unlink()
        (workspace / "f").mkdir()
        await services.transfers.resume(transfer.id)
    assert (await ended(services, transfer)).state == "failed"
    assert transfer.error is not None
    assert transfer.error.code != "OdhTecError"
    assert contents(s3_client, bucket) == {}


# --- pauses at the end of a file -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["copy", "move"])
async def test_transfer_paused_after_the_copy_in_the_store_completes(
    services: Services, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    hold = hold_after(monkeypatch, S3Store, "copy")
    transfer = await begin(services, action, f"s3://{bucket}/a", f"s3://{bucket}/b")
    await hold.reached()
    await hold.free_after(services.transfers.pause(transfer.id))
    assert transfer.state == "paused"
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert set(contents(s3_client, bucket)) == {"b"} | ({"a"} if action == "copy" else set())


async def test_copy_with_a_lost_reply_is_not_its_own_conflict(
    services: Services, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    real, replies = S3Store.copy, []

    def copy(*args: Any, **kwargs: Any) -> str | None:
        replies.append(real(*args, **kwargs))
        if len(replies) == 1:
            raise Unreachable("the reply was lost")
        return replies[-1]

    monkeypatch.setattr(S3Store, "copy", copy)
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/a", f"s3://{bucket}/b"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert contents(s3_client, bucket) == {"a": b"content", "b": b"content"}


@pytest.mark.parametrize("kind", [S3Target, WorkspaceTarget])
async def test_file_paused_while_its_size_is_compared_is_not_its_own_conflict(
    services: Services, workspace: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    here, go, real = asyncio.Event(), asyncio.Event(), kind.confirm

    async def confirm(*args: Any, **kwargs: Any) -> Any:
        here.set()
        await go.wait()
        return await real(*args, **kwargs)

    monkeypatch.setattr(kind, "confirm", confirm)
    if kind is S3Target:
        (workspace / "f").write_bytes(LARGE.read())
        transfer = await begin(services, "copy", "workspace://f", f"s3://{bucket}/f")
    else:
        s3_client.put_object(Bucket=bucket, Key="f", Body=LARGE.read())
        transfer = await begin(services, "copy", f"s3://{bucket}/f", "workspace://f")
    await here.wait()
    await services.transfers.pause(transfer.id)
    assert transfer.state == "paused"
    go.set()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert (workspace / "f").read_bytes() == LARGE.read()
    assert sha256s(s3_client, bucket) == {"f": LARGE.sha256}
    assert services.engine.pending_writes.entries == []


@on_moto
async def test_file_cancelled_while_it_is_opened_is_closed(
    services: Services, workspace: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="f", Body=b"x")
    hold = hold_after(monkeypatch, WorkspaceStore, "begin")
    transfer = await begin(services, "copy", f"s3://{bucket}/f", "workspace://f")
    await hold.reached()
    assert len(list(open_files("odhtec-part"))) == 1
    await hold.free_after(services.transfers.cancel(transfer.id))
    gc.collect()
    assert list(open_files("odhtec-part")) == []
    assert os.listdir(workspace) == []


def open_files(name: str) -> Iterator[str]:
    """Yield the paths of this process's open files that contain ``name``."""
    for number in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # closed in the meantime
            continue
        if name in path:
            yield path
