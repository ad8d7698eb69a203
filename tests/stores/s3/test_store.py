"""The S3 store with each S3 server: keys, lists, deletions, errors."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

from odhtec_jupyter.errors import Forbidden, StoreError, Unreachable
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.connection.clients import S3Clients
from odhtec_jupyter.stores.s3.object import ObjectBody
from odhtec_jupyter.stores.s3.store import S3Store
from tests.marks import on_https, on_rgw_and_https
from tests.stores.s3.writing import put

KEYS = [
    "日本.txt",
    "a b+c%2F.txt",
    "..",
    "./a",
    "x//y",
    "/lead",
    "😀",
    "k" * 1024,
    "é" * 512,
    unicodedata.normalize("NFC", "café"),
    unicodedata.normalize("NFD", "café"),
    "q?a=b&c=d#e;f",
    "back\\slash",
    "<&>\"'",
]


def connection(server: Any, **fields: Any) -> S3Connection:
    return dataclasses.replace(
        S3Connection(
            endpoint=server.endpoint_url,
            region=server.region,
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
        ),
        **fields,
    )


def read(body: ObjectBody) -> bytes:
    buffer = memoryview(bytearray(100))
    count = body.readinto(buffer)
    body.close()
    return bytes(buffer[:count])


@pytest.mark.parametrize("key", KEYS, ids=[ascii(key)[:16] for key in KEYS])
def test_any_key_is_stored_read_listed_and_deleted_alone(store: S3Store, s3_client: Any, bucket: str, key: str) -> None:
    assert_alone(store, s3_client, bucket, key)


@on_rgw_and_https  # moto loses control characters in keys
def test_a_key_with_a_control_character_is_stored_read_listed_and_deleted_alone(
    store: S3Store, s3_client: Any, bucket: str
) -> None:
    assert_alone(store, s3_client, bucket, "tab\there")


def assert_alone(store: S3Store, s3_client: Any, bucket: str, key: str) -> None:
    for other in ("other", key[:-1] + "~", "z/" + key[:400]):
        s3_client.put_object(Bucket=bucket, Key=other, Body=b"other")
    put(store, bucket, key, b"this one")
    assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"this one"
    assert read(store.open(bucket, key)) == b"this one"
    assert key in [item.Key for page in store.walk(bucket, "") for item in page]
    before = {item.Key for page in store.walk(bucket, "") for item in page}
    assert store.delete(bucket, [key]).deleted == [key]
    assert {item.Key for page in store.walk(bucket, "") for item in page} == before - {key}


@pytest.mark.tls
def test_a_level_is_paged_by_the_stores_own_token(store: S3Store, s3_client: Any, bucket: str) -> None:
    for number in range(7):
        s3_client.put_object(Bucket=bucket, Key=f"p/{number}", Body=b"")
        s3_client.put_object(Bucket=bucket, Key=f"p/dir{number}/x", Body=b"")
    found: list[str] = []
    token, pages = None, 0
    while True:
        page = store.list_objects(bucket, "p/", max_keys=4, token=token)
        found += [item.Key for item in page.objects] + [item.Prefix for item in page.prefixes]
        pages, token = pages + 1, page.next_continuation_token
        if not page.is_truncated:
            break
    assert pages == 4
    assert sorted(found) == sorted([f"p/{n}" for n in range(7)] + [f"p/dir{n}/" for n in range(7)])


def test_more_keys_than_fit_into_one_request_are_deleted(store: S3Store, s3_client: Any, bucket: str) -> None:
    keys = [f"old/{number:04}" for number in range(1003)]
    # S3 reports missing keys as deleted as well.
    for key in [keys[0], keys[999], keys[1000], keys[-1], "old", "old2"]:
        put(store, bucket, key, b"")
    reply = store.delete(bucket, keys)
    assert reply.errors == []
    assert sorted(reply.deleted) == keys
    assert [item.Key for page in store.walk(bucket, "") for item in page] == ["old", "old2"]


@pytest.mark.tls
def test_ranges_and_conditions_are_handled_by_s3(store: S3Store, bucket: str) -> None:
    etag = put(store, bucket, "k", b"0123456789")
    body = store.open(bucket, "k", Range="bytes=2-4")
    assert (body.status, body.start, body.end, read(body)) == (206, 2, 5, b"234")
    with pytest.raises(StoreError) as unchanged:
        store.open(bucket, "k", IfNoneMatch=etag)
    assert unchanged.value.status == 304
    with pytest.raises(StoreError) as beyond:
        store.open(bucket, "k", Range="bytes=100-")
    assert (beyond.value.status, beyond.value.code) == (416, "InvalidRange")


def test_metadata_and_type_are_kept(store: S3Store, bucket: str) -> None:
    put(store, bucket, "k", b"x", content_type="text/plain", metadata={"hf-etag": "abc"})
    head = store.head(bucket, "k")
    assert head is not None
    assert (head.size, head.content_type, dict(head.metadata)) == (1, "text/plain", {"hf-etag": "abc"})


def test_missing_bucket_or_key_is_named(store: S3Store, bucket: str) -> None:
    assert store.head(bucket, "nothing") is None
    with pytest.raises(StoreError) as no_bucket:
        store.head(bucket + "-not", "k")
    assert no_bucket.value.code == "NoSuchBucket"
    for call in (
        lambda: store.open(bucket, "nothing"),
        lambda: store.list_objects(bucket + "-not", "", max_keys=1, token=None),
        lambda: store.delete_bucket(bucket + "-not"),
    ):
        with pytest.raises(StoreError) as missing:
            call()
        assert missing.value.status == 404


def test_bucket_that_is_not_empty_is_not_deleted(store: S3Store, bucket: str) -> None:
    put(store, bucket, "k", b"x")
    with pytest.raises(StoreError) as refused:
        store.delete_bucket(bucket)
    assert (refused.value.status, refused.value.code) == (409, "BucketNotEmpty")


@on_rgw_and_https  # moto checks no signature
@pytest.mark.tls
def test_invalid_credentials_are_reported(s3_server: Any) -> None:
    network = Network(ca_bundles=(s3_server.ca_bundle,) if s3_server.ca_bundle else ())
    for field, code in (("secret_access_key", "SignatureDoesNotMatch"), ("access_key_id", "InvalidAccessKeyId")):
        store = S3Store(connection(s3_server, **{field: "wrong"}), network)
        with pytest.raises(StoreError) as refused:
            store.list_buckets()
        assert (refused.value.status, refused.value.code) == (403, code)
        assert "wrong" not in str(refused.value)
        store.close()


def test_unreachable_store_is_named() -> None:
    store = S3Store(S3Connection("http://127.0.0.1:9", None, None, "a", "b"), Network())
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 .*refused"):
        store.list_buckets()
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 .*refused"):
        put(store, "b", "k", b"x")
    store.close()


@pytest.mark.tls
@on_https
def test_unknown_certificate_authority_is_not_trusted(s3_server: Any) -> None:
    store = S3Store(connection(s3_server), Network())
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        store.list_buckets()
    store.close()


def test_the_description_of_s3_is_loaded_once_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading it takes 12 MiB and 100 ms."""
    loaded: list[str] = []
    load_file = JSONFileLoader.load_file

    def noted(loader: Any, path: str) -> Any:
        loaded.append(path)
        return load_file(loader, path)

    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    for _ in range(2):
        clients = S3Clients(S3Connection("http://127.0.0.1:9", None, None, "a", "b"), Network())
        assert clients.get().meta.service_model.service_name == "s3"
        clients.close()
    assert len([path for path in loaded if "service-2" in path]) <= 1


def test_missing_credentials_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(S3Connection("http://127.0.0.1:9"), Network())
    with pytest.raises(Forbidden) as refused:
        store.list_buckets()
    assert refused.value.code == "NoCredentials"
    store.close()
