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


def store_wrong_bytes(odd: OddStore) -> None:
    def oddity(request: Request, reply: Reply) -> None:
        if request.method == "PUT":
            reply.headers["ETag"] = odd.put(request.key, b"other").etag

    odd.oddity = oddity


def test_object_with_wrong_bytes_is_deleted_as_soon_as_the_store_answers() -> None:
    def abort(request: Request) -> None:
        if request.method == "DELETE":
            raise ConnectionAbortedError  # the connection ends without a reply

    with OddStore() as odd:
        store_wrong_bytes(odd)
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

    with OddStore(refuse=deny) as odd:
        store_wrong_bytes(odd)
        target = S3Target(odd.store, "bucket", "key")
        with pytest.raises(StoreError, match="different bytes than were sent"):
            target.put_whole(memoryview(b"bytes"), CancelToken(), hashlib.md5(b"bytes").digest())


@pytest.mark.parametrize("content", [b"bytes", b""])
def test_object_of_a_store_whose_etags_are_no_md5s_is_kept(content: bytes) -> None:
    def hash_differently(request: Request, reply: Reply) -> None:
        if request.key and "ETag" in reply.headers:
            digest = hashlib.blake2b(odd.objects[request.key].body, digest_size=16).hexdigest()
            reply.headers["ETag"] = f'"{digest}"'

    with OddStore(oddity=hash_differently) as odd:
        odd.put("key", b"before")
        target = S3Target(odd.store, "bucket", "key")
        assert target.put_whole(memoryview(content), CancelToken()).is_proven
        assert odd.objects["key"].body == content
        odd.requests.clear()
        assert not target.put_whole(memoryview(content), CancelToken()).is_proven
        assert [request.method for request in odd.requests] == ["PUT"], "the store is known"


@pytest.mark.parametrize("theirs", [None, b"other", b"longer than ours"])
def test_encrypted_object_whose_reply_was_lost_is_recognized_by_its_bytes(theirs: bytes | None) -> None:
    def encrypt(request: Request, reply: Reply) -> None:
        if request.key and reply.status < 300:
            reply.headers |= {"x-amz-server-side-encryption": "aws:kms", "ETag": f'"{"0" * 32}"'}
        if request.method == "PUT" and reply.status == 200:
            raise ConnectionAbortedError  # the connection ends without a reply

    with OddStore(oddity=encrypt) as odd:
        target = S3Target(odd.store, "bucket", "key", if_absent=True)
        if theirs is None:
            with pytest.raises(Unreachable):  # which is retried
                target.put_whole(memoryview(b"bytes"), CancelToken())
            assert target.put_whole(memoryview(b"bytes"), CancelToken()).is_proven
        else:
            odd.put("key", theirs)
            with pytest.raises(StoreError, match="already exists"):
                target.put_whole(memoryview(b"bytes"), CancelToken())
        assert odd.objects["key"].body == (theirs or b"bytes")
