"""``?connection=NAME``: every route of S3 uses the store of that connection, and only that one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from tests.handlers.conftest import Api
from tests.marks import on_moto
from tests.odd_store import OddStore

pytestmark = on_moto
OTHER = {"connection": "other"}
KEY = encode_key("a/b.txt")


@pytest.fixture(autouse=True)  # before the server starts
def other(odd_store: OddStore, clean_environment_variables: None, monkeypatch: pytest.MonkeyPatch) -> OddStore:
    """The store of the connection ``other``; the connection ``bad`` cannot be used."""
    host = urlsplit(odd_store.endpoint).netloc
    monkeypatch.setenv("MC_HOST_other", f"http://other-id:other-secret@{host}")
    monkeypatch.setenv("MC_HOST_bad", "nothing")
    odd_store.put("a/b.txt", b"text of the other store")
    return odd_store


READS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "buckets": ("GET", ("buckets",), {}),
    "list": ("GET", ("objects", "bucket"), {}),
    "folder": ("GET", ("objects", "bucket", encode_key("a/")), {}),
    "search": ("GET", ("objects", "bucket"), {"q": "b", "recursive": "true"}),
    "download": ("GET", ("objects", "download", "bucket", KEY), {}),
    "head": ("HEAD", ("objects", "download", "bucket", KEY), {}),
    "view": ("GET", ("objects", "view", "bucket", KEY), {}),
    "preview": ("GET", ("objects", "preview", "bucket", KEY), {}),
    "metadata": ("GET", ("objects", "metadata", "bucket", KEY), {}),
    "usage": ("GET", ("usage", "bucket"), {}),
    "archive": ("GET", ("archive", "bucket"), {"key": KEY}),
    "uploads": ("GET", ("uploads",), {}),
}


@pytest.mark.parametrize("name", READS)
async def test_reading_uses_the_connection(api: Api, other: OddStore, name: str) -> None:
    method, path, query = READS[name]
    reply = await api.send(method, *path, params=query | OTHER)
    assert reply.code == 200, reply.body
    assert [one for one in other.requests if "other-id/" not in one.headers["authorization"]] == []
    if name != "uploads":
        assert other.requests
        assert (await api.send(method, *path, params=query)).body != reply.body or method == "HEAD"


async def test_unknown_connection_is_refused_everywhere(api: Api, other: OddStore) -> None:
    for method, path, query in READS.values():
        reply = await api.send(method, *path, params=query | {"connection": "none"})
        assert reply.code == 404
        if method != "HEAD":
            assert b"NoSuchConnection" in reply.body
    assert other.requests == []


async def test_connection_that_cannot_be_used_says_why(api: Api, other: OddStore) -> None:
    refused = await api.refused(400, "GET", "buckets", params={"connection": "bad"})
    assert refused["message"] == (
        "The connection “bad” cannot be used. endpoint must be a URL such as https://host:port."
    )


async def test_objects_are_written_and_deleted_at_the_connection(
    api: Api, other: OddStore, form: Callable[..., Any], bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    await api.put("bucket", "put.txt", b"put", params=OTHER)
    body, headers = form(("form.txt", b"form"))
    await api.ok("POST", "objects/upload/bucket", status=201, body=body, headers=headers, params=OTHER)
    await api.ok("POST", "objects/folder/bucket", status=201, json_body={"prefix": "folder"}, params=OTHER)
    assert set(other.objects) == {"a/b.txt", "put.txt", "form.txt", "folder/"}
    assert other.objects["put.txt"].body == b"put"
    await api.ok("DELETE", "objects", "bucket", encode_key("put.txt"), params=OTHER)
    await api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["form.txt"]}, params=OTHER)
    assert set(other.objects) == {"a/b.txt", "folder/"}
    assert stored() == {}


async def test_folder_is_deleted_at_the_connection(api: Api, other: OddStore) -> None:
    other.put("c.txt", b"c")
    plan = await api.ok("DELETE", "objects", "bucket", encode_key("a/"), params=OTHER | {"dryRun": "true"})
    assert [one["source"] for one in plan["files"]] == ["s3://other@bucket/a/b.txt"]
    transfer = await api.ok("DELETE", "objects", "bucket", encode_key("a/"), status=202, params=OTHER)
    assert transfer["source"] == "s3://other@bucket/a/"
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert set(other.objects) == {"c.txt"}


async def test_link_is_signed_by_the_connection(api: Api, other: OddStore) -> None:
    link = await api.ok("POST", "objects/presign", json_body={"bucket": "bucket", "key": "a/b.txt"}, params=OTHER)
    assert link["url"].startswith(f"{other.endpoint}/bucket/a/b.txt")
    assert "other-id" in link["url"]


async def test_resumable_upload_belongs_to_its_connection(api: Api, other: OddStore) -> None:
    request = {"bucket": "bucket", "key": "large.bin", "size": 3, "lastModified": 5}
    upload = await api.ok("POST", "uploads", status=201, json_body=request, params=OTHER)
    assert (await api.ok("GET", "uploads"))["uploads"] == []
    listed = (await api.ok("GET", "uploads", params=OTHER))["uploads"]
    assert [one["uploadId"] for one in listed] == [upload["uploadId"]]
    await api.ok("PUT", "uploads", upload["uploadId"], "1", body=b"abc")  # the upload knows its connection
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201, body="")
    assert other.objects["large.bin"].body == b"abc"


async def test_resumable_upload_does_not_continue_with_another_account(
    api: Api, other: OddStore, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"bucket": "bucket", "key": "large.bin", "size": 3}
    upload = await api.ok("POST", "uploads", status=201, json_body=request, params=OTHER)
    monkeypatch.setenv("MC_HOST_other", f"http://another:s@{urlsplit(other.endpoint).netloc}")
    services.connections.expire()
    await api.ok("GET", "connections")
    refused = await api.refused(409, "PUT", "uploads", upload["uploadId"], "1", body=b"abc")
    assert refused["error"] == "OtherConnection"
    monkeypatch.delenv("MC_HOST_other")
    services.connections.expire()
    await api.ok("GET", "connections")
    refused = await api.refused(404, "PUT", "uploads", upload["uploadId"], "1", body=b"abc")
    assert refused["error"] == "NoSuchConnection"


async def test_import_stores_at_the_connection(
    hf: HubStandIn, api: Api, other: OddStore, stored: Callable[[], dict[str, int]], bucket: str
) -> None:
    hf.add(Repository("org/model")).commit({"config.json": b"{}"})
    body = {"repo": "org/model", "bucket": "bucket", "prefix": "m"}
    transfer = await api.ok("POST", "objects/import-hf", status=201, json_body=body, params=OTHER)
    assert transfer["target"] == "s3://other@bucket/m/"
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert other.objects["m/config.json"].body == b"{}"
    assert stored() == {}


# --- changes while the server runs ------------------------------------------------------------------------------------


def added(store: OddStore, **fields: Any) -> dict[str, Any]:
    return {
        "name": "added",
        "endpoint": store.endpoint,
        "accessKeyId": "first-id",
        "secretAccessKey": "s",
        **fields,
    }


async def test_replaced_connection_is_used_immediately(api: Api, other: OddStore, services: Services) -> None:
    await api.ok("POST", "connections", status=201, json_body=added(other))
    await api.ok("GET", "buckets", params={"connection": "added"})
    first = services.known_store("added")
    await api.ok("POST", "connections", status=201, json_body=added(other, accessKeyId="second-id"))
    await api.ok("GET", "buckets", params={"connection": "added"})
    assert "second-id/" in other.requests[-1].headers["authorization"]
    assert services.known_store("added") is not first
    assert services.known_store("added") is services.known_store("added")


async def test_store_of_a_removed_connection_is_closed(
    api: Api, other: OddStore, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.ok("POST", "connections", status=201, json_body=added(other))
    store = services.known_store("added")
    closed: list[object] = []
    monkeypatch.setattr(store, "close", lambda: closed.append(store))
    await api.ok("DELETE", "connections", "added")
    assert closed == [store]
    await api.refused(404, "GET", "buckets", params={"connection": "added"})


async def test_settings_are_shown_although_the_default_connection_cannot_be_used(api: Api, services: Services) -> None:
    services.settings.s3_endpoint = "nowhere://"
    assert (await api.ok("GET", "settings/s3"))["endpoint"] == "nowhere://"
    refused = await api.refused(400, "GET", "buckets")
    assert refused["message"] == "endpoint must be a URL such as https://host:port."


# --- read-only --------------------------------------------------------------------------------------------------------


async def test_read_only_connection_refuses_every_write(
    hf: HubStandIn, api: Api, other: OddStore, bucket: str, s3_client: Any, form: Callable[..., Any]
) -> None:
    hf.add(Repository("org/model")).commit({"config.json": b"{}"})
    s3_client.put_object(Bucket=bucket, Key="own.txt", Body=b"own")
    await api.ok("POST", "connections", status=201, json_body=added(other, readOnly=True))
    body, headers = form(("form.txt", b"form"))
    details = await api.ok("GET", "objects/metadata/bucket", KEY, params={"connection": "added"})
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "buckets", {"json_body": {"bucketName": "new"}}),
        ("DELETE", "buckets/bucket", {}),
        ("PUT", f"objects/upload/bucket/{KEY}", {"body": b"x"}),
        ("POST", "objects/upload/bucket", {"body": body, "headers": headers}),
        ("POST", "objects/folder/bucket", {"json_body": {"prefix": "f"}}),
        ("DELETE", f"objects/bucket/{KEY}", {}),
        ("DELETE", f"objects/bucket/{encode_key('a/')}", {}),
        ("DELETE", "objects/multiple/bucket", {"json_body": {"keys": ["a/b.txt"]}}),
        ("POST", "uploads", {"json_body": {"bucket": "bucket", "key": "k", "size": 3}}),
        ("PUT", f"objects/metadata/bucket/{KEY}", {"json_body": {"etag": details["ETag"], "Metadata": {"a": "b"}}}),
        ("POST", "objects/presign", {"json_body": {"bucket": "bucket", "key": "k", "method": "PUT"}}),
        ("POST", "objects/import-hf", {"json_body": {"repo": "org/model", "bucket": "bucket"}}),
        ("POST", "transfers", {"json_body": {"action": "delete", "source": "s3://bucket/a/b.txt"}}),
        *(
            ("POST", "transfers", {"json_body": {"action": action, "source": source, "target": target}})
            for action, source, target in (
                ("copy", f"s3://default@{bucket}/own.txt", "s3://bucket/own.txt"),
                ("copy", f"s3://default@{bucket}/own.txt", "s3://added@bucket/own.txt"),
                ("move", "s3://added@bucket/a/b.txt", f"s3://default@{bucket}/b.txt"),
            )
        ),
    ]
    for method, path, options in writes:
        refused = await api.refused(403, method, path, params={"connection": "added"}, **options)
        assert refused["error"] == "ReadOnly", (method, path, refused)
        assert "is read-only" in refused["message"]
    assert {one.method for one in other.requests} <= {"GET", "HEAD"}
    assert set(other.objects) == {"a/b.txt"}


async def test_read_only_connection_is_read(api: Api, other: OddStore) -> None:
    await api.ok("POST", "connections", status=201, json_body=added(other, readOnly=True))
    for method, path, query in READS.values():
        assert (await api.send(method, *path, params=query | {"connection": "added"})).code == 200
    plan = await api.ok(
        "DELETE", "objects", "bucket", encode_key("a/"), params={"connection": "added", "dryRun": "true"}
    )
    assert plan["counts"] == {"delete": 1}
