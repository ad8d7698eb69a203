"""What the S3 store makes of stores, and mirrors of the hub, that answer otherwise than Amazon or Hugging Face."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub_source import HubSource
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.source import RangedSource
from tests.odd_store import Asked, OddStore, Reply, Stored, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


def chunked(asked: Asked, reply: Reply) -> Reply:
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
def test_keys_are_deleted_one_by_one_where_delete_objects_is_unknown(odd: OddStore, status: int, code: str) -> None:
    keys = [f"folder/{number}" for number in range(1500)]
    for key in (*keys, "kept"):
        odd.put(key, b"")
    odd.refuse = lambda asked: failure(status, code) if "delete" in asked.query else None
    reply = odd.store.delete("bucket", keys[:1200])
    assert (sorted(reply.deleted), reply.errors) == (sorted(keys[:1200]), [])
    assert odd.count("POST") == 1  # what the store cannot do is asked once for a connection
    odd.store.delete("bucket", keys[1200:])
    assert (odd.count("POST"), list(odd.objects)) == (1, ["kept"])


def test_single_deletion_that_is_refused_is_listed(odd: OddStore) -> None:
    odd.put("a", b"")
    odd.put("b", b"")

    def refuse(asked: Asked) -> Reply | None:
        if "delete" in asked.query:
            return failure(501, "NotImplemented")
        return failure(403, "AccessDenied") if (asked.method, asked.key) == ("DELETE", "a") else None

    odd.refuse = refuse
    reply = odd.store.delete("bucket", ["a", "b"])
    assert (reply.deleted, [(one.Key, one.Code) for one in reply.errors]) == (["b"], [("a", "AccessDenied")])


def test_put_without_an_etag_is_stored(odd: OddStore) -> None:
    def hide(asked: Asked, reply: Reply) -> Reply:
        if asked.method == "PUT":
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


def test_put_without_an_etag_is_stored_where_looking_is_not_allowed(odd: OddStore) -> None:
    odd.refuse = lambda asked: failure(403, "AccessDenied") if asked.method == "HEAD" else None
    odd.oddity = lambda asked, reply: Reply(200) if asked.method == "PUT" else reply
    assert odd.store.put("bucket", "data.bin", [memoryview(BODY)], len(BODY)) is None
    assert odd.objects["data.bin"].body == BODY


def test_head_that_botocore_cannot_parse_is_read_all_the_same(odd: OddStore) -> None:
    odd.put("data.bin", BODY)

    def garble(asked: Asked, reply: Reply) -> Reply:
        if asked.key:
            reply.headers |= {"Last-Modified": "yesterday", "x-amz-missing-meta": "many", "x-amz-tagging-count": "-"}
            reply.headers |= {"x-amz-object-lock-retain-until-date": "never", "Expires": "0"}
        if asked.method == "HEAD":
            reply.headers["Content-Length"] = "about 100 kB"
        return reply

    odd.oddity = garble
    head = odd.store.head("bucket", "data.bin")
    assert head is not None
    assert (head.size, head.etag, head.last_modified) == (len(BODY), odd.objects["data.bin"].etag, None)
    details = odd.store.details("bucket", "data.bin")
    assert (details.Size, details.LastModified) == (len(BODY), None)
    assert read(odd.store.source("bucket", "data.bin", head.size, head.etag or ""), 0, 10) == BODY[:10]


def test_bad_date_of_one_bucket_hides_no_other(odd: OddStore) -> None:
    listed = (
        "<ListAllMyBucketsResult><Buckets>"
        "<Bucket><Name>a</Name><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>b</Name><CreationDate>unknown</CreationDate></Bucket>"
        "<Bucket><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>c</Name></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    odd.refuse = lambda asked: None if asked.bucket else Reply(200, listed.encode())
    found = odd.store.list_buckets()
    assert [(one.Name, one.CreationDate is not None) for one in found.buckets] == [
        *(("a", True), ("b", False), ("c", False)),
    ]


READS: dict[str, Callable[[S3Store], object]] = {
    "buckets": lambda store: store.list_buckets(),
    "versions": lambda store: store.list_versions("bucket", "key"),
    "parts": lambda store: store.list_parts("bucket", "key", "upload"),
    "uploads": lambda store: store.list_multiparts("bucket", "key"),
    "unfinished": lambda store: store.list_unfinished("bucket", "", token=None),
    "tags": lambda store: store.tags("bucket", "key"),
    "deletion": lambda store: store.delete("bucket", ["key"]),
    "creation": lambda store: store.create_multipart("bucket", "key"),
    "copy": lambda store: store.copy("bucket", "copy", "bucket", "key", etag='"0"'),
}


@pytest.mark.parametrize("body", [b"<html>Welcome", b"{}", b"<a><Contents/></a>", b"\xff\xfe", b""], ids=repr)
@pytest.mark.parametrize("call", READS)
def test_reply_that_cannot_be_read_is_no_internal_error(odd: OddStore, call: str, body: bytes) -> None:
    odd.refuse = lambda asked: None if asked.method == "HEAD" else Reply(200, body)
    odd.put("key", b"")
    status = 200
    try:
        READS[call](odd.store)
    except OdhTecError as error:
        status = error.status
    assert status != 500


@pytest.mark.parametrize(("status", "code"), [(405, "MethodNotAllowed"), (501, "NotImplemented"), (403, "Denied")])
def test_default_bucket_opens_where_the_list_of_buckets_is_refused(odd: OddStore, status: int, code: str) -> None:
    odd.refuse = lambda asked: None if asked.bucket else failure(status, code)
    for default in ("bucket", None):
        store = S3Store(dataclasses.replace(odd.store.connection, default_bucket=default), Network())
        found = store.list_buckets()
        assert ([one.Name for one in found.buckets], found.listable) == ([default] if default else [], False)
        store.close()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_wrong_credentials_are_told_though_there_is_a_default_bucket(odd: OddStore, code: str) -> None:
    odd.refuse = lambda asked: failure(403, code)
    store = S3Store(dataclasses.replace(odd.store.connection, default_bucket="bucket"), Network())
    with pytest.raises(StoreError) as caught:
        store.list_buckets()
    assert caught.value.code == code
    store.close()


def test_entry_with_a_bad_date_or_number_hides_no_other(odd: OddStore) -> None:
    version = "<Key>key</Key><VersionId>{0}</VersionId><LastModified>{1}</LastModified><Size>{2}</Size>"
    upload = "<Key>key</Key><UploadId>{0}</UploadId><Initiated>{1}</Initiated>"
    part = "<PartNumber>{0}</PartNumber><ETag>e</ETag><Size>{1}</Size>"
    good, bad = "2024-01-02T03:04:05Z", "31 Foo"
    replies = {
        "versions": f"<Version>{version.format(1, bad, 'x')}</Version><Version>{version.format(2, good, 3)}</Version>",
        "uploads": f"<Upload>{upload.format(1, bad)}</Upload><Upload>{upload.format(2, good)}</Upload>",
        "uploadId": "".join(f"<Part>{part.format(*one)}</Part>" for one in ((1, "x"), ("x", 1), (3, 4))),
    }

    def answer(asked: Asked) -> Reply | None:
        found = [text for name, text in replies.items() if name in asked.query]
        return Reply(200, f"<Result>{found[0]}</Result>".encode()) if found else None

    odd.refuse = answer
    assert {one.VersionId: one.Size for one in odd.store.list_versions("bucket", "key").versions} == {"1": None, "2": 3}
    listed = odd.store.list_unfinished("bucket", "", token=None).uploads
    assert [one.UploadId for one in listed] == ["1", "2"]
    assert [one.upload_id for one in odd.store.list_multiparts("bucket", "key")] == ["2"]
    assert {number: one.size for number, one in odd.store.list_parts("bucket", "key", "upload").items()} == {3: 4}
