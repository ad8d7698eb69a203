"""Files over one fast connection: read, hashed and sent block by block, in large parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Cut, Halt, WrongByte
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.errors import answer_error
from odhtec_jupyter.transfers.copying import connection_scaler, part_progress
from odhtec_jupyter.transfers.runtime import parts
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from tests.content import multiparts
from tests.marks import on_moto
from tests.transfers.steps import Hold, begin, ended, sha256s, until

STREAM_SIZE = 2 * PART_SIZE  # instead of 64 MiB
# The first part measures the speed. Two large parts and the rest follow.
LARGE = SyntheticContent(PART_SIZE + 2 * STREAM_SIZE + 11 * MIB + 7, seed=8)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every connection count as fast."""
    monkeypatch.setattr(parts, "STREAM_SIZE", STREAM_SIZE)
    monkeypatch.setattr(connection_scaler, "FAST_BYTES_PER_SECOND", 0)
    monkeypatch.setattr(connection_scaler, "SLOW_BYTES_PER_SECOND", 0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Number and size of each part whose request has started."""
    parts: list[tuple[int, int]] = []
    real = S3Store.put_part

    def put_part(
        store: S3Store, bucket: str, key: str, upload: str, number: int, blocks: Any, size: int, **kwargs: Any
    ) -> str:
        parts.append((number, size))
        return real(store, bucket, key, upload, number, blocks, size, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    return parts


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The byte counts that a file has reported, one for each block."""
    monkeypatch.setattr(part_progress, "REPORT_INTERVAL_SECONDS", 0)
    counts: list[int] = []
    real = TransferFile.add

    def add(file: TransferFile, count: int) -> None:
        counts.append(count)
        real(file, count)

    monkeypatch.setattr(TransferFile, "add", add)
    return counts


async def start_import(services: Services, hub: HubStandIn, bucket: str, **fields: Any) -> Transfer:
    hub.add(Repository("org/model")).commit({"large.bin": LARGE})
    return await begin(services, "copy", "hf://org/model/", f"s3://{bucket}/", **fields)


def require_object(client: Any, bucket: str, parts: int | None = None) -> None:
    assert sha256s(client, bucket) == {"large.bin": LARGE.sha256}
    assert multiparts(client, bucket) == []
    if parts:
        assert client.head_object(Bucket=bucket, Key="large.bin")["ETag"].endswith(f'-{parts}"')


@pytest.mark.tls
async def test_object_of_large_parts_and_its_ranges_are_correct(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, sent: list[tuple[int, int]]
) -> None:
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sent == [(1, PART_SIZE), (2, STREAM_SIZE), (3, STREAM_SIZE), (4, 11 * MIB + 7)]
    require_object(s3_client, bucket, 4)
    start = PART_SIZE + STREAM_SIZE - 5
    body = s3_client.get_object(Bucket=bucket, Key="large.bin", Range=f"bytes={start}-{start + 9}")["Body"].read()
    assert body == LARGE.read(start, start + 10)
    assert transfer.bytes_done == LARGE.size


@on_moto
async def test_streamed_copy_uses_the_memory_of_one_block(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    real = S3Store.put_part

    def put_part(store: S3Store, *args: Any, **kwargs: Any) -> str:
        used.append(services.engine.budget.used)
        return real(store, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    await ended(services, await start_import(services, hub, bucket))
    assert used == [PART_SIZE, MIB, MIB, MIB]


async def test_progress_is_reported_during_a_part_and_withdrawn_when_it_fails(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, reported: list[int]
) -> None:
    hub.inject(Halt(PART_SIZE + 10 * MIB), "*large.bin", host="cdn", times=None)
    transfer = await start_import(services, hub, bucket)
    await until(services, lambda: transfer.bytes_done >= PART_SIZE + 9 * MIB)
    assert sum(len(entry.parts) for entry in services.engine.pending_writes.entries) == 1
    await services.transfers.pause(transfer.id)
    assert transfer.bytes_done == PART_SIZE, "bytes of a part that is not stored do not count"
    hub.service.faults.clear()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error, transfer.bytes_done) == ("completed", None, LARGE.size)
    require_object(s3_client, bucket, 4)


@on_moto
async def test_torn_connection_continues_at_the_same_byte(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, sent: list[tuple[int, int]]
) -> None:
    hub.inject(Cut(after=10 * MIB + 5), "*large.bin", host="cdn", method="GET", times=3)
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert len(sent) == 4, "no part is sent twice"
    require_object(s3_client, bucket, 4)


@on_moto
async def test_failed_part_is_sent_again_and_each_byte_counts_once(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    reported: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, failures = S3Store.put_part, iter([2, 3, 3])
    failing = next(failures)

    def put_part(
        store: S3Store,
        bucket: str,
        key: str,
        upload: str,
        number: int,
        blocks: Iterable[memoryview],
        *args: Any,
        **kw: Any,
    ) -> str:
        nonlocal failing
        if number == failing:
            failing = next(failures, 0)
            for _, _ in zip(range(5), blocks, strict=False):
                pass
            raise StoreError("busy", code="SlowDown", status=503)
        return real(store, bucket, key, upload, number, blocks, *args, **kw)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    monkeypatch.setattr("odhtec_jupyter.transfers.runtime.retry.FIRST_DELAY_SECONDS", 0.01)
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert not failing
    assert all(count >= 0 for count in reported)
    assert sum(reported) == transfer.bytes_done == LARGE.size
    require_object(s3_client, bucket, 4)


@on_moto
async def test_parts_stay_small_when_large_requests_are_refused(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    sent: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = S3Store.put_part

    def put_part(
        store: S3Store, bucket: str, key: str, upload: str, number: int, blocks: Any, size: int, **kwargs: Any
    ) -> str:
        if size > PART_SIZE:
            sent.append((number, size))
            raise answer_error(413, "", "", "PutObject")
        return real(store, bucket, key, upload, number, blocks, size, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error, transfer.bytes_done) == ("completed", None, LARGE.size)
    assert [size for _, size in sent if size > PART_SIZE] == [STREAM_SIZE], "only one large part is tried"
    require_object(s3_client, bucket, 1 + 2 * STREAM_SIZE // PART_SIZE + 2)


@on_moto
async def test_corrupted_file_is_transferred_again(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str
) -> None:
    hub.inject(WrongByte(17), "*large.bin", host="cdn", method="GET", times=1)
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error, transfer.bytes_done) == ("completed", None, LARGE.size)
    require_object(s3_client, bucket)


async def test_only_missing_parts_are_sent_after_a_pause(
    make_services: Callable[..., Services],
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    sent: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = make_services()
    await services.start()
    hold, real = Hold(), S3Store.put_part

    def put_part(store: S3Store, bucket: str, key: str, upload: str, number: int, *args: Any, **kwargs: Any) -> str:
        if number == 3 and not hold.met.is_set():
            hold.wait()
        return real(store, bucket, key, upload, number, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    transfer = await start_import(services, hub, bucket)
    await hold.reached()
    await until(services, lambda: any({1, 2} <= set(entry.parts) for entry in services.engine.pending_writes.entries))
    await hold.free_after(services.transfers.pause(transfer.id))
    assert transfer.state == "paused"
    sent.clear()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert [number for number, _ in sent] == [3, 4], "stored parts are read for the checksum and not sent"
    require_object(s3_client, bucket, 4)


@on_moto
async def test_more_connections_are_used_when_one_becomes_slow(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = connection_scaler.ConnectionScaler.judge

    def judge(one: connection_scaler.ConnectionScaler, rate: float) -> bool:
        return real(one, 0 if one.streams else rate)

    monkeypatch.setattr(connection_scaler.ConnectionScaler, "judge", judge)
    monkeypatch.setattr(connection_scaler, "SLOW_BYTES_PER_SECOND", 1)
    transfer = await ended(services, await start_import(services, hub, bucket))
    assert (transfer.state, transfer.error) == ("completed", None)
    require_object(s3_client, bucket, 2 + STREAM_SIZE // PART_SIZE + 2)


@on_moto
async def test_parts_stay_small_when_the_store_verifies_each_part(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, reported: list[int]
) -> None:
    transfer = await ended(services, await start_import(services, hub, bucket, verify="full"))
    assert (transfer.state, transfer.error) == ("completed", None)
    require_object(s3_client, bucket, 1 + 2 * STREAM_SIZE // PART_SIZE + 2)
    assert 0 < max(reported) <= MIB, "small parts also report their bytes while they are sent"


@on_moto
async def test_large_parts_are_used_from_and_to_the_workspace(
    services: Services, workspace: Path, s3_client: Any, bucket: str
) -> None:
    with (workspace / "large.bin").open("wb") as file:
        for start in range(0, LARGE.size, 8 * MIB):
            file.write(LARGE.read(start, min(start + 8 * MIB, LARGE.size)))
    transfer = await ended(services, await begin(services, "copy", "workspace://large.bin", f"s3://{bucket}/large.bin"))
    assert (transfer.state, transfer.error) == ("completed", None)
    require_object(s3_client, bucket, 4)
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/large.bin", "workspace://back.bin"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert (workspace / "back.bin").read_bytes() == (workspace / "large.bin").read_bytes()
