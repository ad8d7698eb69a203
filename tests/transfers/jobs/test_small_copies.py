"""Small files, several by one call in a thread: each has its own result, and nothing is left of one that fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.hub.faults import WrongByte
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.hidden import HiddenRules
from odhtec_jupyter.stores.workspace.part import PartialFile
from odhtec_jupyter.transfers.jobs import small_copies
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.journal.transfer_records import TransferRecords
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.targets.workspace_target import WorkspaceTarget
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from tests.content import contents
from tests.marks import on_moto
from tests.transfers.bandwidth_meter import Meter
from tests.transfers.steps import begin, begin_planned, ended, hold_after, no_files
from tests.waiting import GIVE_UP_SECONDS

FILES = {f"d{number % 7}/f{number:03}": b"%d" % number * number for number in range(200)}
TOTAL = sum(map(len, FILES.values()))


@pytest.fixture
def folder(workspace: Path) -> Path:
    """A folder with the files."""
    made = workspace / "from"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    return made


@pytest.fixture
def objects(s3_client: Any, bucket: str) -> None:
    """Objects of the same names."""
    for name, content in FILES.items():
        s3_client.put_object(Bucket=bucket, Key=f"from/{name}", Body=content)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls in threads, which have as much time as they need."""
    monkeypatch.setattr(small_copies, "MAX_SECONDS", GIVE_UP_SECONDS)
    made: list[Any] = []
    real = Engine.in_thread

    async def in_thread(engine: Engine, stop: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
        made.append(call)
        return await real(engine, stop, call, *args, **kwargs)

    monkeypatch.setattr(Engine, "in_thread", in_thread)
    return made


def written(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(client: Any, bucket: str, prefix: str) -> dict[str, bytes]:
    return {key.removeprefix(prefix): content for key, content in contents(client, bucket, prefix).items()}


def errors(transfer: Any) -> dict[str, str]:
    return {file.path: file.error.code for file in transfer.files if file.error}


async def test_files_of_the_workspace_are_stored_several_by_one_call(
    services: Services, folder: Path, s3_client: Any, bucket: str, calls: list[Any]
) -> None:
    transfer = await ended(services, await begin(services, "copy", "workspace://from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_done, transfer.bytes_done) == (
        "completed",
        200,
        TOTAL,
    )
    assert stored(s3_client, bucket, "to/") == FILES
    assert len(calls) < 100


async def test_objects_are_written_to_the_workspace_several_by_one_call(
    services: Services, objects: None, workspace: Path, bucket: str, calls: list[Any]
) -> None:
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/from/", "workspace://to/"))
    assert (transfer.state, transfer.files_done, transfer.bytes_done) == (
        "completed",
        200,
        TOTAL,
    )
    assert written(workspace) == {f"to/{name}": content for name, content in FILES.items()}
    assert services.engine.pending_writes.entries == []
    assert len(calls) < 200


async def test_objects_are_copied_in_the_store_several_by_one_call(
    services: Services, objects: None, s3_client: Any, bucket: str, calls: list[Any]
) -> None:
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_done, transfer.bytes_done) == (
        "completed",
        200,
        TOTAL,
    )
    assert stored(s3_client, bucket, "to/") == FILES
    assert len(calls) < 100


@on_moto
@pytest.mark.parametrize("to", ["s3", "workspace"])
@pytest.mark.parametrize("times", [1, None])
async def test_files_of_the_hub_are_verified(
    services: Services, hub: Any, s3_client: Any, bucket: str, workspace: Path, to: str, times: int | None
) -> None:
    hub.add(Repository("org/small", repo_type="dataset")).commit(FILES)
    hub.inject(WrongByte(5), path="*d0/f007", times=times)
    target = f"s3://{bucket}/to/" if to == "s3" else "workspace://to/"
    transfer = await ended(services, await begin(services, "copy", "hf://datasets/org/small/", target))
    found = stored(s3_client, bucket, "to/") if to == "s3" else written(workspace / "to")
    if times:
        assert (transfer.state, found) == ("completed", FILES)
    else:
        assert (transfer.state, errors(transfer)) == ("failed", {"d0/f007": "ChecksumMismatch"})
        assert found == {name: content for name, content in FILES.items() if name != "d0/f007"}
    assert services.engine.pending_writes.entries == []


@on_moto
async def test_file_that_a_busy_store_refuses_is_stored_by_the_next_attempt(
    services: Services, folder: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, real = {"to/d0/f007", "to/d1/f050"}, S3Store.put

    def put(store: S3Store, bucket: str, key: str, *args: Any, **kwargs: Any) -> Any:
        if key in refused:
            refused.discard(key)
            raise StoreError("Reduce your request rate.", code="SlowDown", status=503)
        return real(store, bucket, key, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put", put)
    before = services.engine.small_files.of(services.s3.host).limit
    transfer = await ended(services, await begin(services, "copy", "workspace://from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_failed, transfer.bytes_done) == (
        "completed",
        0,
        TOTAL,
    )
    assert stored(s3_client, bucket, "to/") == FILES
    assert services.engine.small_files.of(services.s3.host).limit < before


@on_moto
async def test_refused_file_fails_alone(
    services: Services, folder: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = S3Store.put

    def put(store: S3Store, bucket: str, key: str, *args: Any, **kwargs: Any) -> Any:
        if key == "to/d0/f007":
            raise StoreError("No.", code="AccessDenied", status=403)
        if key == "to/d1/f050":
            raise RuntimeError("a fault of ours")
        return real(store, bucket, key, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put", put)
    transfer = await ended(services, await begin(services, "copy", "workspace://from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 198, 2)
    assert errors(transfer) == {"d0/f007": "AccessDenied", "d1/f050": "InternalError"}
    lost = {"d0/f007", "d1/f050"}
    assert stored(s3_client, bucket, "to/") == {name: content for name, content in FILES.items() if name not in lost}
    assert transfer.bytes_done == sum(len(content) for name, content in FILES.items() if name not in lost)


@on_moto
async def test_file_that_changed_since_it_was_planned_is_not_stored(
    services: Services, folder: Path, s3_client: Any, bucket: str
) -> None:
    async with no_files(services):
        transfer = await begin_planned(services, "copy", "workspace://from/", f"s3://{bucket}/to/")
        (folder / "d0/f007").write_bytes(b"another")
        (folder / "d1/f050").unlink()
    await ended(services, transfer)
    assert set(errors(transfer)) == {"d0/f007", "d1/f050"}
    assert errors(transfer)["d0/f007"] == "SourceChanged"
    assert stored(s3_client, bucket, "to/").keys() == FILES.keys() - {"d0/f007", "d1/f050"}


@on_moto
async def test_existing_file_is_not_replaced_by_one_that_was_written_in_the_meantime(
    services: Services, objects: None, workspace: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = hold_after(monkeypatch, WorkspaceTarget, "write_partial")
    transfer = await begin(services, "copy", f"s3://{bucket}/from/", "workspace://to/")
    await hold.reached()
    theirs = workspace / "to" / "d0" / "f000"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_bytes(b"theirs")
    hold.free()
    await ended(services, transfer)
    assert (transfer.state, errors(transfer)) == ("failed", {"d0/f000": "FileExists"})
    assert written(workspace / "to") == FILES | {"d0/f000": b"theirs"}, "no partial file is left"
    assert services.engine.pending_writes.entries == []


@on_moto
async def test_file_that_is_hidden_since_it_was_planned_fails_alone(
    services: Services, objects: None, s3_client: Any, workspace: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="from/d0/.hidden", Body=b"hidden")
    async with no_files(services):
        with monkeypatch.context() as patch:
            patch.setattr(services.workspace, "_rules", lambda: HiddenRules(allow_hidden=True))
            transfer = await begin_planned(services, "copy", f"s3://{bucket}/from/", "workspace://to/")
    await ended(services, transfer)
    assert (transfer.state, errors(transfer)) == ("failed", {"d0/.hidden": "HiddenFile"})
    assert written(workspace / "to") == FILES
    assert services.engine.pending_writes.entries == []


@on_moto
@pytest.mark.parametrize("target", ["s3", "workspace"])
async def test_paused_transfer_stores_each_file_once(
    services: Services,
    folder: Path,
    objects: None,
    workspace: Path,
    s3_client: Any,
    bucket: str,
    calls: list[Any],
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_s3 = target == "s3"
    source, to = ("workspace://from/", f"s3://{bucket}/to/") if to_s3 else (f"s3://{bucket}/from/", "workspace://to/")
    done: list[str] = []
    kind: Any = S3Store if to_s3 else WorkspaceTarget
    name = "put" if to_s3 else "publish"
    real = getattr(kind, name)

    def noted(self: Any, first: Any, second: Any, *args: Any, **kwargs: Any) -> Any:
        reply = real(self, first, second, *args, **kwargs)
        done.append(second if to_s3 else self.uri.path)
        return reply

    monkeypatch.setattr(kind, name, noted)
    hold = hold_after(monkeypatch, kind, name)
    transfer = await begin(services, "copy", source, to)
    await hold.reached()
    await hold.free_after(services.transfers.pause(transfer.id))
    assert (transfer.state, {file.state for file in transfer.files}) == ("paused", {"queued", "completed"})
    assert sorted(f"to/{file.path}" for file in transfer.files if file.state == "completed") == sorted(done)
    assert transfer.bytes_done == sum(file.size or 0 for file in transfer.files if file.state == "completed")
    calls.clear()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.bytes_done) == ("completed", TOTAL)
    if to_s3:  # partial files are continued one by one
        assert len(calls) < 200
    assert (stored(s3_client, bucket, "to/") if to_s3 else written(workspace / "to")) == FILES
    assert len(done) == (200 if to_s3 else len(done))
    assert services.engine.pending_writes.entries == []


@on_moto
@pytest.mark.parametrize("name", ["write_partial", "publish"])
async def test_cancelled_transfer_leaves_only_whole_files(
    services: Services, objects: None, workspace: Path, bucket: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = hold_after(monkeypatch, WorkspaceTarget, name)
    transfer = await begin(services, "copy", f"s3://{bucket}/from/", "workspace://to/")
    await hold.reached()
    await hold.free_after(services.transfers.cancel(transfer.id))
    found = written(workspace / "to") if (workspace / "to").exists() else {}
    assert transfer.state == "cancelled"
    assert found == {file.path: FILES[file.path] for file in transfer.files if file.state == "completed"}
    assert services.engine.pending_writes.entries == []


@on_moto
@pytest.mark.parametrize("target", ["s3", "workspace"])
async def test_files_without_time_are_copied_in_the_next_turn(
    services: Services,
    folder: Path,
    objects: None,
    workspace: Path,
    s3_client: Any,
    bucket: str,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small_copies, "MAX_SECONDS", -1)
    source, to = (
        ("workspace://from/", f"s3://{bucket}/to/") if target == "s3" else (f"s3://{bucket}/from/", "workspace://to/")
    )
    transfer = await ended(services, await begin(services, "copy", source, to))
    assert (transfer.state, transfer.files_done) == ("completed", 200)
    assert (stored(s3_client, bucket, "to/") if target == "s3" else written(workspace / "to")) == FILES
    assert services.engine.pending_writes.entries == []


@pytest.mark.parametrize("source", ["workspace", "s3"])
async def test_object_that_was_created_since_the_plan_is_not_overwritten(
    services: Services, folder: Path, objects: None, s3_client: Any, bucket: str, source: str
) -> None:
    start = "workspace://from/" if source == "workspace" else f"s3://{bucket}/from/"
    async with no_files(services):
        transfer = await begin_planned(services, "copy", start, f"s3://{bucket}/to/")
        s3_client.put_object(Bucket=bucket, Key="to/d0/f007", Body=b"theirs")
    await ended(services, transfer)
    assert (transfer.state, transfer.files_failed) == ("failed", 1)
    assert errors(transfer).keys() == {"d0/f007"}
    assert stored(s3_client, bucket, "to/") == FILES | {"d0/f007": b"theirs"}


@on_moto
async def test_object_whose_etag_proves_nothing_is_compared_by_its_size(
    services: Services, folder: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = S3Store.put

    def put(store: S3Store, bucket: str, key: str, blocks: Any, size: int, **kwargs: Any) -> str:
        body = b"".join(blocks)
        if key == "to/d0/f007":  # the store loses a byte
            body, size, kwargs["md5"] = body[:-1], size - 1, None
        real(store, bucket, key, [memoryview(body)], size, **kwargs)
        return '"of an encrypted object"'

    monkeypatch.setattr(S3Store, "put", put)
    transfer = await ended(services, await begin(services, "copy", "workspace://from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 199, 1)
    assert errors(transfer).keys() == {"d0/f007"}


@on_moto
@pytest.mark.parametrize("target", ["s3", "workspace"])
async def test_bytes_count_for_the_bandwidth_limit(
    make_services: Callable[..., Services],
    folder: Path,
    objects: None,
    bucket: str,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = make_services(max_bandwidth=10**9)
    await services.start()
    meter = Meter(monkeypatch)
    source, to = (
        ("workspace://from/", f"s3://{bucket}/to/") if target == "s3" else (f"s3://{bucket}/from/", "workspace://to/")
    )
    transfer = await ended(services, await begin(services, "copy", source, to))
    assert (transfer.state, meter.read()) == ("completed", TOTAL)


@pytest.mark.parametrize(("source", "target"), [("workspace", "s3"), ("s3", "workspace"), ("s3", "s3")])
async def test_sources_of_moved_files_are_deleted_several_by_one_call(
    services: Services,
    folder: Path,
    objects: None,
    workspace: Path,
    s3_client: Any,
    bucket: str,
    calls: list[Any],
    source: str,
    target: str,
) -> None:
    places = {"workspace": "workspace://", "s3": f"s3://{bucket}/"}
    transfer = await begin(services, "move", f"{places[source]}from/", f"{places[target]}to/")
    await ended(services, transfer)
    assert (transfer.state, transfer.files_done, transfer.bytes_done) == ("completed", 200, TOTAL)
    assert (stored(s3_client, bucket, "to/") if target == "s3" else written(workspace / "to")) == FILES
    assert (stored(s3_client, bucket, "from/") if source == "s3" else written(folder)) == {}
    assert services.engine.pending_writes.entries == []
    assert len(calls) < 300


@on_moto
async def test_source_that_changed_after_its_copy_is_not_deleted(
    services: Services, folder: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = S3Store.put

    def put(store: S3Store, bucket: str, key: str, *args: Any, **kwargs: Any) -> Any:
        etag = real(store, bucket, key, *args, **kwargs)
        if key == "to/d0/f007":
            (folder / "d0/f007").write_bytes(b"newer")
        return etag

    monkeypatch.setattr(S3Store, "put", put)
    transfer = await ended(services, await begin(services, "move", "workspace://from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 199, 1)
    assert errors(transfer) == {"d0/f007": "SourceChanged"}
    assert written(folder) == {"d0/f007": b"newer"}
    assert stored(s3_client, bucket, "to/") == FILES


@on_moto
async def test_journal_has_the_copies_before_their_sources_are_deleted(
    services: Services, objects: None, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: set[str] = set()
    safe: set[str] = set()
    early: list[str] = []
    save_files, journal_written = TransferRecords.save_files, Journal.written
    delete_exactly = S3Store.delete_exactly

    def save(records: TransferRecords, transfer: Transfer, *files: TransferFile) -> None:
        sent.update(f"from/{file.path}" for file in files if file.what == "remove source")
        save_files(records, transfer, *files)

    async def wait(journal: Journal) -> None:
        before = set(sent)
        await journal_written(journal)
        safe.update(before)

    def delete(store: S3Store, bucket: str, key: str) -> None:
        if key not in safe:
            early.append(key)
        delete_exactly(store, bucket, key)

    monkeypatch.setattr(TransferRecords, "save_files", save)
    monkeypatch.setattr(Journal, "written", wait)
    monkeypatch.setattr(S3Store, "delete_exactly", delete)
    transfer = await ended(services, await begin(services, "move", f"s3://{bucket}/from/", f"s3://{bucket}/to/"))
    assert (transfer.state, len(safe), early) == ("completed", 200, [])


@on_moto
async def test_disk_has_each_file_before_its_name_and_each_name_before_it_is_reported(
    services: Services, objects: None, workspace: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}  # inode → the last call
    published: dict[str, tuple[int, int]] = {}  # path → inode and call
    reported: dict[str, int] = {}
    number = itertools.count()
    fsync, publish, complete = os.fsync, PartialFile.publish, TransferFile.transition_to

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        synced[os.fstat(descriptor).st_ino] = next(number)

    def name(partial: PartialFile, **options: Any) -> Any:
        inode = int(partial.pin.rpartition("-")[2])
        assert inode in synced, "the file is on the disk"
        published[partial.path] = inode, next(number)
        return publish(partial, **options)

    def transition(file: TransferFile, state: Any, error: Any = None) -> None:
        if state == "completed":
            folder = (workspace / "to" / file.path).parent.stat().st_ino
            assert synced[folder] > published[f"to/{file.path}"][1], "the name is on the disk"
            reported[file.path] = next(number)
        complete(file, state, error)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(PartialFile, "publish", name)
    monkeypatch.setattr(TransferFile, "transition_to", transition)
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/from/", "workspace://to/"))
    assert (transfer.state, reported.keys()) == ("completed", FILES.keys())
    assert len(published) == 200


@on_moto
async def test_file_that_the_disk_did_not_store_is_written_again(
    services: Services, objects: None, workspace: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, real = ["to/d0/f007"], PartialFile.sync

    def sync(partial: PartialFile) -> None:
        if partial.path in failing:
            failing.remove(partial.path)
            raise OdhTecError("The disk failed.")
        real(partial)

    monkeypatch.setattr(PartialFile, "sync", sync)
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/from/", "workspace://to/"))
    assert (transfer.state, failing) == ("completed", [])
    assert written(workspace / "to") == FILES
    assert services.engine.pending_writes.entries == []
