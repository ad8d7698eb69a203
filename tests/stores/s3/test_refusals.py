"""Refusals of stores, and replies that are not those of S3."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError
from odhtec_jupyter.network import Network
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import OddStore, Reply, failure

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
