"""Requests for objects that botocore signs and does not send: addresses, credentials, repetitions, and how many."""

from __future__ import annotations

import dataclasses
import json
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import _host_from_url
from botocore.awsrequest import AWSResponse

from odhtec_jupyter.errors import BadRequest, Forbidden, StoreError, VerificationError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection import object_requests
from odhtec_jupyter.stores.s3.connection.known_buckets import KNOWN_SECONDS
from odhtec_jupyter.stores.s3.connection.signing import Signer
from odhtec_jupyter.stores.s3.store import S3Store
from tests.odd_store import OddStore, Reply, Request, failure
from tests.stores.s3.awkward import AWKWARD, ODD
from tests.stores.s3.test_copy import KEYS
from tests.stores.s3.writing import put

ALL_KEYS = [*AWKWARD, *ODD, *KEYS, ".", "./", "a//../b/.", "tr/", " lead", "trail ", "%252F", "?", "#", "[a]", "|^`{}"]


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


@pytest.fixture
def amazon(odd: OddStore) -> Iterator[S3Store]:
    """A store that takes the odd one for Amazon, and knows the region of its bucket."""
    connection = dataclasses.replace(odd.store.connection, endpoint="http://s3.amazonaws.com")
    with_region = S3Store(connection, Network(http_proxy=odd.endpoint))
    with_region.client("bucket")
    odd.requests.clear()
    yield with_region
    with_region.close()


@pytest.fixture
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_requests, "MAX_BACKOFF_SECONDS", 0.0)


def methods(odd: OddStore) -> list[str]:
    return [one.method for one in odd.requests]


# --- addresses and credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "region", "bucket"),
    [
        (None, "eu-central-1", "bucket"),
        (None, "us-east-1", "bucket"),
        (None, "eu-central-1", "my.bucket"),
        (None, "us-gov-west-1", "bucket"),
        ("https://s3.eu-central-1.amazonaws.com", None, "bucket"),
        ("https://s3.dualstack.us-west-2.amazonaws.com", None, "my.bucket"),
        ("http://127.0.0.1:9000", None, "bucket"),
        ("https://gateway.example:443/s3/v1", "fr-par", "Under_Score"),
        ("http://[::1]:9000", None, "bucket"),
    ],
)
def test_every_key_has_the_address_that_botocore_gives_it(
    endpoint: str | None, region: str | None, bucket: str
) -> None:
    store = S3Store(S3Connection(endpoint, region, None, "key", "secret"), Network())
    client: Any = store._clients.get()
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        response = AWSResponse(request.url, 200, {}, None)
        response._content = b""
        return response

    client.meta.events.register("before-send.s3.PutObject", answer)
    client.meta.events.register("before-send.s3.UploadPart", answer)
    signer = Signer()
    for key in ALL_KEYS:
        client.put_object(Bucket=bucket, Key=key, Body=b"")
        url, headers = signer.sign(client, "PutObject", "PUT", bucket, key, {}, {})
        assert url == sent[-1].url
        theirs = sent[-1].headers["Authorization"].decode().split("/")
        assert headers["Authorization"].split("/")[:4] == theirs[:4]  # key, date, region and service
        assert headers["Host"] == _host_from_url(url)
        assert headers["User-Agent"] == sent[-1].headers["User-Agent"].decode()
        upload = f"+{key}=&~"
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=7, Body=b"")
        query = {"partNumber": "7", "uploadId": upload}
        url, _ = signer.sign(client, "UploadPart", "PUT", bucket, key, query, {})
        path, _, asked = url.partition("?")
        assert (path, set(asked.split("&"))) == (
            sent[-1].url.partition("?")[0],
            set(sent[-1].url.partition("?")[2].split("&")),
        )
    store.close()


def test_empty_key_and_impossible_bucket_are_refused_before_anything_is_sent(odd: OddStore) -> None:
    with pytest.raises(BadRequest):
        put(odd.store, "bucket", "", b"x")
    with pytest.raises(BadRequest, match="not a valid bucket name"):
        put(odd.store, "no/bucket", "key", b"x")
    assert odd.requests == []


def test_credentials_that_expire_are_renewed(odd: OddStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script gives other credentials each time, which expire so soon that they are renewed for each request."""
    script, count = tmp_path / "credentials.py", tmp_path / "count"
    end = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    content = {"Version": 1, "SecretAccessKey": "secret", "Expiration": end}
    script.write_text(
        f"import json, pathlib\ncount = pathlib.Path({str(count)!r})\n"
        "number = int(count.read_text()) + 1 if count.exists() else 1\ncount.write_text(str(number))\n"
        f"own = {{'AccessKeyId': f'key{{number}}', 'SessionToken': f'token{{number}}'}}\n"
        f"print(json.dumps({json.dumps(content)} | own))\n"
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {script}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = S3Store(S3Connection(odd.endpoint), Network())
    for number in range(3):
        put(store, "bucket", f"{number}", b"x")
    store.close()
    keys = [one.headers["authorization"].partition("Credential=")[2].partition("/")[0] for one in odd.requests]
    assert len(set(keys)) == 3
    assert [one.headers["x-amz-security-token"] for one in odd.requests] == [f"token{key[3:]}" for key in keys]


def test_requests_without_credentials_are_not_sent(odd: OddStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = S3Store(S3Connection(odd.endpoint), Network())
    for call in (
        lambda: put(store, "bucket", "k", b"x"),
        lambda: store.open("bucket", "k"),
        lambda: store.head("bucket", "k"),
    ):
        with pytest.raises(Forbidden) as refused:
            call()
        assert refused.value.code == "NoCredentials"
    assert odd.requests == []
    store.close()


# --- repetitions ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_no_backoff")
@pytest.mark.parametrize("call", ["open", "head"])
def test_read_is_repeated_once_if_the_store_is_busy(odd: OddStore, call: str) -> None:
    odd.put("key", b"bytes")
    odd.refuse = lambda _: failure(503, "SlowDown") if len(odd.requests) == 1 else None
    assert getattr(odd.store, call)("bucket", "key") is not None
    assert len(odd.requests) == 2
    odd.requests.clear()
    odd.refuse = lambda _: failure(503, "SlowDown")
    with pytest.raises(StoreError) as busy:
        getattr(odd.store, call)("bucket", "key")
    assert (busy.value.status, len(odd.requests)) == (503, 2)


def test_refusals_and_writes_are_not_repeated(odd: OddStore) -> None:
    odd.put("key", b"bytes")
    with pytest.raises(StoreError) as missing:
        odd.store.open("bucket", "none")
    assert (missing.value.code, methods(odd)) == ("NoSuchKey", ["GET"])
    odd.requests.clear()
    odd.refuse = lambda _: failure(503, "SlowDown")
    for call in (
        lambda: put(odd.store, "bucket", "k", b"x"),
        lambda: odd.store.copy("bucket", "copy", "bucket", "key", etag=odd.objects["key"].etag),
    ):
        with pytest.raises(StoreError):
            call()
    assert methods(odd) == ["PUT", "PUT"]


def test_read_is_repeated_if_the_store_closes_its_connection() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    store = S3Store(S3Connection(f"http://127.0.0.1:{listener.getsockname()[1]}", None, None, "a", "b"), Network())

    def serve() -> None:
        for reply in (b"", b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "e"\r\n\r\n'):
            connection, _ = listener.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(reply)

    server = threading.Thread(target=serve)
    server.start()
    head = store.head("bucket", "key")
    server.join()
    listener.close()
    assert head is not None
    assert (head.size, head.etag) == (5, '"e"')
    store.close()


def test_request_signed_before_another_one_learned_the_region_is_signed_again(odd: OddStore) -> None:
    odd.put("key", b"bytes")

    def refuse(request: Request) -> Reply | None:
        if "/fr-par/s3/" in request.headers["authorization"]:
            return None
        odd.store._clients.learn_region("bucket", "fr-par")  # as another thread, between signing and the reply
        reply = failure(400, "AuthorizationHeaderMalformed")
        reply.body = reply.body.replace(b"</Error>", b"<Region>fr-par</Region></Error>")
        return reply

    odd.refuse = refuse
    odd.store.open("bucket", "key").close()
    assert methods(odd) == ["GET", "GET"]


def test_conditions_and_version_of_a_read_are_sent(odd: OddStore) -> None:
    etag = odd.put("key", b"bytes").etag
    since = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    odd.store.open(
        "bucket",
        "key",
        Range="bytes=1-2",
        IfMatch=etag,
        IfNoneMatch='"other"',
        IfModifiedSince=since,
        IfUnmodifiedSince=since + timedelta(days=900),
        VersionId="a+b/&",
    ).close()
    request = odd.requests[0]
    assert request.query == {"versionId": "a+b/&"}
    wanted = {
        "range": "bytes=1-2",
        "if-match": etag,
        "if-none-match": '"other"',
        "if-modified-since": "Sat, 03 Feb 2024 04:05:06 GMT",
        "if-unmodified-since": "Wed, 22 Jul 2026 04:05:06 GMT",
    }
    assert {name: request.headers.get(name) for name in wanted} == wanted
    signed = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert set(wanted) <= set(signed)


# --- how many requests ------------------------------------------------------------------------------------------


def test_bucket_is_requested_once_a_minute_for_keys_that_do_not_exist(odd: OddStore) -> None:
    now = 0.0
    store = S3Store(odd.store.connection, Network(), clock=lambda: now)
    for number in range(5):
        assert store.head("bucket", f"none-{number}") is None
    assert [(one.method, bool(one.key)) for one in odd.requests] == [("HEAD", True), ("HEAD", False)] + [
        ("HEAD", True)
    ] * 4
    now += KNOWN_SECONDS
    odd.requests.clear()
    assert store.head("bucket", "none") is None
    assert [bool(one.key) for one in odd.requests] == [True, False]
    store.close()


@pytest.mark.parametrize("call", ["put", "open", "head", "list", "multipart"])
def test_bucket_is_known_from_any_reply(odd: OddStore, call: str) -> None:
    odd.put("key", b"bytes")
    calls: dict[str, Any] = {
        "put": lambda: put(odd.store, "bucket", "new", b"x"),
        "open": lambda: odd.store.open("bucket", "key").close(),
        "head": lambda: odd.store.head("bucket", "key"),
        "list": lambda: odd.store.list_page("bucket", ""),
        "multipart": lambda: odd.store.create_multipart("bucket", "parts"),
    }
    calls[call]()
    assert odd.store.head("bucket", "none") is None
    assert not [one for one in odd.requests if one.method == "HEAD" and not one.key]


@pytest.mark.parametrize("call", ["delete", "open", "list"])
def test_deleted_bucket_is_not_known_any_longer(odd: OddStore, call: str) -> None:
    assert odd.store.head("bucket", "none") is None
    if call == "delete":
        odd.refuse = lambda request: Reply(204) if request.method == "DELETE" else None
        odd.store.delete_bucket("bucket")
    del odd.buckets["bucket"]
    if call == "open":
        with pytest.raises(StoreError):
            odd.store.open("bucket", "none")
    elif call == "list":
        with pytest.raises(StoreError):
            odd.store.list_page("bucket", "")
    with pytest.raises(StoreError) as missing:
        odd.store.head("bucket", "none")
    assert missing.value.code == "NoSuchBucket"


def test_copy_takes_one_head_of_the_target_and_one_request_for_the_copy(odd: OddStore) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.store.list_page("bucket", "")
    odd.requests.clear()
    for number in range(3):
        assert odd.store.copy("bucket", f"copy-{number}", "bucket", "key", etag=etag, if_absent=True) == etag
    assert [(one.method, one.key) for one in odd.requests] == [
        (method, f"copy-{number}") for number in range(3) for method in ("HEAD", "PUT")
    ]
    odd.requests.clear()
    odd.store.copy("bucket", "copy-0", "bucket", "key", etag=etag)
    assert methods(odd) == ["PUT"]


def test_copy_on_amazon_is_one_request(odd: OddStore, amazon: S3Store) -> None:
    etag = odd.put("key", b"bytes").etag
    assert amazon.copy("bucket", "copy", "bucket", "key", etag=etag, if_absent=True) == etag
    # The copy of an object of a multipart upload, or an encrypted one, has another ETag.
    odd.oddity = lambda _, reply: Reply(200, b"<CopyObjectResult><ETag>&quot;other&quot;</ETag></CopyObjectResult>")
    assert amazon.copy("bucket", "copy-2", "bucket", "key", etag=etag, if_absent=True) == '"other"'
    assert methods(odd) == ["PUT", "PUT"]
    assert [one.headers["if-none-match"] for one in odd.requests] == ["*", "*"]
    assert {one.headers["x-amz-copy-source-if-match"] for one in odd.requests} == {etag}


def test_copy_on_amazon_neither_overwrites_nor_copies_a_changed_source(odd: OddStore, amazon: S3Store) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.put("there", b"theirs")
    with pytest.raises(StoreError) as refused:
        amazon.copy("bucket", "there", "bucket", "key", etag=etag, if_absent=True)
    assert refused.value.code == "PreconditionFailed"
    assert odd.objects["there"].body == b"theirs"
    odd.put("key", b"other")
    with pytest.raises(VerificationError):
        amazon.copy("bucket", "copy", "bucket", "key", etag=etag, if_absent=True)
    assert "copy" not in odd.objects
    assert amazon.abilities.compares_etags


def test_copy_onto_a_hidden_key_on_amazon_is_not_tried_without_the_condition_on_its_source(
    odd: OddStore, amazon: S3Store
) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.put("there", b"theirs")
    hidden = {"HEAD", "GET"}
    odd.refuse = lambda request: (
        failure(403, "AccessDenied") if (request.method in hidden and request.key == "there") else None
    )
    with pytest.raises(StoreError) as refused:
        amazon.copy("bucket", "there", "bucket", "key", etag=etag, if_absent=True)
    assert refused.value.code == "PreconditionFailed"
    assert (odd.count("PUT"), amazon.abilities.compares_etags) == (1, True)


def test_copy_with_another_etag_is_compared_with_its_source(odd: OddStore) -> None:
    """A store that ignores the condition on the source has copied what is there now."""
    etag = odd.put("key", b"bytes").etag
    odd.put("key", b"other")
    odd.refuse = lambda request: _without_condition(odd, request)
    with pytest.raises(VerificationError, match="changed"):
        odd.store.copy("bucket", "copy", "bucket", "key", etag=etag)
    assert methods(odd)[:2] == ["PUT", "HEAD"]


def _without_condition(odd: OddStore, request: Request) -> Reply | None:
    plain = {name: value for name, value in request.headers.items() if "if-match" not in name}
    return odd.answer(dataclasses.replace(request, headers=plain)) if request.method == "PUT" else None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<CopyObjectResult><ETag>", "InvalidReply"),
        (b"copied", "InvalidReply"),
        (b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>', "InternalError"),
    ],
)
def test_copy_is_not_reported_by_a_reply_that_does_not_say_so(odd: OddStore, body: bytes, code: str) -> None:
    etag = odd.put("key", b"bytes").etag
    odd.refuse = lambda _: Reply(200, body)
    with pytest.raises(StoreError) as failed:
        odd.store.copy("bucket", "copy", "bucket", "key", etag=etag)
    assert (failed.value.code, failed.value.transient) == (code, True)
