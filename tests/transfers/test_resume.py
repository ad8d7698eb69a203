"""Transfers complete after a pause, a restart or a retry, and keep their stored parts in the meantime."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt, Refuse
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.hub.traffic import Request
from odhtec_jupyter.errors import Conflict
from odhtec_jupyter.models import ImportRequest, RemainingObject
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import S3Uri
from tests.content import multiparts
from tests.marks import on_moto, on_rgw_and_https
from tests.transfers.steps import begin, begin_deletion, begin_import, ended, sha256s, until

LARGE = SyntheticContent(5 * PART_SIZE + 11, seed=3)
SMALL = SyntheticContent(300_000, seed=1)


@pytest.fixture
def model(hub: HubStandIn) -> Repository:
    repository = hub.add(Repository("org/model"))
    repository.commit({"config.json": b"{}", "large.bin": LARGE, "small.bin": SMALL})
    return repository


async def start_import(services: Services, bucket: str, **fields: Any) -> Transfer:
    return await begin_import(services, ImportRequest(repo="org/model", bucket=bucket, prefix="", **fields))


def expected(model: Repository) -> dict[str, str]:
    commit = model.at("main")
    assert commit is not None
    return {path: file.content.sha256 for path, file in commit.files.items()}


def first_part(request: Request) -> int:
    """The number of the part in which the range of a request starts."""
    assert request.range is not None
    return int(request.range.removeprefix("bytes=").partition("-")[0]) // PART_SIZE + 1


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.fixture
def halting_hub(model: Repository) -> Iterator[HubStandIn]:
    """The same repository; three parts of the large file arrive, the others after the faults are cleared."""
    with HubStandIn(model) as halting:
        halting.inject(Halt(3 * PART_SIZE), "*large.bin", host="cdn", times=None)
        yield halting


async def stopped_import(
    make_services: Callable[..., Services], halting_hub: HubStandIn, bucket: str, **fields: Any
) -> Transfer:
    """Start an import, stop its server when two parts are stored, and let the hub send the others."""
    services = make_services(hf_endpoint=halting_hub.endpoint)
    await services.start()
    transfer = await start_import(services, bucket, **fields)
    await until(services, lambda: sum(len(entry.parts) for entry in services.engine.pending_writes.entries) >= 2)
    await services.stop()
    halting_hub.service.faults.clear()
    return transfer


async def test_resumed_transfer_transfers_only_missing_parts(
    make_services: Callable[..., Services], halting_hub: HubStandIn, s3_client: Any, bucket: str, model: Repository
) -> None:
    services = make_services(hf_endpoint=halting_hub.endpoint)
    await services.start()
    transfer = await start_import(services, bucket)
    await until(services, lambda: sum(len(entry.parts) for entry in services.engine.pending_writes.entries) >= 2)
    await services.transfers.pause(transfer.id)
    assert transfer.state == "paused"
    assert services.transfers.active == 0
    assert transfer.bytes_done >= 2 * PART_SIZE, "stored parts still count"
    (upload,) = multiparts(s3_client, bucket)
    kept = s3_client.list_parts(Bucket=bucket, Key="large.bin", UploadId=upload["UploadId"])["Parts"]
    with pytest.raises(Conflict):
        await services.transfers.pause(transfer.id)

    halting_hub.service.faults.clear()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert transfer.bytes_done == transfer.bytes_total
    assert sha256s(s3_client, bucket) == expected(model)
    assert multiparts(s3_client, bucket) == []
    assert len(kept) >= 2
    assert services.engine.pending_writes.entries == []


@on_moto
async def test_new_server_removes_what_the_import_was_asked_to_remove(
    make_services: Callable[..., Services], halting_hub: HubStandIn, s3_client: Any, bucket: str, model: Repository
) -> None:
    commit = "c0ffee"
    metadata = {"hf-repo": "org/model", "hf-repo-type": "model", "hf-commit": commit}
    etag = s3_client.put_object(Bucket=bucket, Key="old.bin", Body=b"old", Metadata=metadata)["ETag"]
    old = RemainingObject(key="old.bin", size=3, ETag=etag, commit=commit)
    first = make_services(hf_endpoint=halting_hub.endpoint)
    await first.start()
    transfer = await start_import(first, bucket, remove=[old])
    await until(first, lambda: sum(file.state == "completed" for file in transfer.files) == 2)
    await first.stop()
    assert "old.bin" in sha256s(s3_client, bucket), "not all files have arrived"
    halting_hub.service.faults.clear()
    second = make_services(hf_endpoint=halting_hub.endpoint)
    await second.start()
    again = second.transfers.get(transfer.id)
    await ended(second, again)
    assert (again.state, again.error, again.files_removed) == ("completed", None, 1)
    assert sha256s(s3_client, bucket) == expected(model)
    await second.stop()
    third = make_services(hf_endpoint=halting_hub.endpoint)
    await third.start()
    kept = third.transfers.get(transfer.id)
    assert (kept.state, kept.files_done, kept.files_removed) == ("completed", 4, 1)


@pytest.mark.parametrize("verify", [pytest.param("source", marks=pytest.mark.tls), "off"])
async def test_new_server_continues_the_transfer(
    make_services: Callable[..., Services],
    halting_hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
    tmp_path: Path,
    verify: Any,
) -> None:
    transfer = await stopped_import(make_services, halting_hub, bucket, verify=verify)
    (upload,) = multiparts(s3_client, bucket)
    kept_parts = s3_client.list_parts(Bucket=bucket, Key="large.bin", UploadId=upload["UploadId"])["Parts"]
    assert len(kept_parts) >= 2

    second = make_services(hf_endpoint=halting_hub.endpoint)
    await second.start()
    again = second.transfers.get(transfer.id)
    assert again.bytes_done >= 2 * PART_SIZE
    assert (again.source, again.created_at) == (transfer.source, transfer.created_at)
    await ended(second, again)
    assert (again.state, again.error) == ("completed", None)
    assert again.bytes_done == again.bytes_total
    assert sha256s(s3_client, bucket) == expected(model)
    assert multiparts(s3_client, bucket) == []
    await second.stop()
    # Stored parts are read again only if the checksum of the whole file requires it.
    numbers = {part["PartNumber"] for part in kept_parts}
    seen = [request for request in halting_hub.traffic.seen("cdn") if request.path.endswith("large.bin")]
    read = sum(request.bytes_sent for request in seen if first_part(request) in numbers)
    assert read == sum(part["Size"] for part in kept_parts) * (2 if verify == "source" else 1)

    third = make_services(hf_endpoint=halting_hub.endpoint)
    await third.start()
    kept = third.transfers.get(transfer.id)
    assert (kept.state, kept.files_done, kept.bytes_done) == ("completed", 3, again.bytes_total)
    assert third.engine.pending_writes.entries == []
    await third.transfers.remove(transfer.id)
    await third.stop()
    with sqlite3.connect(tmp_path / "state" / "journal.sqlite") as journal:
        for table in ("transfers", "files", "pending_writes", "parts"):
            assert journal.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    journal.close()


async def test_cancel_aborts_the_multipart_upload(
    make_services: Callable[..., Services], halting_hub: HubStandIn, s3_client: Any, bucket: str, model: Repository
) -> None:
    services = make_services(hf_endpoint=halting_hub.endpoint)
    await services.start()
    transfer = await start_import(services, bucket, include=["large.bin"])
    await until(services, lambda: sum(len(entry.parts) for entry in services.engine.pending_writes.entries) >= 1)
    await services.transfers.pause(transfer.id)
    assert multiparts(s3_client, bucket)
    await services.transfers.cancel(transfer.id)
    assert transfer.state == "cancelled"
    assert multiparts(s3_client, bucket) == []
    assert services.engine.pending_writes.entries == []


async def test_retry_transfers_only_failed_files(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, model: Repository
) -> None:
    hub.inject(Refuse(503), "*large.bin", method="GET", times=None)
    transfer = await start_import(services, bucket)
    await ended(services, transfer)
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("failed", 2, 1)
    with pytest.raises(Conflict):
        await services.transfers.resume(transfer.id)
    hub.service.faults.clear()
    hub.traffic.clear()
    await services.transfers.retry(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.files_done, transfer.files_failed) == ("completed", 3, 0)
    assert transfer.error is None
    assert transfer.bytes_done == transfer.bytes_total
    assert sha256s(s3_client, bucket) == expected(model)
    assert {seen.path.rpartition("/")[2] for seen in hub.traffic.seen("hub") if "/resolve/" in seen.path} == {
        "large.bin"
    }


async def test_entered_token_is_requested_again_after_a_restart(
    make_services: Callable[..., Services], hub: HubStandIn, s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    repository = Repository("org/model")
    repository.gated, repository.accepted = "manual", frozenset({"hf_typed_in_token"})
    repository.commit({"large.bin": LARGE})
    with HubStandIn(repository) as halting:
        halting.inject(Halt(3 * PART_SIZE), "*large.bin", host="cdn", times=None)
        first = make_services(hf_endpoint=halting.endpoint)
        await first.start()
        transfer = await start_import(first, bucket, token="hf_typed_in_token")
        await until(first, lambda: sum(len(entry.parts) for entry in first.engine.pending_writes.entries) >= 1)
        await first.stop()
        for file in (tmp_path / "state").iterdir():
            assert b"hf_typed_in_token" not in file.read_bytes()
            assert file.stat().st_mode & 0o077 == 0

        halting.service.faults.clear()
        second = make_services(hf_endpoint=halting.endpoint)
        await second.start()
        again = second.transfers.get(transfer.id)
        await ended(second, again)
        assert (again.state, again.needs) == ("paused", "token")
        assert again.error is not None
        assert "token" in again.error.message
        second.give_token(again, "hf_typed_in_token")
        await second.transfers.resume(transfer.id)
        await ended(second, again)
        assert (again.state, again.error) == ("completed", None)
        assert sha256s(s3_client, bucket) == {"large.bin": LARGE.sha256}


async def test_transfer_waits_for_its_own_connection(
    make_services: Callable[..., Services],
    halting_hub: HubStandIn,
    s3_server: Any,
    s3_client: Any,
    bucket: str,
    model: Any,
) -> None:
    transfer = await stopped_import(make_services, halting_hub, bucket)

    second = make_services(hf_endpoint=halting_hub.endpoint, s3_endpoint="http://127.0.0.1:9")
    await second.start()
    again = second.transfers.get(transfer.id)
    await ended(second, again)
    assert (again.state, again.needs) == ("paused", "connection")
    second.settings.s3_endpoint = s3_server.endpoint_url
    await second.settings_changed()
    await ended(second, again)
    assert (again.state, again.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == expected(model)
    assert multiparts(s3_client, bucket) == []


@on_rgw_and_https  # moto reports the same date for every multipart upload
async def test_orphaned_uploads_are_aborted_at_start(
    make_services: Callable[..., Services], s3_client: Any, bucket: str
) -> None:
    first = make_services()
    await first.start()
    named = s3_client.create_multipart_upload(Bucket=bucket, Key="named")["UploadId"]
    entry = await first.engine.pending_writes.begin(STREAM, S3Uri(bucket, "named"), first.s3.host)
    await first.engine.pending_writes.set_upload_id(entry, named)
    # The server was killed before it read S3's reply: one of these three uploads is its own.
    await first.engine.pending_writes.begin(STREAM, S3Uri(bucket, "unnamed"), first.s3.host)
    s3_client.create_multipart_upload(Bucket=bucket, Key="unnamed")
    foreign = s3_client.create_multipart_upload(Bucket=bucket, Key="unnamed")["UploadId"]
    s3_client.upload_part(Bucket=bucket, Key="unnamed", UploadId=foreign, PartNumber=1, Body=b"another user's")
    beside = s3_client.create_multipart_upload(Bucket=bucket, Key="unnamed2")["UploadId"]
    await first.stop()

    second = make_services()
    await second.start()
    await second.sweep()
    assert {upload["UploadId"] for upload in multiparts(s3_client, bucket)} == {foreign, beside}


async def test_resumed_deletion_keeps_newer_objects(
    make_services: Callable[..., Services], s3_client: Any, bucket: str, tmp_path: Path
) -> None:
    s3_client.put_object(Bucket=bucket, Key="d/new", Body=b"written since")
    first = make_services()
    await first.start()
    transfer = await begin_deletion(first, bucket, prefixes=["d/"])
    await first.stop()
    assert sha256s(s3_client, bucket).keys() == {"d/new"}, "it ended before its first step"
    journal = sqlite3.connect(tmp_path / "state" / "journal.sqlite")
    with journal:
        journal.execute("UPDATE transfers SET created_at = '2020-01-01T00:00:00+00:00'")
    journal.close()
    second = make_services()
    await second.start()
    again = second.transfers.get(transfer.id)
    await ended(second, again)
    assert (again.state, again.files_done) == ("completed", 0)
    assert sha256s(s3_client, bucket).keys() == {"d/new"}


async def test_file_published_before_the_kill_is_not_a_conflict(
    make_services: Callable[..., Services], halting_hub: HubStandIn, bucket: str, workspace: Path, tmp_path: Path
) -> None:
    first = make_services(hf_endpoint=halting_hub.endpoint)
    await first.start()
    transfer = await begin(first, "copy", "hf://org/model/large.bin", "workspace://large.bin")
    await until(first, lambda: any(entry.parts for entry in first.engine.pending_writes.entries))
    await first.stop()
    (partial,) = listed(workspace)
    # The state after the file is renamed and before that is in the journal.
    partial.write_bytes(LARGE.read())
    partial.rename(workspace / "large.bin")
    found = first.workspace.head("large.bin")
    assert found is not None
    journal = sqlite3.connect(tmp_path / "state" / "journal.sqlite")
    with journal:
        journal.execute("UPDATE pending_writes SET published_pin = ?", (found.pin,))
    journal.close()
    halting_hub.service.faults.clear()
    second = make_services(hf_endpoint=halting_hub.endpoint)
    await second.start()
    again = second.transfers.get(transfer.id)
    await ended(second, again)
    assert (again.state, again.error) == ("completed", None)
    assert [path.name for path in listed(workspace)] == ["large.bin"]
    assert second.engine.pending_writes.entries == []


async def test_resumed_transfer_continues_the_partial_workspace_file(
    make_services: Callable[..., Services], halting_hub: HubStandIn, bucket: str, workspace: Path
) -> None:
    first = make_services(hf_endpoint=halting_hub.endpoint)
    await first.start()
    transfer = await begin(first, "copy", "hf://org/model/", "workspace://m/")
    await until(first, lambda: any(len(entry.parts) >= 2 for entry in first.engine.pending_writes.entries))
    await first.stop()
    assert not (workspace / "m" / "large.bin").exists()
    halting_hub.service.faults.clear()
    second = make_services(hf_endpoint=halting_hub.endpoint)
    await second.start()
    again = second.transfers.get(transfer.id)
    assert again.bytes_done >= 2 * PART_SIZE
    await ended(second, again)
    assert (again.state, again.error) == ("completed", None)
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (workspace / "m").iterdir()} == {
        "config.json": hashlib.sha256(b"{}").hexdigest(),
        "large.bin": LARGE.sha256,
        "small.bin": SMALL.sha256,
    }
