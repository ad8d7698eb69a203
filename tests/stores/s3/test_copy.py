"""Copies within S3, unfinished uploads and objects as sources, against every server."""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.clients import COPY_TIMEOUT
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from tests.loopback import LoopbackServer, QuietHandler
from tests.stores.s3.writing import put
from tests.waiting import GIVE_UP_SECONDS

MIB = 1 << 20
KEYS = ["a b+c%2F.txt", "100%", "q?versionId=x&y#z", "/lead", "x//y", "..", "日本/é", "😀", "<&>\"'", "k" * 1024]
HEADERS = {
    "Cache-Control": "max-age=60",
    "Content-Disposition": 'attachment; filename="x"',
    "Content-Encoding": "zstd",
    "Content-Language": "de",
}


@pytest.fixture
def other_bucket(s3_client: Any, bucket: str) -> Iterator[str]:
    name = bucket + "-2"
    s3_client.create_bucket(Bucket=name)
    yield name
    for item in s3_client.list_objects_v2(Bucket=name).get("Contents", []):
        s3_client.delete_object(Bucket=name, Key=item["Key"])
    s3_client.delete_bucket(Bucket=name)


def content(client: Any, bucket: str, key: str) -> bytes:
    data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return data


def head_of(store: S3Store, bucket: str, key: str) -> ObjectHead:
    head = store.head(bucket, key)
    assert head is not None
    return head


# --- copies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[:16] for key in KEYS])
def test_any_key_is_copied(store: S3Store, s3_client: Any, bucket: str, other_bucket: str, key: str) -> None:
    etag = put(store, bucket, key, key.encode())
    copied = store.copy(other_bucket, key, bucket, key, etag=etag, if_absent=True)
    assert copied in {etag, None}
    assert content(s3_client, other_bucket, key) == key.encode()
    store.copy(other_bucket, "plain", bucket, key, etag=etag)
    assert content(s3_client, other_bucket, "plain") == key.encode()
    upload = store.create_multipart(bucket, "parts")
    whole: dict[str, Any] = {"start": 0, "end": len(key.encode()), "etag": etag}
    if set(key) & set("%+?"):  # Ceph RGW would treat them as other keys
        with pytest.raises(StoreError) as refused:
            store.copy_part(bucket, "parts", upload, 1, bucket, key, **whole)
        assert (refused.value.code, refused.value.transient) == ("NotImplemented", False)
        return
    part = store.copy_part(bucket, "parts", upload, 1, bucket, key, **whole)
    store.complete_multipart(bucket, "parts", upload, [part])
    assert content(s3_client, bucket, "parts") == key.encode()


def test_copy_keeps_metadata_and_tags(store: S3Store, s3_client: Any, bucket: str) -> None:
    etag = put(store, bucket, "k", b"x", content_type="text/plain", metadata={"mine": "yes"}, headers=HEADERS)
    s3_client.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    source = head_of(store, bucket, "k")
    assert (source.headers, source.content_type, dict(source.metadata)) == (HEADERS, "text/plain", {"mine": "yes"})
    store.copy(bucket, "copy", bucket, "k", etag=etag)
    copy = head_of(store, bucket, "copy")
    assert dataclasses.replace(copy, last_modified=None) == dataclasses.replace(source, last_modified=None)
    assert s3_client.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "a", "Value": "b"}]
    upload = store.create_multipart(bucket, "m", content_type="text/plain", metadata={"mine": "yes"}, headers=HEADERS)
    part = store.copy_part(bucket, "m", upload, 1, bucket, "k", start=0, end=1, etag=etag)
    store.complete_multipart(bucket, "m", upload, [part])
    streamed = head_of(store, bucket, "m")
    assert (streamed.headers, streamed.content_type, dict(streamed.metadata)) == (
        HEADERS,
        "text/plain",
        {"mine": "yes"},
    )
    with pytest.raises(BadRequest):
        put(store, bucket, "k", b"x", headers={"X-Other": "1"})


@pytest.mark.tls
def test_a_large_object_is_copied_in_parts(store: S3Store, s3_client: Any, bucket: str) -> None:
    data = os.urandom(12 * MIB + 1)
    etag = put(store, bucket, "k", data)
    upload = store.create_multipart(bucket, "copy")
    ranges = [(0, 5 * MIB), (5 * MIB, 10 * MIB), (10 * MIB, len(data))]
    parts = [
        store.copy_part(bucket, "copy", upload, number, bucket, "k", start=start, end=end, etag=etag)
        for number, (start, end) in enumerate(ranges, 1)
    ]
    stored = store.list_parts(bucket, "copy", upload)
    assert {number: part.size for number, part in stored.items()} == {1: 5 * MIB, 2: 5 * MIB, 3: 2 * MIB + 1}
    assert [part.etag.strip('"') for part in stored.values()] == [part.strip('"') for part in parts]
    store.complete_multipart(bucket, "copy", upload, parts)
    assert content(s3_client, bucket, "copy") == data


def test_changed_source_is_not_copied(store: S3Store, s3_server: Any, bucket: str) -> None:
    etag = put(store, bucket, "k", b"before")
    put(store, bucket, "k", b"after!")
    upload = store.create_multipart(bucket, "copy")
    with pytest.raises(VerificationError, match=r"/k changed while it was being read"):
        store.copy(bucket, "copy", bucket, "k", etag=etag)
    with pytest.raises(VerificationError, match=r"/k changed while it was being read"):
        store.copy_part(bucket, "copy", upload, 1, bucket, "k", start=0, end=6, etag=etag)
    if s3_server.name != "moto":  # moto ignores conditions on the source of a copy
        assert store.head(bucket, "copy") is None


def test_copy_does_not_overwrite_an_object_created_in_the_meantime(store: S3Store, s3_client: Any, bucket: str) -> None:
    etag = put(store, bucket, "k", b"mine")
    put(store, bucket, "existing", b"theirs")
    with pytest.raises(StoreError) as refused:
        store.copy(bucket, "existing", bucket, "k", etag=etag, if_absent=True)
    assert (refused.value.status, refused.value.code, refused.value.transient) == (412, "PreconditionFailed", False)
    assert content(s3_client, bucket, "existing") == b"theirs"
    store.copy(bucket, "existing", bucket, "k", etag=etag)
    assert content(s3_client, bucket, "existing") == b"mine"


def test_copy_names_the_missing_object_or_bucket(store: S3Store, bucket: str) -> None:
    etag = put(store, bucket, "k", b"x")
    with pytest.raises(StoreError) as missing:
        store.copy(bucket, "copy", bucket, "nothing", etag=etag)
    assert missing.value.status == 404
    with pytest.raises(StoreError) as no_bucket:
        store.copy(bucket + "-not", "copy", bucket, "k", etag=etag)
    assert (no_bucket.value.status, no_bucket.value.code) == (404, "NoSuchBucket")


# --- unfinished uploads -----------------------------------------------------------------------------------------


def limit_pages(store: S3Store, bucket: str, operation: str, parameter: str, size: int) -> None:
    """Limit the number of entries in each reply to an operation."""

    def smaller(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return params | {parameter: size}

    store.client(bucket).meta.events.register(f"provide-client-params.s3.{operation}", smaller)


@pytest.mark.parametrize(("parts", "page"), [(9, 4), pytest.param(1003, 1000, marks=pytest.mark.extended)])
def test_all_parts_of_an_upload_are_listed(store: S3Store, bucket: str, parts: int, page: int) -> None:
    limit_pages(store, bucket, "ListParts", "MaxParts", page)
    upload = store.create_multipart(bucket, "k")
    assert store.list_parts(bucket, "k", upload) == {}

    def send(number: int) -> tuple[int, str]:
        data = memoryview(b"%d" % number)
        return number, store.put_part(bucket, "k", upload, number, [data], len(data))

    with ThreadPoolExecutor(8) as threads:
        sent = dict(threads.map(send, [*range(1, parts + 1), 10000]))
    found = store.list_parts(bucket, "k", upload)
    assert {number: part.etag for number, part in found.items()} == sent
    assert (found[2].size, found[10000].size) == (1, 5)
    store.abort_multipart(bucket, "k", upload)
    with pytest.raises(StoreError) as missing:
        store.list_parts(bucket, "k", upload)
    assert (missing.value.status, missing.value.code) == (404, "NoSuchUpload")


def test_uploads_of_exactly_one_key_are_listed(store: S3Store, s3_server: Any, bucket: str) -> None:
    before = datetime.now(UTC)
    for key in ("k", "a b+c%2F", "日本", "<&>"):
        mine = {store.create_multipart(bucket, key) for _ in range(2)}
        store.create_multipart(bucket, key + "2")
        store.create_multipart(bucket, key + "/k")
        found = store.list_multiparts(bucket, key)
        assert {one.upload_id for one in found} == mine
        if s3_server.name != "moto":  # moto dates every upload 2010
            assert all(abs((one.initiated - before).total_seconds()) < 86400 for one in found)
    assert store.list_multiparts(bucket, "nothing") == []


@pytest.mark.parametrize(("uploads", "page"), [(7, 3), pytest.param(1010, 1000, marks=pytest.mark.extended)])
def test_more_uploads_than_one_page_are_listed(store: S3Store, bucket: str, uploads: int, page: int) -> None:
    limit_pages(store, bucket, "ListMultipartUploads", "MaxUploads", page)
    with ThreadPoolExecutor(8) as threads:
        mine = set(threads.map(lambda _: store.create_multipart(bucket, "k"), range(uploads)))
        list(threads.map(lambda number: store.create_multipart(bucket, f"k{number}"), range(10)))
    assert {one.upload_id for one in store.list_multiparts(bucket, "k")} == mine


# --- an object as a source --------------------------------------------------------------------------------------


@pytest.mark.tls
def test_ranges_of_an_object_are_read(store: S3Store, bucket: str) -> None:
    data = os.urandom(3 * MIB)
    etag = put(store, bucket, "a b+c%2F.txt", data)
    source = store.source(bucket, "a b+c%2F.txt", len(data), etag)
    assert (source.size, source.checksum) == (len(data), None)
    for start, end in ((0, len(data)), (0, 1), (MIB - 1, 2 * MIB + 1), (len(data) - 1, len(data))):
        reader = source.open_range(start, end)
        buffer, done = memoryview(bytearray(end - start)), 0
        while count := reader.readinto(buffer[done:]):
            done += count
        reader.close()
        assert bytes(buffer) == data[start:end]


@pytest.mark.tls
def test_object_that_changes_while_it_is_read_is_an_error(store: S3Store, bucket: str) -> None:
    etag = put(store, bucket, "k", b"0123456789")
    source = store.source(bucket, "k", 10, etag)
    put(store, bucket, "k", b"9876543210")
    with pytest.raises(VerificationError, match=r"/k changed while it was being read"):
        source.open_range(0, 5)
    put(store, bucket, "k", b"1")
    with pytest.raises(VerificationError, match=r"/k changed while it was being read"):
        source.open_range(5, 10)
    store.delete(bucket, ["k"])
    with pytest.raises(StoreError, match=r"/k no longer exists"):
        source.open_range(0, 5)
    with pytest.raises(StoreError) as no_bucket:
        store.source(bucket + "-not", "k", 10, etag).open_range(0, 5)
    assert no_bucket.value.code == "NoSuchBucket"


# --- replies that no real server sends on request ---------------------------------------------------------------


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[S3Store, list[str]]]:
    """Yield a store whose server always sends this reply, and the methods of the received requests."""
    methods: list[str] = []

    class Handler(QuietHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            methods.append(self.command)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = answer

    with (
        LoopbackServer(Handler) as server,
        closing(S3Store(S3Connection(server.url, None, None, "a", "b"), Network())) as store,
    ):
        yield store, methods


def error_body(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>their words</Message></Error>".encode()


def test_copy_with_an_error_in_a_200_is_not_retried() -> None:
    with answering(200, error_body("InternalError")) as (store, methods):
        with pytest.raises(StoreError) as failed:
            store.copy("b", "k", "b", "s", etag='"e"')
        assert (failed.value.code, failed.value.transient) == ("InternalError", True)
        assert methods == ["PUT"]
        with pytest.raises(StoreError):
            store.copy_part("b", "k", "id", 1, "b", "s", start=0, end=1, etag='"e"')
        assert methods == ["PUT"] * 2
        patient = store._clients.get("b", patient=True)
        assert patient.meta.config.read_timeout == COPY_TIMEOUT >= 600  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "code", "words", "transient"),
    [
        (400, "ExpiredToken", "credentials have expired", False),
        (400, "InvalidToken", "session token", False),
        (403, "InvalidAccessKeyId", "access key ID", False),
        (403, "SignatureDoesNotMatch", "secret access key", False),
        (403, "RequestTimeTooSkewed", "clocks", False),
        (403, "QuotaExceeded", "quota", False),
        (404, "NoSuchBucket", "bucket does not exist", False),
        (404, "NoSuchUpload", "completed or aborted", False),
        (507, "XMinioStorageFull", "is full", False),
        (501, "NotImplemented", "their words", False),
        (503, "SlowDown", "Try again later", True),
        (503, "ServiceUnavailable", "Try again later", True),
        (500, "InternalError", "their words", True),
        (400, "IncompleteBody", "their words", True),
        (400, "BadDigest", "their words", True),
    ],
)
def test_refusals_have_helpful_messages(status: int, code: str, words: str, transient: bool) -> None:
    with answering(status, error_body(code)) as (store, _):
        for call in (
            lambda: put(store, "b", "k", b"x"),
            lambda: store.list_parts("b", "k", "id"),
            lambda: store.copy("b", "k", "b", "s", etag='"e"'),
        ):
            with pytest.raises(StoreError, match=words) as refused:
                call()
            # A 500 would mean a defect of this server, so it becomes a 502.
            assert (refused.value.code, refused.value.status) == (code, 502 if status == 500 else status)
            assert refused.value.transient is transient


def test_store_that_ignores_the_range_is_an_error() -> None:
    with answering(200, b"0123456789") as (store, _):
        source = store.source("b", "k", 10, '"e"')
        reader = source.open_range(0, 10)
        reader.close()
        with pytest.raises(VerificationError, match="a different range"):
            source.open_range(2, 5)
        with pytest.raises(VerificationError, match="changed"):
            store.source("b", "k", 20, '"e"').open_range(0, 10)


def test_waiting_read_can_be_interrupted() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    store = S3Store(S3Connection(f"http://127.0.0.1:{listener.getsockname()[1]}", None, None, "a", "b"), Network())
    held: list[socket.socket] = []

    def serve() -> None:
        connection, _ = listener.accept()
        held.append(connection)
        while b"\r\n\r\n" not in connection.recv(65536):
            pass
        connection.sendall(
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n"
            b'ETag: "e"\r\n\r\n01234'
        )

    server = threading.Thread(target=serve)
    server.start()
    reader = store.source("b", "k", 10, '"e"').open_range(0, 10)
    server.join()
    buffer = memoryview(bytearray(10))
    assert reader.readinto(buffer[:5]) == 5
    waiting = threading.Event()

    def wait() -> int:
        waiting.set()
        try:
            return reader.readinto(buffer[5:])
        except OdhTecError:
            return 0

    with ThreadPoolExecutor(1) as threads:
        end = threads.submit(wait)
        waiting.wait()
        reader.interrupt()
        assert end.result(timeout=GIVE_UP_SECONDS) == 0
    reader.close()
    store.close()
    held[0].close()
    listener.close()
