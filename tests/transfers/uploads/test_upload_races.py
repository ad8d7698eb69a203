"""Resumable uploads with conflicts: existing objects, several clients, uploads that are discarded."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from odhtec_jupyter.errors import (
    BadRequest,
    Conflict,
    NotFound,
    OdhTecError,
    SlowSender,
    Unreachable,
)
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads import part_buffer
from odhtec_jupyter.transfers.uploads.sessions import Uploads
from tests.content import body_of, multiparts, noise
from tests.transfers.sending import CHUNK, SIZE, put, request, send_all_parts
from tests.transfers.steps import Hold, kept_waiting
from tests.waiting import GIVE_UP_SECONDS

# moto dates all unfinished uploads 2010.


@pytest.mark.parametrize("size", [0, SIZE])
async def test_on_conflict_applies_when_the_key_exists(
    uploads: Uploads, engine: Engine, s3_client: Any, bucket: str, size: int
) -> None:
    data = noise(size)
    s3_client.put_object(Bucket=bucket, Key="k.txt", Body=b"before")
    with pytest.raises(Conflict):
        await uploads.begin(request(bucket, "k.txt", size))
    assert (uploads.show_all().uploads, engine.pending_writes.entries) == ([], [])
    renamed, _ = await uploads.begin(request(bucket, "k.txt", size, on_conflict="rename"))
    assert renamed.key == "k (1).txt"
    again, continues = await uploads.begin(request(bucket, "k.txt", size, on_conflict="rename"))
    assert (continues, again.upload_id) == (True, renamed.upload_id)
    other, _ = await uploads.begin(request(bucket, "k.txt", size, on_conflict="rename", last_modified=2))
    assert other.key == "k (2).txt"
    for upload in (renamed, other):
        await put(uploads, upload, data, *range(1, upload.part_count + 1))
        await uploads.complete(upload.upload_id, overwrite=False)
        assert body_of(s3_client, bucket, upload.key) == data
    assert body_of(s3_client, bucket, "k.txt") == b"before"
    over, continues = await uploads.begin(request(bucket, "k.txt", size, on_conflict="overwrite"))
    assert not continues
    await put(uploads, over, data, *range(1, over.part_count + 1))
    assert body_of(s3_client, bucket, "k.txt") == b"before"
    await uploads.complete(over.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k.txt") == data


@pytest.mark.parametrize("size", [0, 5, SIZE])
async def test_complete_conflicts_when_the_key_was_created_in_the_meantime(
    uploads: Uploads, engine: Engine, s3_client: Any, bucket: str, size: int
) -> None:
    data = noise(size)
    for overwrite_at_complete in (True, False):
        key = f"k{overwrite_at_complete}"
        upload, _ = await uploads.begin(request(bucket, key, size))
        await put(uploads, upload, data, *range(1, upload.part_count + 1))
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"another user's")
        for _ in range(2):
            with pytest.raises(Conflict) as caught:
                await uploads.complete(upload.upload_id, overwrite=False)
            assert caught.value.code == "Conflict"
            assert body_of(s3_client, bucket, key) == b"another user's"
            assert (await uploads.show(upload.upload_id)).bytes_done == size
        if not overwrite_at_complete:  # selected by starting again
            with pytest.raises(Conflict):
                await uploads.begin(request(bucket, key, size))
            again, continues = await uploads.begin(request(bucket, key, size, on_conflict="overwrite"))
            assert (continues, again.upload_id, again.bytes_done) == (True, upload.upload_id, size)
        await uploads.complete(upload.upload_id, overwrite=overwrite_at_complete)
        assert body_of(s3_client, bucket, key) == data
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


async def test_two_clients_upload_the_same_file(uploads: Uploads, engine: Engine, s3_client: Any, bucket: str) -> None:
    data = noise(SIZE)
    started = await asyncio.gather(*(uploads.begin(request(bucket)) for _ in range(3)))
    assert len({upload.upload_id for upload, _ in started}) == 1
    assert sorted(continues for _, continues in started) == [False, True, True]
    upload = started[0][0]
    await asyncio.gather(*(put(uploads, upload, data, 1, 2, 3) for _ in range(3)))
    assert len(multiparts(s3_client, bucket)) == 1
    failures: list[OdhTecError] = []
    late = await uploads.receive(upload.upload_id, 1, PART_SIZE, failures.append)
    await late.write(data[:100])
    results = await asyncio.gather(
        *(uploads.complete(upload.upload_id, overwrite=False) for _ in range(3)),
        put(uploads, upload, data, 2),
        return_exceptions=True,
    )
    answers = results[:3]
    assert answers[0] == answers[1] == answers[2] == await uploads.complete(upload.upload_id, overwrite=False)
    assert [error.code for error in failures] == ["NoSuchUpload"]
    for attempt in (late.write(data[100:200]), put(uploads, upload, data, 1), uploads.show(upload.upload_id)):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "NoSuchUpload"
    assert body_of(s3_client, bucket, "k") == data
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


async def test_complete_waits_for_parts_being_stored(
    uploads: Uploads, engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is sent again during a Complete can be one that S3 has just removed."""
    data = noise(SIZE)
    upload = await send_all_parts(uploads, bucket, data)
    calls: list[str] = []
    hold = Hold()
    put_part, complete = store.put_part, store.complete_multipart

    def slow(*args: Any, **options: Any) -> str:
        hold.wait()
        etag = put_part(*args, **options)
        calls.append("part")
        return etag

    def noted(*args: Any, **options: Any) -> str | None:
        calls.append("complete")
        return complete(*args, **options)

    monkeypatch.setattr(store, "put_part", slow)
    monkeypatch.setattr(store, "complete_multipart", noted)
    again = asyncio.ensure_future(put(uploads, upload, data, 2))
    await hold.reached()
    completing = await kept_waiting(engine, uploads.complete(upload.upload_id, overwrite=False))
    hold.free()
    await completing
    await again
    assert calls == ["part", "complete"]
    assert body_of(s3_client, bucket, "k") == data


async def test_drop_during_upload_keeps_the_existing_object(
    uploads: Uploads, engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"before")
    data = noise(SIZE)
    upload, _ = await uploads.begin(request(bucket, on_conflict="overwrite"))
    await put(uploads, upload, data, 3)
    hold, put_part = Hold(), store.put_part

    def slow(*args: Any, **options: Any) -> str:
        hold.wait()
        return put_part(*args, **options)

    monkeypatch.setattr(store, "put_part", slow)
    storing = asyncio.ensure_future(put(uploads, upload, data, 1))
    failures: list[OdhTecError] = []
    receiving = await uploads.receive(upload.upload_id, 2, PART_SIZE, failures.append)
    await receiving.write(data[:CHUNK])
    await hold.reached()
    dropping = await kept_waiting(engine, uploads.drop(upload.upload_id))
    hold.free()
    await dropping
    with pytest.raises(NotFound):
        await storing
    with pytest.raises(NotFound):
        await receiving.write(data[:CHUNK])
    assert [error.code for error in failures] == ["NoSuchUpload"]
    with pytest.raises(NotFound):
        await uploads.drop(upload.upload_id)
    assert body_of(s3_client, bucket, "k") == b"before"
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries, engine.budget.used) == ([], [], 0)


async def test_drop_while_s3_creates_the_upload_leaves_none(
    uploads: Uploads, engine: Engine, store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, _ = await uploads.begin(request(bucket))
    hold, create = Hold(), store.create_multipart

    def slow(*args: Any, **options: Any) -> str:
        upload_id = create(*args, **options)
        hold.wait()
        return upload_id

    monkeypatch.setattr(store, "create_multipart", slow)
    failures: list[OdhTecError] = []
    receiving = asyncio.ensure_future(uploads.receive(upload.upload_id, 1, PART_SIZE, failures.append))
    await hold.reached()
    dropping = await kept_waiting(engine, uploads.drop(upload.upload_id))
    hold.free()
    await dropping
    with pytest.raises(NotFound):
        await receiving
    assert [error.code for error in failures] == ["NoSuchUpload"]
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


async def test_upload_that_cannot_be_aborted_is_left_to_the_sweeper(
    uploads: Uploads, engine: Engine, store: S3Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, noise(SIZE), 1)

    def unreachable(*args: Any) -> None:
        raise Unreachable("no answer")

    monkeypatch.setattr(store, "abort_multipart", unreachable)
    await uploads.drop(upload.upload_id)
    assert [(entry.owner, entry.live) for entry in engine.pending_writes.entries] == [(STREAM, False)]
    assert uploads.show_all().uploads == []


async def test_incomplete_part_stores_nothing(uploads: Uploads, engine: Engine, bucket: str) -> None:
    data = noise(SIZE)
    upload, _ = await uploads.begin(request(bucket))
    part = await uploads.receive(upload.upload_id, 1, PART_SIZE, lambda error: None)
    await part.write(data[: PART_SIZE - 1])
    with pytest.raises(BadRequest, match="fewer"):
        await part.finish()
    gone = await uploads.receive(upload.upload_id, 1, PART_SIZE, lambda error: None)
    await gone.write(data[:100])
    await gone.abort()
    await gone.abort()
    with pytest.raises(BadRequest):
        await gone.write(data[:100])
    longer = await uploads.receive(upload.upload_id, 1, PART_SIZE, lambda error: None)
    with pytest.raises(BadRequest, match="more"):
        await longer.write(data[: PART_SIZE + 1])
    await longer.abort()
    assert (await uploads.show(upload.upload_id)).parts == []
    assert engine.budget.used == 0


async def test_stalled_upload_is_aborted_when_others_wait_for_memory(
    store: S3Store, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_buffer, "MAX_IDLE_SECONDS", 0.2)
    journal = Journal(None, log=logging.getLogger("odhtec-test"))
    engine = Engine(max_memory=4 * PART_SIZE, max_concurrent_transfers=2, journal=journal)  # two parts for uploads
    uploads = Uploads(engine, lambda name: store, keep_days=7)
    data = noise(SIZE)
    upload, _ = await uploads.begin(request(bucket))
    failures: list[OdhTecError] = []
    slow = [await uploads.receive(upload.upload_id, number, PART_SIZE, failures.append) for number in (1, 2)]
    for part in slow:
        await part.write(b"a little")
    await asyncio.wait_for(put(uploads, upload, data, 3, 1), GIVE_UP_SECONDS)
    assert failures
    assert all(isinstance(error, SlowSender) for error in failures)
    for part in slow:
        await part.abort()
    await put(uploads, upload, data, 2)
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data
    assert engine.budget.used == 0
    engine.close()
    journal.close()
