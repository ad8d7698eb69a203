"""Listing and deleting; every key that S3 allows makes the round trip."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from odhtec_jupyter.handlers import objects
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.transfers.planning.plan import plan_deletion
from tests.marks import on_moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


KEYS = [
    "日本.txt",
    "a b+c%2F.txt",
    "ab?.txt",
    "..",
    "x//y",
    "/lead",
    "📦 box.bin",
    "a/../b",
    "100%25.txt",
    "quote\"and'back\\slash",
    "#?&=;,@!$'()*[]{}<>|^`~",
    "k" * 1024,
    "é" * 512,
    unicodedata.normalize("NFC", "naïve.txt"),
    unicodedata.normalize("NFD", "naïve.txt"),
]
# moto replies with XML, which cannot contain them.
CONTROL_KEYS = ["tab\there", "line\nbreak", "carriage\rreturn"]


@pytest.fixture
def keys(s3_server: Any) -> list[str]:
    return KEYS if s3_server.name == "moto" else KEYS + CONTROL_KEYS


def value_of(key: str) -> bytes:
    return f"the object {key!r}".encode()


async def walk(api: Any, bucket: str, prefix: str = "") -> set[str]:
    """Return all keys, listed level by level as the panel does."""
    below = (encode_key(prefix),) if prefix else ()
    page = await api.ok("GET", "objects", bucket, *below)
    found = {entry["Key"] for entry in page["objects"]}
    for folder in page["prefixes"]:
        found |= await walk(api, bucket, folder["Prefix"])
    return found


async def read_and_delete_each(api: Any, bucket: str, keys: list[str]) -> None:
    assert await walk(api, bucket) == set(keys)
    left = set(keys)
    for key in keys:
        for kind in ("download", "view"):
            reply = await api.send("GET", "objects", kind, bucket, encode_key(key))
            assert (reply.code, reply.body) == (200, value_of(key)), key
        head = await api.download(bucket, key, "HEAD")
        assert (head.code, head.headers["Content-Length"]) == (200, str(len(value_of(key)))), key
        assert await api.ok("DELETE", "objects", bucket, encode_key(key)) == {"deleted": [key], "errors": []}
        left.discard(key)
        assert await walk(api, bucket) == left, key
        assert (await api.download(bucket, key)).code == 404


async def test_every_key_makes_the_round_trip_when_sent_as_a_raw_body(api: Any, bucket: str, keys: list[str]) -> None:
    for key in keys:
        reply = await api.put(bucket, key, value_of(key))
        assert (reply["key"], reply["size"]) == (key, len(value_of(key)))
    await read_and_delete_each(api, bucket, keys)


async def test_every_key_makes_the_round_trip_when_sent_as_a_form(
    api: Any, bucket: str, keys: list[str], form: Callable[..., tuple[bytes, dict[str, str]]]
) -> None:
    body, headers = form(*((key, value_of(key)) for key in keys))
    reply = await api.ok("POST", "objects/upload", bucket, body=body, headers=headers, status=201)
    assert [entry["key"] for entry in reply["uploaded"]] == keys
    await read_and_delete_each(api, bucket, keys)


@on_moto
async def test_standard_base64_and_padding_decode_to_the_same_key(api: Any, bucket: str) -> None:
    key = "ab?>~.txt"  # its base64url contains - and _, and needs padding
    await api.put(bucket, key, b"x")
    plain = encode_key(key)
    standard = plain.replace("-", "+").replace("_", "/") + "=" * (-len(plain) % 4)
    base = f"{api.path}/objects/download/{bucket}"
    for segment in (plain, plain + "=" * (-len(plain) % 4), quote(standard, safe="")):
        reader, writer = await api.raw("GET", f"objects/download/{bucket}/{segment}", {"Connection": "close"})
        assert (await reader.readline()).split()[1] == b"200", (base, segment)
        writer.close()


@on_moto
async def test_path_segment_that_is_not_a_key_is_400(api: Any, bucket: str) -> None:
    for segment in ("a", "****", "_w", encode_key("k" * 1025)):
        for method, *parts in (
            ("GET", "objects/download", bucket, segment),
            ("DELETE", "objects", bucket, segment),
            ("GET", "objects", bucket, segment),
            ("PUT", "objects/upload", bucket, segment),
        ):
            error = (await api.refused(400, method, *parts))["error"]
            assert error == ("KeyTooLongError" if len(segment) > 1000 else "InvalidKey"), (method, parts)


async def test_every_key_is_reached_by_following_the_tokens(api: Any, s3_client: S3Client, bucket: str) -> None:
    keys = [f"data/{number:02} &+日.txt" for number in range(25)]
    for key in [*keys, "data/sub/one", "data/sub/two", "database"]:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    found, folders, sizes, params = [], [], [], {"maxKeys": "10"}
    while True:
        page = await api.ok("GET", "objects", bucket, encode_key("data/"), params=params)
        found += [entry["Key"] for entry in page["objects"]]
        folders += [entry["Prefix"] for entry in page["prefixes"]]
        sizes.append(len(page["objects"]) + len(page["prefixes"]))
        assert page["isTruncated"] == (page["nextContinuationToken"] is not None)
        if not page["isTruncated"]:
            break
        params["continuationToken"] = page["nextContinuationToken"]
    assert found == keys
    assert folders == ["data/sub/"]
    assert sizes == [10, 10, 6]


@on_moto
async def test_invalid_number_of_keys_is_a_400(api: Any, bucket: str) -> None:
    for number in ("0", "1001", "-1", "ten", "1.5", "", "٣"):
        assert "maxKeys" in (await api.refused(400, "GET", "objects", bucket, params={"maxKeys": number}))["message"]


FAMILY = ["foo", "foo/x", "foo/deep/y", "foobar", "food/z"]


@pytest.fixture
def family(s3_client: S3Client, bucket: str) -> None:
    for key in FAMILY:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")


@pytest.mark.usefixtures("family")
async def test_deleting_a_key_leaves_the_keys_that_begin_with_it(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    await api.ok("DELETE", "objects", bucket, encode_key("foo"))
    assert set(stored()) == set(FAMILY) - {"foo"}


@pytest.mark.usefixtures("family")
async def test_deleting_a_folder_deletes_exactly_the_objects_below_it(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    transfer = await api.ok("DELETE", "objects", bucket, encode_key("foo/"), status=202)
    assert (transfer["action"], transfer["source"]) == ("delete", f"s3://{bucket}/foo/")
    done = await api.finished(transfer["id"])
    assert (done["state"], done["filesDone"], done["filesTotal"], done["filesFailed"]) == ("completed", 2, 2, 0)
    assert set(stored()) == {"foo", "foobar", "food/z"}


@pytest.mark.usefixtures("family")
async def test_many_keys_and_folders_are_deleted_by_one_request(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    body = {"keys": ["foo", "foobar", "not there"]}
    reply = await api.ok("DELETE", "objects/multiple", bucket, json_body=body)
    assert (set(reply["deleted"]), reply["errors"]) == ({"foo", "foobar", "not there"}, [])
    assert set(stored()) == {"foo/x", "foo/deep/y", "food/z"}
    body = {"keys": ["food/z"], "prefixes": ["foo/deep/"]}
    transfer = await api.ok("DELETE", "objects/multiple", bucket, json_body=body, status=202)
    assert (await api.finished(transfer["id"]))["state"] == "completed"
    assert set(stored()) == {"foo/x"}


async def test_awkward_keys_are_deleted_by_one_request(
    api: Any, s3_client: S3Client, bucket: str, keys: list[str]
) -> None:
    for key in keys:
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3_client.put_object(Bucket=bucket, Key="stays", Body=b"x")
    reply = await api.ok("DELETE", "objects/multiple", bucket, json_body={"keys": keys})
    assert (set(reply["deleted"]), reply["errors"]) == (set(keys), [])
    assert await walk(api, bucket) == {"stays"}


@on_moto
@pytest.mark.usefixtures("family")
async def test_invalid_deletion_deletes_nothing(api: Any, bucket: str, stored: Callable[[], dict[str, int]]) -> None:
    for body in ({}, {"keys": []}, {"prefixes": ["foo"]}, {"prefixes": [""]}, {"keys": [""]}, {"prefix": "foo/"}):
        await api.refused(400, "DELETE", "objects/multiple", bucket, json_body=body)
    assert set(stored()) == set(FAMILY)


@pytest.mark.usefixtures("family")
async def test_dry_run_counts_the_objects_and_deletes_none(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    dry = {"params": {"dryRun": "true"}}

    async def plan(**body: Any) -> set[str]:
        found = await api.ok("DELETE", "objects/multiple", bucket, json_body=body, **dry)
        assert (found["filesTotal"], found["bytesTotal"]) == (len(found["files"]),) * 2
        assert found["counts"] == {"delete": len(found["files"])}
        assert found["isTruncated"] is False
        return {file["source"].removeprefix(f"s3://{bucket}/") for file in found["files"]}

    assert await plan(keys=["foo", "missing"]) == {"foo"}
    assert await plan(prefixes=["foo/"]) == {"foo/x", "foo/deep/y"}
    overlapping = {"keys": ["foo/x", "foo", "foo"], "prefixes": ["foo/deep/", "foo/"]}
    assert await plan(**overlapping) == {"foo", "foo/x", "foo/deep/y"}
    one = await api.ok("DELETE", "objects", bucket, encode_key("foo"), **dry)
    assert (one["filesTotal"], one["files"][0]["source"]) == (1, f"s3://{bucket}/foo")
    assert (await api.ok("DELETE", "objects", bucket, encode_key("foo/"), **dry))["filesTotal"] == 2
    for body in ({"keys": ["missing"]}, {"prefixes": ["missing/"]}):
        await api.refused(404, "DELETE", "objects/multiple", bucket, json_body=body, **dry)
    for body in ({"prefixes": ["foo"]}, {}):
        await api.refused(400, "DELETE", "objects/multiple", bucket, json_body=body, **dry)
    perhaps = {"params": {"dryRun": "perhaps"}}
    await api.refused(400, "DELETE", "objects/multiple", bucket, json_body={"keys": ["foo"]}, **perhaps)
    await api.refused(400, "DELETE", "objects", bucket, encode_key("foo"), **perhaps)
    assert set(stored()) == set(FAMILY)


@on_moto
@pytest.mark.usefixtures("family")
async def test_dry_run_reports_that_it_has_stopped_counting(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "plan_deletion", partial(plan_deletion, at_most=2))
    body = {"prefixes": ["foo/", "food/"]}
    found = await api.ok("DELETE", "objects/multiple", bucket, json_body=body, params={"dryRun": "true"})
    assert (found["filesTotal"], found["bytesTotal"], found["isTruncated"]) == (2, 2, True)


@on_moto
async def test_folder_marker_is_created_and_deleted_with_its_folder(
    api: Any, bucket: str, stored: Callable[[], dict[str, int]]
) -> None:
    for prefix in ("new", "日本/deep/"):
        await api.ok("POST", "objects/folder", bucket, json_body={"prefix": prefix}, status=201)
    assert stored() == {"new/": 0, "日本/deep/": 0}
    page = await api.ok("GET", "objects", bucket)
    assert {entry["Prefix"] for entry in page["prefixes"]} == {"new/", "日本/"}
    await api.refused(400, "POST", "objects/folder", bucket, json_body={"prefix": "k" * 1024})
    transfer = await api.ok("DELETE", "objects", bucket, encode_key("new/"), status=202)
    await api.finished(transfer["id"])
    assert stored() == {"日本/deep/": 0}


ROUTE_WORDS = [
    "multiple",
    "upload",
    "view",
    "folder",
    "download",
    "import-hf",
    "presign",
    "metadata",
    "versions",
    "restore",
    "archive",
    "preview",
    "usage",
    "multipart",
]


@on_moto
async def test_bucket_with_the_name_of_a_route_is_reachable(api: Any, s3_client: S3Client) -> None:
    for name in ROUTE_WORDS:
        s3_client.create_bucket(Bucket=name)
        for key in ("a", "b", "dir/c"):
            s3_client.put_object(Bucket=name, Key=key, Body=b"x")
        page = await api.ok("GET", "objects", name)
        assert [entry["Key"] for entry in page["objects"]] == ["a", "b"], name
        page = await api.ok("GET", "objects", name, encode_key("dir/"))
        assert [entry["Key"] for entry in page["objects"]] == ["dir/c"], name
        await api.ok("DELETE", "objects", name, encode_key("a"))
        await api.ok("DELETE", "objects/multiple", name, json_body={"keys": ["b"]})
        assert await walk(api, name) == {"dir/c"}
        assert (await api.download(name, "dir/c")).body == b"x"
        assert (await api.ok("GET", "objects/metadata", name, encode_key("dir/c")))["Key"] == "dir/c"
        assert len((await api.ok("GET", "objects/versions", name, encode_key("dir/c")))["versions"]) == 1
        assert (await api.ok("GET", "multipart", name))["uploads"] == []
        assert (await api.send("GET", "archive", name, params={"prefix": ""})).code == 200
        await api.put(name, "d", b"y")
        await api.ok("POST", "objects/folder", name, json_body={"prefix": "e"}, status=201)
        assert await walk(api, name) == {"dir/c", "d", "e/"}
