"""Streamed uploads to real stores: the stored object, and what is left after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, SlowSender, StoreError, Unreachable
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.uploads import part_buffer
from odhtec_jupyter.transfers.uploads.streamed_upload import StreamedUpload
from tests.content import body_of, multiparts, noise
from tests.transfers.steps import Hold, kept_waiting, turns
from tests.waiting import GIVE_UP_SECONDS

CHUNK = 65536


async def send(upload: StreamedUpload, data: bytes) -> None:
    for start in range(0, len(data), CHUNK):
        await upload.write(data[start : start + CHUNK])


@pytest.mark.parametrize(
    "size",
    [0, 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, pytest.param(3 * PART_SIZE + 5, marks=pytest.mark.tls)],
)
@pytest.mark.parametrize("size_is_known", [True, False])
async def test_stored_object_equals_the_sent_bytes(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, size: int, size_is_known: bool
) -> None:
    data = noise(size)
    upload = StreamedUpload(engine, S3Target(store, bucket, "a b+c%2F/日本"), size=size if size_is_known else None)
    await send(upload, data)
    etag = await upload.finish()
    head = s3_client.head_object(Bucket=bucket, Key="a b+c%2F/日本")
    assert etag == head["ETag"]
    assert body_of(s3_client, bucket, "a b+c%2F/日本") == data
    assert multiparts(s3_client, bucket) == []


@pytest.mark.tls
async def test_abort_keeps_the_existing_object(engine: Engine, store: S3Store, s3_client: Any, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"before")
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=5 * PART_SIZE)
    await send(upload, noise(2 * PART_SIZE + 7))
    await upload.abort()
    await upload.abort()
    assert body_of(s3_client, bucket, "k") == b"before"
    assert multiparts(s3_client, bucket) == []
    with pytest.raises(BadRequest):
        await upload.write(b"more")


@pytest.mark.parametrize("size", [10, 2 * PART_SIZE])
async def test_upload_shorter_than_announced_is_refused(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, size: int
) -> None:
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=size)
    await send(upload, noise(size - 1))
    with pytest.raises(BadRequest, match="Content-Length"):
        await upload.finish()
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)
    assert multiparts(s3_client, bucket) == []


async def test_upload_longer_than_announced_is_refused(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str
) -> None:
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=PART_SIZE + 10)
    with pytest.raises(BadRequest, match="Content-Length"):
        await send(upload, noise(PART_SIZE + 11))
    await upload.abort()
    assert "Contents" not in s3_client.list_objects_v2(Bucket=bucket)
    assert multiparts(s3_client, bucket) == []


async def test_if_absent_never_overwrites(engine: Engine, store: S3Store, s3_client: Any, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"before")
    upload = StreamedUpload(engine, S3Target(store, bucket, "k", if_absent=True), size=5)
    await upload.write(b"after")
    with pytest.raises(StoreError) as caught:
        await upload.finish()
    assert caught.value.status == 412
    assert body_of(s3_client, bucket, "k") == b"before"


async def test_abort_waits_for_a_running_complete(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ceph RGW replies to both with success, and later removes the parts of the visible object."""
    calls: list[str] = []
    hold = Hold()
    complete, abort = store.complete_multipart, store.abort_multipart

    def slow_complete(*args: Any, **options: Any) -> Any:
        calls.append("complete")
        hold.wait()
        result = complete(*args, **options)
        calls.append("completed")
        return result

    def noted_abort(*args: Any) -> None:
        calls.append("abort")
        abort(*args)

    monkeypatch.setattr(store, "complete_multipart", slow_complete)
    monkeypatch.setattr(store, "abort_multipart", noted_abort)
    data = noise(2 * PART_SIZE)
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=len(data))
    await send(upload, data)
    finishing = asyncio.ensure_future(upload.finish())
    await hold.reached()
    aborting = await kept_waiting(engine, upload.abort())
    hold.free()
    await aborting
    await finishing
    assert calls == ["complete", "completed"]
    assert body_of(s3_client, bucket, "k") == data


async def test_object_created_during_the_upload_is_not_replaced(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str
) -> None:
    """Ceph RGW ignores If-None-Match on Complete, so the key is checked just before."""
    data = noise(2 * PART_SIZE)
    upload = StreamedUpload(engine, S3Target(store, bucket, "k", if_absent=True), size=len(data))
    await send(upload, data)
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"another user's")
    with pytest.raises(OdhTecError) as caught:
        await upload.finish()
    assert caught.value.status in {409, 412}
    assert body_of(s3_client, bucket, "k") == b"another user's"
    assert multiparts(s3_client, bucket) == []


async def test_abort_while_s3_creates_the_upload_leaves_none(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, create = Hold(), store.create_multipart

    def slow_create(*args: Any, **options: Any) -> str:
        upload_id = create(*args, **options)
        hold.wait()
        return upload_id

    monkeypatch.setattr(store, "create_multipart", slow_create)
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=3 * PART_SIZE)
    sending = asyncio.ensure_future(send(upload, noise(2 * PART_SIZE)))
    await hold.reached()
    sending.cancel()
    await turns()
    hold.free()
    with contextlib.suppress(asyncio.CancelledError, OdhTecError):
        await sending
    await upload.abort()
    assert multiparts(s3_client, bucket) == []


async def test_put_succeeds_when_only_its_reply_is_lost(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = store.put
    lost: list[str] = []

    def forgetful_put(*args: Any, **options: Any) -> str:
        etag = put(*args, **options)
        if not lost:
            lost.append(etag)
            raise Unreachable("the reply was lost")
        return etag

    monkeypatch.setattr(store, "put", forgetful_put)
    upload = StreamedUpload(engine, S3Target(store, bucket, "k", if_absent=True), size=5)
    await upload.write(b"hello")
    assert await upload.finish() == lost[0]
    assert body_of(s3_client, bucket, "k") == b"hello"


@pytest.mark.tls
async def test_upload_stops_when_the_bucket_is_missing(engine: Engine, store: S3Store, bucket: str) -> None:
    upload = StreamedUpload(engine, S3Target(store, bucket + "-not", "k"), size=3 * PART_SIZE)
    with pytest.raises(StoreError) as caught:
        await send(upload, noise(3 * PART_SIZE))
    await upload.abort()
    assert caught.value.code == "NoSuchBucket"


async def test_stalled_upload_is_aborted_when_others_wait_for_memory(
    store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_buffer, "MAX_IDLE_SECONDS", 0.2)
    journal = Journal(None, log=logging.getLogger("odhtec-test"))
    engine = Engine(max_memory=4 * PART_SIZE, max_concurrent_transfers=2, journal=journal)  # two parts for uploads
    failures: list[Exception] = []
    slow = [
        StreamedUpload(engine, S3Target(store, bucket, f"slow{n}"), size=PART_SIZE, on_failure=failures.append)
        for n in range(2)
    ]
    for upload in slow:
        await upload.write(b"a little")
    data = noise(PART_SIZE)
    quick = StreamedUpload(engine, S3Target(store, bucket, "quick"), size=PART_SIZE)
    await asyncio.wait_for(send(quick, data), GIVE_UP_SECONDS)
    await quick.finish()
    assert body_of(s3_client, bucket, "quick") == data
    assert failures
    assert all(isinstance(error, SlowSender) for error in failures)
    for upload in slow:
        await upload.abort()
    assert engine.budget.used == 0
    engine.close()
    journal.close()


async def test_stalled_upload_is_kept_while_no_other_upload_waits_for_memory(
    engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_buffer, "MAX_IDLE_SECONDS", 0.05)
    upload = StreamedUpload(engine, S3Target(store, bucket, "k"), size=10)
    await upload.write(b"01234")
    looks: asyncio.Queue[bool] = asyncio.Queue()
    contended = engine.budget.contended

    def checked(lane: Any) -> bool:
        looks.put_nowait(contended(lane))
        return contended(lane)

    monkeypatch.setattr(engine.budget, "contended", checked)
    for _ in range(2):
        assert not await asyncio.wait_for(looks.get(), GIVE_UP_SECONDS)
    await upload.write(b"56789")
    await upload.finish()
    assert body_of(s3_client, bucket, "k") == b"0123456789"
