from __future__ import annotations

import hashlib

import pytest

from odhtec_jupyter.errors import StoreError, Unreachable
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import joined_etag
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from tests.odd_store import OddStore, Reply, Request, failure


def test_etag_of_a_multipart_object_is_the_md5_of_the_md5s() -> None:
    parts = [hashlib.md5(text).digest() for text in (b"one", b"two")]
    etags = [f'"{part.hex()}"' for part in parts]
    assert joined_etag(etags) == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-2"'


def test_etags_that_are_not_md5s_give_no_etag() -> None:
    assert joined_etag(['"not-a-digest"', '"0123"']) is None


def store_wrong_bytes(request: Request, reply: Reply) -> None:
    if request.method == "PUT":
        reply.headers["ETag"] = f'"{hashlib.md5(b"other").hexdigest()}"'


def test_object_with_wrong_bytes_is_deleted_as_soon_as_the_store_answers() -> None:
    def abort(request: Request) -> None:
        if request.method == "DELETE":
            raise ConnectionAbortedError  # the connection ends without a reply

    with OddStore(oddity=store_wrong_bytes) as odd:
        target = S3Target(odd.store, "bucket", "key\x01")  # DeleteObjects cannot name it
        odd.refuse = abort
        with pytest.raises(Unreachable):  # which is retried
            target.put_whole(memoryview(b"bytes"), CancelToken(), hashlib.md5(b"bytes").digest())
        odd.refuse = None
        with pytest.raises(StoreError, match="different bytes than were sent"):
            target.put_whole(memoryview(b"bytes"), CancelToken(), hashlib.md5(b"bytes").digest())
        assert odd.objects == {}


def test_wrong_bytes_are_reported_if_they_cannot_be_deleted() -> None:
    def deny(request: Request) -> Reply | None:
        return failure(403, "AccessDenied") if request.method in {"DELETE", "POST"} else None

    with OddStore(oddity=store_wrong_bytes, refuse=deny) as odd:
        target = S3Target(odd.store, "bucket", "key")
        with pytest.raises(StoreError, match="different bytes than were sent"):
            target.put_whole(memoryview(b"bytes"), CancelToken(), hashlib.md5(b"bytes").digest())
