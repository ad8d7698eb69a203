"""Resumable uploads to real stores: parts in any order, restarts, lost uploads, expiry."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.errors import (
    BadRequest,
    Conflict,
    NotFound,
    OdhTecError,
    StoreError,
    TooLarge,
)
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads import upload_session
from odhtec_jupyter.transfers.uploads.sessions import Uploads
from odhtec_jupyter.uris import S3Uri
from tests.content import body_of, multiparts, noise
from tests.marks import on_moto, on_rgw_and_https
from tests.transfers.sending import KEYS, SIZE, put, request

# moto dates all unfinished uploads 2010.


@pytest.mark.parametrize(
    "size", [0, 1, PART_SIZE, PART_SIZE + 1, pytest.param(3 * PART_SIZE + 5, marks=pytest.mark.tls)]
)
@pytest.mark.parametrize("verify", ["source", "full"])
async def test_parts_in_any_order_make_the_object(
    uploads: Uploads, engine: Engine, s3_client: Any, bucket: str, size: int, verify: str
) -> None:
    data = noise(size)
    upload, continues = await uploads.begin(request(bucket, "a.json", size, verify=verify))
    assert (continues, upload.parts, upload.part_size) == (False, [], PART_SIZE)
    assert upload.part_count == -(-size // PART_SIZE)
    assert multiparts(s3_client, bucket) == []
    await put(uploads, upload, data, *range(upload.part_count, 0, -1))
    shown = await uploads.show(upload.upload_id)
    assert sum(part.size for part in shown.parts) == shown.bytes_done == size
    assert [part.number for part in shown.parts] == list(range(1, upload.part_count + 1))
    assert uploads.show_all().uploads[0].bytes_done == size
    result = await uploads.complete(upload.upload_id, overwrite=False)
    head = s3_client.head_object(Bucket=bucket, Key="a.json")
    assert (result.ETag, result.size, head["ContentType"]) == (head["ETag"], size, "application/json")
    assert body_of(s3_client, bucket, "a.json") == data
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries, uploads.show_all().uploads) == ([], [], [])


async def test_upload_supports_keys_of_every_kind(uploads: Uploads, s3_client: Any, bucket: str) -> None:
    for key in KEYS:
        upload, _ = await uploads.begin(request(bucket, key, 3))
        await put(uploads, upload, b"abc", 1)
        assert (await uploads.show(upload.upload_id)).bytes_done == 3
        await uploads.complete(upload.upload_id, overwrite=False)
        assert body_of(s3_client, bucket, key) == b"abc", key
        upload, _ = await uploads.begin(request(bucket, key, 3, on_conflict="overwrite"))
        await put(uploads, upload, b"xyz", 1)
        await uploads.drop(upload.upload_id)
        assert body_of(s3_client, bucket, key) == b"abc", key
    assert multiparts(s3_client, bucket) == []


async def test_upload_of_the_same_file_is_resumed_and_of_another_is_not(uploads: Uploads, bucket: str) -> None:
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, noise(SIZE), 2)
    again, continues = await uploads.begin(request(bucket))
    assert continues
    assert again.upload_id == upload.upload_id
    assert [part.number for part in again.parts] == [2]
    others = [
        request(bucket, size=SIZE + 1),
        request(bucket, last_modified=1),
        request(bucket, last_modified=None),
        request(bucket, last_modified=None),
        request(bucket, "l"),
        request(bucket, content_type="text/x-other"),
    ]
    ids = {upload.upload_id}
    for other in others:
        other_upload, continues = await uploads.begin(other)
        assert not continues
        ids.add(other_upload.upload_id)
    assert len(ids) == 1 + len(others)
    listed = uploads.show_all().uploads
    assert [one.parts for one in listed] == [[]] * len(ids)
    assert (listed[-1].upload_id, listed[-1].bytes_done) == (upload.upload_id, PART_SIZE)
    for one in listed:
        await uploads.drop(one.upload_id)


async def test_only_missing_parts_are_sent_after_a_server_restart(
    start: Callable[[], tuple[Engine, Uploads]], store: S3Store, s3_client: Any, bucket: str, monkeypatch: Any
) -> None:
    data = noise(SIZE)
    _, uploads = start()
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, data, 1, 3)
    sent: list[int] = []
    put_part = store.put_part

    def noted(bucket: str, key: str, upload_id: str, number: int, *args: Any, **options: Any) -> str:
        sent.append(number)
        return put_part(bucket, key, upload_id, number, *args, **options)

    monkeypatch.setattr(store, "put_part", noted)
    engine, uploads = start()
    assert uploads.show_all().uploads[0].bytes_done == PART_SIZE + 5
    assert (await uploads.show(upload.upload_id)).created_at == upload.created_at
    again, continues = await uploads.begin(request(bucket))
    assert continues
    assert again.upload_id == upload.upload_id
    assert [part.number for part in again.parts] == [1, 3]
    await put(uploads, upload, data, 2)
    assert sent == [2]
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data
    assert engine.pending_writes.entries == []
    _, uploads = start()
    assert uploads.show_all().uploads == []
    with pytest.raises(NotFound):
        await uploads.complete(upload.upload_id, overwrite=False)


@on_rgw_and_https
async def test_upload_continues_after_a_kill_before_its_upload_id_was_known(
    start: Callable[[], tuple[Engine, Uploads]], store: S3Store, s3_client: Any, bucket: str
) -> None:
    data = noise(SIZE)
    engine, uploads = start()
    upload, _ = await uploads.begin(request(bucket, "日本 +"))
    await engine.pending_writes.begin(Owner("upload", upload.upload_id), S3Uri(bucket, "日本 +"), store.host)
    store.create_multipart(bucket, "日本 +")
    engine, uploads = start()
    assert (await uploads.show(upload.upload_id)).parts == []
    await put(uploads, upload, data, 1, 2, 3)
    assert len(multiparts(s3_client, bucket)) == 1
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "日本 +") == data
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


async def test_multipart_upload_of_a_forgotten_upload_is_left_to_the_sweeper(
    start: Callable[[], tuple[Engine, Uploads]], store: S3Store, bucket: str
) -> None:
    engine, uploads = start()
    await engine.pending_writes.begin(Owner("upload", "0123"), S3Uri(bucket, "k"), store.host)
    engine, uploads = start()
    await uploads.expire()
    assert [entry.owner for entry in engine.pending_writes.entries] == [STREAM]


async def test_upload_that_s3_removed_starts_again(
    uploads: Uploads, engine: Engine, s3_client: Any, bucket: str
) -> None:
    data = noise(SIZE)
    for call in ("show", "complete", "part", "begin"):
        upload, continues = await uploads.begin(request(bucket, call))
        assert not continues
        await put(uploads, upload, data, 1, 2)
        (lost,) = s3_client.list_multipart_uploads(Bucket=bucket)["Uploads"]
        s3_client.abort_multipart_upload(Bucket=bucket, Key=call, UploadId=lost["UploadId"])
        with pytest.raises(OdhTecError) as caught:  # noqa: PT012
            if call == "show":
                await uploads.show(upload.upload_id)
            elif call == "complete":
                await uploads.complete(upload.upload_id, overwrite=False)
            elif call == "part":
                with contextlib.suppress(StoreError):  # moto notices it only then, too
                    await put(uploads, upload, data, 3)
                await put(uploads, upload, data, 3)
            else:
                other_upload, continues = await uploads.begin(request(bucket, call))
                assert not continues
                assert other_upload.upload_id != upload.upload_id
                await uploads.drop(other_upload.upload_id)
                await uploads.show(upload.upload_id)
        assert (caught.value.code, caught.value.status) == ("NoSuchUpload", 404), call
        if call != "begin":
            restarted, continues = await uploads.begin(request(bucket, call))
            assert not continues
            await put(uploads, restarted, data, 1, 2, 3)
            await uploads.complete(restarted.upload_id, overwrite=False)
            assert body_of(s3_client, bucket, call) == data
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


async def test_journal_is_used_when_parts_cannot_be_listed(
    start: Callable[[], tuple[Engine, Uploads]], store: S3Store, s3_client: Any, bucket: str, monkeypatch: Any
) -> None:
    def refused(*args: Any) -> Any:
        raise StoreError("not for you", code="AccessDenied", status=403)

    monkeypatch.setattr(store, "list_parts", refused)
    data = noise(SIZE)
    _, uploads = start()
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, data, 1, 2)
    _, uploads = start()
    assert [part.number for part in (await uploads.show(upload.upload_id)).parts] == [1, 2]
    await put(uploads, upload, data, 3)
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data


@on_moto
async def test_abandoned_upload_expires(
    start: Callable[[], tuple[Engine, Uploads]], s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(SIZE)
    _, uploads = start()
    real = upload_session.time.time

    def long_ago() -> float:
        return real() - 8 * 86400

    monkeypatch.setattr(upload_session.time, "time", long_ago)
    old, _ = await uploads.begin(request(bucket, "old"))
    resumed, _ = await uploads.begin(request(bucket, "resumed"))
    for upload in (old, resumed):
        await put(uploads, upload, data, 1)
    monkeypatch.setattr(upload_session.time, "time", real)
    new, _ = await uploads.begin(request(bucket, "new"))
    await put(uploads, new, data, 1)
    await put(uploads, resumed, data, 2)
    engine, uploads = start()
    await uploads.expire()
    assert {upload.key for upload in uploads.show_all().uploads} == {"new", "resumed"}
    assert {upload["Key"] for upload in multiparts(s3_client, bucket)} == {"new", "resumed"}
    assert len(engine.pending_writes.entries) == 2
    for upload in (resumed, new):
        await put(uploads, upload, data, 1, 2, 3)
        await uploads.complete(upload.upload_id, overwrite=False)
        assert body_of(s3_client, bucket, upload.key) == data


@on_moto
async def test_upload_is_rejected_at_another_store(engine: Engine, store: S3Store, bucket: str, s3_client: Any) -> None:
    other = S3Store(S3Connection(endpoint="http://127.0.0.1:9"), Network())
    present = [store]
    uploads = Uploads(engine, lambda name: present[0], keep_days=7)
    data = noise(SIZE)
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, data, 1)
    present[0] = other
    for attempt in (
        uploads.show(upload.upload_id),
        uploads.complete(upload.upload_id, overwrite=False),
        uploads.drop(upload.upload_id),
        put(uploads, upload, data, 2),
    ):
        with pytest.raises(Conflict, match="started at") as caught:
            await attempt
        assert caught.value.code == "OtherConnection"
    assert uploads.show_all().uploads == []
    # The same service with other keys is the same store.
    present[0] = S3Store(store.connection, Network())
    await put(uploads, upload, data, 2, 3)
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data
    for one in (other, present[0]):
        one.close()


@on_moto
async def test_invalid_upload_is_refused_before_it_is_created(uploads: Uploads, engine: Engine, bucket: str) -> None:
    for refused, kind in (
        (request(bucket, size=6 * 1024**4), TooLarge),
        (request(bucket, size=4 * 1024**4), TooLarge),  # needs more memory than the budget
        (request(bucket, "k" * 1025), BadRequest),
        (request(f"absent-{bucket}"), OdhTecError),
        (request(f"absent-{bucket}", on_conflict="overwrite"), OdhTecError),
    ):
        with pytest.raises(kind):
            await uploads.begin(refused)
    assert (uploads.show_all().uploads, engine.pending_writes.entries) == ([], [])
    upload, _ = await uploads.begin(request(bucket))
    for number, length, status in ((0, 1, 400), (4, 5, 400), (1, None, 411), (1, 5, 400), (3, PART_SIZE, 400)):
        with pytest.raises(BadRequest) as caught:
            await uploads.receive(upload.upload_id, number, length, lambda error: None)
        assert caught.value.status == status, number
    with pytest.raises(NotFound):
        await uploads.receive("0" * 32, 1, 1, lambda error: None)
