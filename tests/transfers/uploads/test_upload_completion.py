"""Completing a resumable upload: the object is checked, a lost reply is recovered, missing parts are refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.errors import Conflict, Unreachable, VerificationError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads.sessions import Uploads
from tests.content import body_of, multiparts, noise
from tests.transfers.sending import SIZE, put, receive, request, send_all_parts


@pytest.mark.parametrize("restarted", [False, True])
async def test_complete_succeeds_when_its_reply_was_lost(
    start: Callable[[], tuple[Engine, Uploads]],
    store: S3Store,
    s3_client: Any,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    restarted: bool,
) -> None:
    complete = store.complete_multipart
    calls: list[str] = []

    def lose_reply(*args: Any, **options: Any) -> str | None:
        calls.append("complete")
        if len(calls) == 1:
            complete(*args, **options)
        raise Unreachable("the answer was lost")

    data = noise(SIZE)
    engine, uploads = start()
    upload = await send_all_parts(uploads, bucket, data)
    with monkeypatch.context() as patch:
        patch.setattr(store, "complete_multipart", lose_reply)
        with pytest.raises(Unreachable):
            await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data
    if restarted:
        engine, uploads = start()
        # With `fail`, which is allowed because the existing object belongs to this upload.
        again, continues = await uploads.begin(request(bucket))
        assert continues
        assert (again.upload_id, again.bytes_done, len(again.parts)) == (upload.upload_id, SIZE, 3)
        with pytest.raises(Conflict):
            await receive(uploads, upload.upload_id, 1, data[:PART_SIZE])
    result = await uploads.complete(upload.upload_id, overwrite=False)
    assert result.ETag == s3_client.head_object(Bucket=bucket, Key="k")["ETag"]
    assert (multiparts(s3_client, bucket), engine.pending_writes.entries) == ([], [])


@pytest.mark.parametrize("restarted", [False, True])
async def test_failed_comparison_after_complete_is_repeated_later(
    start: Callable[[], tuple[Engine, Uploads]],
    store: S3Store,
    s3_client: Any,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    restarted: bool,
) -> None:
    head, complete = store.head, store.complete_multipart
    done = threading.Event()

    def complete_then_fail(*args: Any, **options: Any) -> str | None:
        etag = complete(*args, **options)
        done.set()
        return etag

    def silent(*args: Any) -> Any:
        if done.is_set():
            raise Unreachable("no answer")
        return head(*args)

    engine, uploads = start()
    upload = await send_all_parts(uploads, bucket, noise(SIZE))
    with monkeypatch.context() as patch:
        patch.setattr(store, "complete_multipart", complete_then_fail)
        patch.setattr(store, "head", silent)
        with pytest.raises(Unreachable):
            await uploads.complete(upload.upload_id, overwrite=False)
    if restarted:
        engine, uploads = start()
    again, continues = await uploads.begin(request(bucket))
    assert continues
    assert (again.upload_id, len(again.parts)) == (upload.upload_id, 3)
    result = await uploads.complete(upload.upload_id, overwrite=False)
    assert result == await uploads.complete(upload.upload_id, overwrite=False)
    assert result.ETag == s3_client.head_object(Bucket=bucket, Key="k")["ETag"]
    assert engine.pending_writes.entries == []


async def test_object_of_another_size_fails_the_upload(
    uploads: Uploads, store: S3Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await send_all_parts(uploads, bucket, noise(SIZE))
    complete = store.complete_multipart

    def replaced(*args: Any, **options: Any) -> str | None:
        etag = complete(*args, **options)
        store.put(bucket, "k", [memoryview(b"another user's")], 14)
        return etag

    monkeypatch.setattr(store, "complete_multipart", replaced)
    with pytest.raises(VerificationError):
        await uploads.complete(upload.upload_id, overwrite=False)
    assert uploads.show_all().uploads == []
    head = store.head(bucket, "k")
    assert head is not None
    assert head.size == 14


async def test_complete_names_missing_parts_and_keeps_the_upload(uploads: Uploads, s3_client: Any, bucket: str) -> None:
    data = noise(SIZE)
    upload, _ = await uploads.begin(request(bucket))
    for numbers, missing in (((), "1, 2, 3"), ((2,), "1, 3"), ((1,), "3")):
        await put(uploads, upload, data, *numbers)
        with pytest.raises(Conflict, match=f"missing: {missing}[.]") as caught:
            await uploads.complete(upload.upload_id, overwrite=False)
        assert caught.value.code == "MissingParts"
    await put(uploads, upload, data, 3, 3, 1)
    await uploads.complete(upload.upload_id, overwrite=False)
    assert body_of(s3_client, bucket, "k") == data
    large, _ = await uploads.begin(request(bucket, "large", 20 * PART_SIZE))
    with pytest.raises(Conflict, match="and 10 more"):
        await uploads.complete(large.upload_id, overwrite=False)
