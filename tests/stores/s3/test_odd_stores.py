"""The S3 store with servers that reply differently from Amazon S3."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.http import Http
from odhtec_jupyter.stores.hub.source import HubSource
from odhtec_jupyter.stores.s3.search import Search
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.stores.step import Step
from tests.odd_store import Oddity, OddStore, Refusal, Reply, Request, Stored, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


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


def test_invalid_date_of_one_bucket_does_not_hide_others(odd: OddStore) -> None:
    listed = (
        "<ListAllMyBucketsResult><Buckets>"
        "<Bucket><Name>a</Name><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>b</Name><CreationDate>unknown</CreationDate></Bucket>"
        "<Bucket><CreationDate>2024-01-02T03:04:05Z</CreationDate></Bucket>"
        "<Bucket><Name>c</Name></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    odd.refuse = lambda request: None if request.bucket else Reply(200, listed.encode())
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
def test_unreadable_reply_is_a_store_error(odd: OddStore, call: str, body: bytes) -> None:
    odd.refuse = lambda request: None if request.method == "HEAD" else Reply(200, body)
    odd.put("key", b"")
    status = 200
    try:
        READS[call](odd.store)
    except OdhTecError as error:
        status = error.status
    assert status != 500


@pytest.mark.parametrize(("status", "code"), [(405, "MethodNotAllowed"), (501, "NotImplemented"), (403, "Denied")])
def test_default_bucket_is_listed_if_the_list_of_buckets_is_refused(odd: OddStore, status: int, code: str) -> None:
    odd.refuse = lambda request: None if request.bucket else failure(status, code)
    for default in ("bucket", None):
        store = S3Store(dataclasses.replace(odd.store.connection, default_bucket=default), Network())
        found = store.list_buckets()
        assert ([one.Name for one in found.buckets], found.listable) == ([default] if default else [], False)
        store.close()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_invalid_credentials_are_reported_with_a_default_bucket(odd: OddStore, code: str) -> None:
    odd.refuse = lambda request: failure(403, code)
    store = S3Store(dataclasses.replace(odd.store.connection, default_bucket="bucket"), Network())
    with pytest.raises(StoreError) as caught:
        store.list_buckets()
    assert caught.value.code == code
    store.close()


def test_entry_with_an_invalid_date_or_number_does_not_hide_others(odd: OddStore) -> None:
    version = "<Key>key</Key><VersionId>{0}</VersionId><LastModified>{1}</LastModified><Size>{2}</Size>"
    upload = "<Key>key</Key><UploadId>{0}</UploadId><Initiated>{1}</Initiated>"
    part = "<PartNumber>{0}</PartNumber><ETag>e</ETag><Size>{1}</Size>"
    good, bad = "2024-01-02T03:04:05Z", "31 Foo"
    replies = {
        "versions": f"<Version>{version.format(1, bad, 'x')}</Version><Version>{version.format(2, good, 3)}</Version>",
        "uploads": f"<Upload>{upload.format(1, bad)}</Upload><Upload>{upload.format(2, good)}</Upload>",
        "uploadId": "".join(f"<Part>{part.format(*one)}</Part>" for one in ((1, "x"), ("x", 1), (3, 4))),
    }

    def answer(request: Request) -> Reply | None:
        found = [text for name, text in replies.items() if name in request.query]
        return Reply(200, f"<Result>{found[0]}</Result>".encode()) if found else None

    odd.refuse = answer
    assert {one.VersionId: one.Size for one in odd.store.list_versions("bucket", "key").versions} == {"1": None, "2": 3}
    listed = odd.store.list_unfinished("bucket", "", token=None).uploads
    assert [one.UploadId for one in listed] == ["1", "2"]
    assert [one.upload_id for one in odd.store.list_multiparts("bucket", "key")] == ["2"]
    assert {number: one.size for number, one in odd.store.list_parts("bucket", "key", "upload").items()} == {3: 4}


def handle_as_first_version(request: Request) -> None:
    """Handle a list request as a store without ListObjectsV2, which ignores unknown parameters."""
    for name in ("list-type", "continuation-token", "start-after"):
        request.query.pop(name, None)


def refuse_the_second_version(request: Request) -> Reply | None:
    return failure(501, "NotImplemented") if "list-type" in request.query else None


def without_tokens(request: Request, reply: Reply) -> None:
    """Handle a list request as a store that supports ``start-after`` and returns no token."""
    if request.query.get("list-type") == "2":
        request.query.pop("marker", None)
        reply.body = re.sub(b"<NextContinuationToken>.*</NextContinuationToken>", b"", reply.body)


OLD_STORES: dict[str, tuple[Refusal | None, Oddity | None]] = {
    "version 1": (handle_as_first_version, None),
    "version 2 refused": (refuse_the_second_version, None),
    "no token": (None, without_tokens),
}


@pytest.fixture(params=OLD_STORES)
def old(request: pytest.FixtureRequest, odd: OddStore) -> OddStore:
    odd.refuse, odd.oddity = OLD_STORES[request.param]
    for key in ("a/1", "a/2", "a0", "b", "c/d/e", "c/f", "é+&%/x", "😀"):
        odd.put(key, b"body of " + key.encode())
    return odd


@pytest.mark.parametrize("size", [1, 2, 3])
def test_list_without_tokens_is_complete(old: OddStore, size: int) -> None:
    for prefix, level in (("", ["a/", "a0", "b", "c/", "é+&%/", "😀"]), ("c/", ["c/d/", "c/f"])):
        found: list[str] = []
        token: str | None = None
        while True:
            page = old.store.list_objects("bucket", prefix, max_keys=size, token=token)
            found += sorted([one.Prefix for one in page.prefixes] + [one.Key for one in page.objects], key=str.encode)
            token = page.next_continuation_token
            if token is None:
                break
        assert found == level


def test_walk_count_and_search_of_a_list_without_tokens_are_complete(
    old: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = list(old.objects)
    page = old.store.list_page
    monkeypatch.setattr(old.store, "list_page", lambda *args, **named: page(*args, **named | {"max_keys": 3}))
    assert [one.Key for objects in old.store.walk("bucket", "") for one in objects] == every
    usage = old.store.usage("bucket", "", token=None, step=Step())
    assert (usage.objects, usage.bytes) == (len(every), sum(len(one.body) for one in old.objects.values()))
    found = old.store.search(Search("bucket", "", "/", "contains", True), max_keys=100, token=None, step=Step())
    assert [one.Key for one in found.objects] == [key for key in every if "/" in key]
    assert old.store.unchanged("bucket", "b", old.objects["b"].etag) is not None


def test_version_of_the_list_is_detected_once(odd: OddStore) -> None:
    odd.refuse = refuse_the_second_version
    for _ in range(3):
        odd.store.list_page("bucket", "")
    assert ["list-type" in one.query for one in odd.requests] == [True, False, False, False]


def test_refused_list_keeps_its_reason_in_both_versions(odd: OddStore) -> None:
    odd.refuse = lambda request: failure(400, "InvalidRequest", "Not like this.")
    with pytest.raises(StoreError, match="Not like this") as refused:
        odd.store.list_page("bucket", "")
    assert refused.value.status == 400
    odd.refuse = lambda request: failure(400, "InvalidArgument") if "continuation-token" in request.query else None
    with pytest.raises(StoreError):  # the first version of the call cannot continue by a token
        odd.store.list_page("bucket", "", token="of the store")
    assert odd.store.abilities.lists_v2


def test_store_that_ignores_list_positions_is_an_error(odd: OddStore) -> None:
    for key in "abc":
        odd.put(key, b"")

    def restart_list(request: Request) -> None:
        handle_as_first_version(request)
        request.query.pop("marker", None)

    odd.refuse = restart_list
    token = odd.store.list_page("bucket", "", max_keys=2).next_token
    with pytest.raises(StoreError, match="same continuation token"):
        odd.store.list_page("bucket", "", max_keys=2, token=token)


def test_lists_of_uploads_and_versions_continue_after_the_last_entry(script: Any) -> None:
    """The store says that there are more entries and returns no marker."""

    def answer(query: dict[str, str]) -> str:
        first = not query.get("key-marker")
        if "uploads" in query:
            number = 1 if first else 2
            entry = f"<Upload><Key>k</Key><UploadId>{number}</UploadId>"
            entry += "<Initiated>2024-01-01T00:00:00Z</Initiated></Upload>"
            return f"<R><IsTruncated>{str(first).lower()}</IsTruncated>{entry}</R>"
        if "versions" in query:
            name = "new" if first else "old"
            entry = f"<Version><Key>k</Key><VersionId>{name}</VersionId><IsLatest>false</IsLatest></Version>"
            return f"<R><IsTruncated>{str(first).lower()}</IsTruncated>{entry}</R>"
        return "<R></R>"

    started = script(answer)
    store = started.store
    assert [one.upload_id for one in store.list_multiparts("bucket", "k")] == ["1", "2"]
    page = store.list_unfinished("bucket", "", None)
    rest = store.list_unfinished("bucket", "", page.next_continuation_token)
    assert [one.UploadId for one in (*page.uploads, *rest.uploads)] == ["1", "2"]
    assert rest.next_continuation_token is None
    versions = store.list_versions("bucket", "k")
    rest = store.list_versions("bucket", "k", versions.next_continuation_token)
    assert [one.VersionId for one in (*versions.versions, *rest.versions)] == ["new", "old"]
    assert started.queries[-2]["version-id-marker"] == "new"


REFUSALS = {
    "ExpiredToken": (400, "Renew the data connection"),
    "InvalidToken": (400, "session token"),
    "RequestTimeTooSkewed": (403, "clocks"),
    "SignatureDoesNotMatch": (403, "secret access key"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_head_is_explained_by_a_get(odd: OddStore, code: str) -> None:
    status, words = REFUSALS[code]
    odd.put("key", b"bytes")
    odd.refuse = lambda request: failure(status, code)
    for call in (odd.store.head, odd.store.details, lambda *at: odd.store.open(*at, head=True)):
        with pytest.raises(StoreError, match=words) as error:
            call("bucket", "key")
        assert (error.value.status, error.value.code) == (status, code)


def test_reason_of_a_denied_head_is_requested_once_per_bucket(odd: OddStore) -> None:
    odd.refuse = lambda request: failure(403, "AccessDenied", "Not for you.")
    for key, words in (("a", "Not for you"), ("b", "do not have permission"), ("c", "do not have permission")):
        with pytest.raises(StoreError, match=words) as error:
            odd.store.head("bucket", key)
        assert (error.value.status, error.value.code) == (403, "AccessDenied")
    assert odd.count("GET") == 1


def test_refusal_of_head_only_is_reported_unchanged(odd: OddStore) -> None:
    odd.put("key", b"bytes")
    odd.refuse = lambda request: Reply(403) if request.method == "HEAD" else None
    with pytest.raises(StoreError) as error:
        odd.store.head("bucket", "key")
    assert (error.value.status, error.value.code) == (403, "AccessDenied")


PAGE = b"<!DOCTYPE html>\n<html><head><title>Console</title></head><body><p>Sign in</body></html>"
WRITES: dict[str, Callable[[S3Store], object]] = {
    "buckets": lambda store: store.list_buckets(),
    "list": lambda store: store.list_page("bucket", ""),
    "put": lambda store: store.put("bucket", "key", [memoryview(b"x")], 1),
    "upload": lambda store: store.create_multipart("bucket", "key"),
    "delete": lambda store: store.delete("bucket", ["key", "other"]),
    "copy": lambda store: store.copy("bucket", "copy", "bucket", "key", etag=""),
    "tags": lambda store: store.tags("bucket", "key"),
}


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("status", [200, 403])
def test_web_page_is_not_accepted_as_a_reply_of_s3(odd: OddStore, call: str, status: int) -> None:
    odd.put("key", b"")
    odd.refuse = lambda request: (
        Reply(status, PAGE, {"Content-Type": "text/html"}) if request.method != "HEAD" else None
    )
    with pytest.raises(OdhTecError, match=r"answered with a web page.* S3 API as the endpoint") as error:
        WRITES[call](odd.store)
    assert (error.value.code, error.value.status, error.value.transient) == ("NotS3", 502, False)


def test_error_page_of_a_gateway_is_retried(odd: OddStore) -> None:
    odd.refuse = lambda request: Reply(503, PAGE)
    for call in ("list", "put"):
        with pytest.raises(OdhTecError) as error:
            WRITES[call](odd.store)
        assert error.value.transient


@pytest.mark.parametrize("body", [b"", b"OK", b'{"status": "green"}', b"<html xmlns='x'><p>well-formed</p></html>"])
def test_reply_without_a_list_of_buckets_is_an_error(odd: OddStore, body: bytes) -> None:
    odd.refuse = lambda request: Reply(200, body)
    with pytest.raises(OdhTecError, match="not an S3 service"):
        odd.store.list_buckets()


@pytest.mark.parametrize(
    "message",
    [
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        b"<html>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br /></html>",
    ],
)
def test_http_request_to_an_https_port_is_explained(odd: OddStore, message: bytes) -> None:
    odd.refuse = lambda request: Reply(400, message)
    with pytest.raises(OdhTecError, match=f"expects https.*https://{odd.store.host}"):
        odd.store.list_buckets()


def test_message_of_s3_is_shown_without_entities(odd: OddStore) -> None:
    odd.refuse = lambda request: failure(400, "Odd", "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#x27;")
    for call in ("put", "list"):
        with pytest.raises(StoreError, match="a <b> & \"c\" 'd'"):
            WRITES[call](odd.store)


@pytest.mark.parametrize("bucket", ["my bucket", "a/b", "ü", "x" * 300])
def test_invalid_bucket_name_is_refused_with_the_rules(odd: OddStore, bucket: str) -> None:
    with pytest.raises(BadRequest, match=r"is not a valid bucket name\. Use letters") as error:
        odd.store.list_page(bucket, "")
    assert "regex" not in str(error.value)
    assert len(str(error.value)) < 300


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
