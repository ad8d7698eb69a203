"""Objects in stores that reply differently from Amazon S3."""

from __future__ import annotations

import pytest

from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub.source import HubSource
from odhtec_jupyter.stores.source import RangedSource
from tests.odd_store import OddStore, Reply, Request, Stored, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


def chunked(request: Request, reply: Reply) -> Reply:
    reply.framing = "chunked"
    return reply


def read(source: RangedSource, start: int, end: int) -> bytes:
    found = memoryview(bytearray(end - start))
    reader = source.open_range(start, end)
    done = 0
    while done < len(found):
        count = reader.readinto(found[done:])
        assert count, "the range ended too early"
        done += count
    reader.close()
    return bytes(found)


def test_connection_of_a_chunked_range_is_not_reused_before_its_end(odd: OddStore) -> None:
    odd.put("data.bin", BODY)
    odd.buckets["org"] = {"model/resolve/commit/data.bin": odd.objects["data.bin"]}
    odd.oddity = chunked
    http = Http(Network())
    file = HubFile(path="data.bin", size=len(BODY), etag="0", lfs=True)
    from_hub = HubSource(http, odd.endpoint, "org/model", "model", "commit", file, None, set())
    from_s3 = odd.store.source("bucket", "data.bin", len(BODY), odd.objects["data.bin"].etag)
    for source in (from_hub, from_s3):
        for start, end in ((0, 1000), (1000, 90_000), (0, len(BODY))):
            assert read(source, start, end) == BODY[start:end]
    http.close()


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed"), (400, "XNotImplemented")]
)
def test_keys_are_deleted_one_by_one_without_delete_objects(odd: OddStore, status: int, code: str) -> None:
    keys = [f"folder/{number}" for number in range(1500)]
    for key in (*keys, "kept"):
        odd.put(key, b"")
    odd.refuse = lambda request: failure(status, code) if "delete" in request.query else None
    reply = odd.store.delete("bucket", keys[:1200])
    assert (sorted(reply.deleted), reply.errors) == (sorted(keys[:1200]), [])
    assert odd.count("POST") == 1  # a missing feature is tried once for each connection
    odd.store.delete("bucket", keys[1200:])
    assert (odd.count("POST"), list(odd.objects)) == (1, ["kept"])


def test_single_deletion_that_is_refused_is_listed(odd: OddStore) -> None:
    odd.put("a", b"")
    odd.put("b", b"")

    def refuse(request: Request) -> Reply | None:
        if "delete" in request.query:
            return failure(501, "NotImplemented")
        return failure(403, "AccessDenied") if (request.method, request.key) == ("DELETE", "a") else None

    odd.refuse = refuse
    reply = odd.store.delete("bucket", ["a", "b"])
    assert (reply.deleted, [(one.Key, one.Code) for one in reply.errors]) == (["b"], [("a", "AccessDenied")])


def test_put_without_an_etag_is_stored(odd: OddStore) -> None:
    def hide(request: Request, reply: Reply) -> Reply:
        if request.method == "PUT":
            reply.headers.pop("ETag", None)
        return reply

    odd.oddity = hide
    etag = odd.store.put("bucket", "data.bin", [memoryview(BODY)], len(BODY), if_absent=True)
    assert etag == odd.objects["data.bin"].etag
    assert odd.count("PUT") == 1
    upload_id = odd.store.create_multipart("bucket", "parts")
    etags = [
        odd.store.put_part("bucket", "parts", upload_id, number, [memoryview(part)], len(part))
        for number, part in ((1, BODY), (2, b"end"))
    ]
    odd.store.complete_multipart("bucket", "parts", upload_id, etags)
    assert odd.objects["parts"].body == BODY + b"end"
    assert etags == [Stored(BODY).etag, Stored(b"end").etag]


def test_put_without_an_etag_is_stored_without_permission_to_read(odd: OddStore) -> None:
    odd.refuse = lambda request: failure(403, "AccessDenied") if request.method == "HEAD" else None
    odd.oddity = lambda request, reply: Reply(200) if request.method == "PUT" else reply
    assert odd.store.put("bucket", "data.bin", [memoryview(BODY)], len(BODY)) is None
    assert odd.objects["data.bin"].body == BODY


def test_head_that_botocore_cannot_parse_is_read(odd: OddStore) -> None:
    odd.put("data.bin", BODY)

    def garble(request: Request, reply: Reply) -> Reply:
        if request.key:
            reply.headers |= {"Last-Modified": "yesterday", "x-amz-missing-meta": "many", "x-amz-tagging-count": "-"}
            reply.headers |= {"x-amz-object-lock-retain-until-date": "never", "Expires": "0"}
        if request.method == "HEAD":
            reply.headers["Content-Length"] = "about 100 kB"
        return reply

    odd.oddity = garble
    head = odd.store.head("bucket", "data.bin")
    assert head is not None
    assert (head.size, head.etag, head.last_modified) == (len(BODY), odd.objects["data.bin"].etag, None)
    details = odd.store.details("bucket", "data.bin")
    assert (details.Size, details.LastModified) == (len(BODY), None)
    assert read(odd.store.source("bucket", "data.bin", head.size, head.etag or ""), 0, 10) == BODY[:10]


def test_deletion_of_keys_stops_when_the_store_becomes_unreachable(
    odd: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every further deletion would also time out. Deleted keys are still reported."""
    monkeypatch.setattr("odhtec_jupyter.stores.s3.store.SINGLE_DELETES", 1)
    keys = ["a", "b", "c", "d", "e"]
    for key in keys:
        odd.put(key, b"")
    odd.store.abilities.deletes_many = False

    def abort(request: Request) -> None:
        if request.key == "c":
            raise ConnectionAbortedError  # the connection ends without a reply

    odd.refuse = abort
    reply = odd.store.delete("bucket", keys)
    assert reply.deleted == ["a", "b"]
    assert [(one.Key, one.Code) for one in reply.errors] == [(key, "StoreUnreachable") for key in ("c", "d", "e")]
    assert odd.count("DELETE", key="d") + odd.count("DELETE", key="e") == 0


@pytest.mark.parametrize("size", [4, 0])
def test_content_type_outside_ascii_is_written_unchanged(odd: OddStore, size: int) -> None:
    content_type = 'text/plain; name="文.txt"'
    odd.put("key", b"body"[:size], Content_Type=content_type.encode().decode("latin-1"))
    head = odd.store.head("bucket", "key")
    assert head is not None
    assert head.content_type == content_type
    odd.store.put("bucket", "copy", [memoryview(b"body")[:size]], size, content_type=head.content_type)
    odd.store.create_multipart("bucket", "parts", content_type=head.content_type)
    copied = odd.store.head("bucket", "copy")
    assert copied is not None
    assert copied.content_type == content_type
    assert odd.objects["copy"].headers["content-type"].isascii()


def test_store_that_hides_very_many_folders_counts_as_hiding_all(
    odd: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odhtec_jupyter.stores.s3.existing.MAX_UNSEEN", 3)
    odd.refuse = lambda request: failure(403, "AccessDenied") if request.method in {"GET", "HEAD"} else None
    assert not odd.store.is_hidden("bucket", "never/asked")
    for number in range(10):
        assert odd.store.seen("bucket", f"{number}/key") is None
    assert odd.store.is_hidden("bucket", "9/key")
    assert odd.store.is_hidden("bucket", "never/asked")
    assert len(odd.store._unseen) == 4
