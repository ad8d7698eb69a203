"""Versions of exactly one key are listed, read, restored and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.stores.s3 import in_place
from odhtec_jupyter.stores.s3.store import S3Store
from tests.marks import on_moto, on_rgw, over_http

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


KEY = "foo"
AWKWARD = "a b+c%2F 日本&<.txt"


@pytest.fixture
def versioned(s3_client: S3Client, bucket: str) -> str:
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def put(s3_client: S3Client, versioned: str) -> Callable[..., str]:
    """A function that writes a version and returns its id."""

    def write(key: str, body: bytes, **options: Any) -> str:
        return s3_client.put_object(Bucket=versioned, Key=key, Body=body, **options)["VersionId"]

    return write


async def versions(api: Any, bucket: str, key: str = KEY, **options: Any) -> Any:
    return await api.ok("GET", "objects/versions", bucket, encode_key(key), **options)


async def test_versions_of_exactly_one_key_are_listed(
    api: Any, versioned: str, put: Callable[..., str], s3_client: S3Client
) -> None:
    for key in ("foobar", "foo/x", "fo"):
        put(key, b"another key")
    first, second = put(KEY, b"1"), put(KEY, b"22")
    marker = s3_client.delete_object(Bucket=versioned, Key=KEY)["VersionId"]
    found = await versions(api, versioned)
    assert (found["versioning"], found["isTruncated"], found["nextContinuationToken"]) == ("Enabled", False, None)
    shown = [(one["VersionId"], one["IsLatest"], one["deleteMarker"], one["Size"]) for one in found["versions"]]
    assert shown == [(marker, True, True, None), (second, False, False, 2), (first, False, False, 1)]
    assert (await versions(api, versioned, "absent"))["versions"] == []
    await api.refused(404, "GET", "objects/versions", f"absent-{versioned}", encode_key(KEY))


async def test_every_version_is_reached_by_following_the_tokens(
    api: Any, versioned: str, put: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    list_versions = S3Store.list_versions

    def by_two(store: S3Store, *args: Any) -> Any:
        return list_versions(store, *args, max_keys=2)

    monkeypatch.setattr(S3Store, "list_versions", by_two)
    for key in (KEY, AWKWARD):
        written = [put(key, b"x" * number) for number in range(7)]
        for other in ("bar", "/y"):
            put(key + other, b"another key")
        found: list[str] = []
        params: dict[str, str] = {}
        while True:
            page = await versions(api, versioned, key, params=params)
            found += [one["VersionId"] for one in page["versions"]]
            assert page["isTruncated"] == (page["nextContinuationToken"] is not None)
            if not page["isTruncated"]:
                break
            params["continuationToken"] = page["nextContinuationToken"]
        assert found == written[::-1], key


@over_http
async def test_bucket_without_versioning_has_one_version_of_each_key(
    api: Any, bucket: str, s3_client: S3Client
) -> None:
    s3_client.put_object(Bucket=bucket, Key=KEY, Body=b"x")
    found = await versions(api, bucket)
    assert found["versioning"] == "Off"
    assert [(one["VersionId"], one["IsLatest"]) for one in found["versions"]] == [("null", True)]
    restored = await api.ok("POST", "objects/restore", bucket, encode_key(KEY), json_body={"versionId": "null"})
    assert restored["size"] == 1


async def test_a_version_is_read_whole_and_by_range(api: Any, versioned: str, put: Callable[..., str]) -> None:
    old = put(AWKWARD, b"the old text")
    put(AWKWARD, b"new")
    for kind in ("download", "view"):
        target = (f"objects/{kind}", versioned, encode_key(AWKWARD))
        assert (await api.send("GET", *target)).body == b"new"
        assert (await api.send("GET", *target, params={"versionId": old})).body == b"the old text"
        reply = await api.send("GET", *target, params={"versionId": old}, headers={"Range": "bytes=4-6"})
        assert (reply.code, reply.body) == (206, b"old")
        head = await api.send("HEAD", *target, params={"versionId": old})
        assert head.headers["Content-Length"] == "12"
        await api.refused(400, "GET", *target, params={"versionId": ""})
        assert (await api.send("GET", *target, params={"versionId": "no-such-version"})).code in {400, 404}


async def test_a_restored_version_is_the_newest_and_nothing_is_removed(
    api: Any, versioned: str, put: Callable[..., str], s3_client: S3Client
) -> None:
    for key in (KEY, AWKWARD):
        old = put(key, b"old", ContentType="text/x-old", Metadata={"a": "b"}, Tagging="stage=raw")
        new = put(key, b"newer")
        marker = s3_client.delete_object(Bucket=versioned, Key=key)["VersionId"]
        target = ("objects/restore", versioned, encode_key(key))
        reply = await api.ok("POST", *target, json_body={"versionId": old})
        stored = s3_client.get_object(Bucket=versioned, Key=key)
        assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]) == (b"old", "text/x-old", {"a": "b"})
        assert (reply["key"], reply["size"], reply["ETag"]) == (key, 3, stored["ETag"])
        tags = s3_client.get_object_tagging(Bucket=versioned, Key=key)["TagSet"]
        assert tags == [{"Key": "stage", "Value": "raw"}]
        found = [one["VersionId"] for one in (await versions(api, versioned, key))["versions"]]
        assert found[1:] == [marker, new, old]
        # Restoring the newest version needs no copy.
        await api.ok("POST", *target, json_body={"versionId": found[0]})
        assert len((await versions(api, versioned, key))["versions"]) == 4
        # Ceph RGW replies to a delete marker as to a missing object.
        reply = await api.send("POST", *target, json_body={"versionId": marker})
        assert (reply.code in {400, 404}, b"delete marker" in reply.body) == (True, True)
        await api.refused(400, "POST", *target, json_body={"versionId": ""})
        assert (await api.send("POST", *target, json_body={"versionId": "no-such-version"})).code in {400, 404}


@on_rgw  # moto does not find versions below such a delete marker
async def test_suspended_versioning_prevents_overwriting(
    api: Any, versioned: str, put: Callable[..., str], s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put(KEY, b"old")
    s3_client.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    s3_client.put_object(Bucket=versioned, Key=KEY, Body=b"has no version")
    target = ("objects/restore", versioned, encode_key(KEY))
    assert (await api.refused(409, "POST", *target, json_body={"versionId": old}))["error"] == "VersioningSuspended"
    assert (await api.download(versioned, KEY)).body == b"has no version"
    assert (await versions(api, versioned))["versioning"] == "Suspended"
    with monkeypatch.context() as patch:  # without permission, the status is unknown
        patch.setattr(S3Store, "_versioning", lambda *_: "Unknown")
        await api.refused(409, "POST", *target, json_body={"versionId": old})
    assert (await api.download(versioned, KEY)).body == b"has no version"
    # Below a delete marker, no version can be lost.
    await api.ok("DELETE", "objects", versioned, encode_key(KEY))
    await api.ok("POST", *target, json_body={"versionId": old})
    assert (await api.download(versioned, KEY)).body == b"old"


@on_moto
async def test_version_together_with_a_list_of_keys_is_refused(
    api: Any, versioned: str, put: Callable[..., str]
) -> None:
    """Otherwise the version would be ignored and the whole object deleted."""
    old = put(KEY, b"old")
    put(KEY, b"new")
    for version in (old, ""):
        body = {"keys": [KEY]}
        await api.refused(400, "DELETE", "objects/multiple", versioned, json_body=body, params={"versionId": version})
    assert (await api.download(versioned, KEY)).body == b"new"


@on_moto
async def test_a_version_that_s3_does_not_copy_in_one_call_is_refused(
    api: Any, versioned: str, put: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put(KEY, b"old")
    put(KEY, b"new")
    monkeypatch.setattr(in_place, "MAX_COPY_BYTES", 2)
    error = await api.refused(413, "POST", "objects/restore", versioned, encode_key(KEY), json_body={"versionId": old})
    assert "5 GiB" in error["message"]


async def test_exactly_one_version_is_deleted(
    api: Any, versioned: str, put: Callable[..., str], s3_client: S3Client
) -> None:
    first, second = put(KEY, b"1"), put(KEY, b"22")
    put("foobar", b"stays")
    marker = s3_client.delete_object(Bucket=versioned, Key=KEY)["VersionId"]
    target = ("objects", versioned, encode_key(KEY))
    # Removing the marker undoes the deletion.
    assert await api.ok("DELETE", *target, params={"versionId": marker}) == {"deleted": [KEY], "errors": []}
    assert (await api.download(versioned, KEY)).body == b"22"
    await api.ok("DELETE", *target, params={"versionId": first})
    assert [one["VersionId"] for one in (await versions(api, versioned))["versions"]] == [second]
    for params in ({"versionId": ""}, {"versionId": "  "}, {"versionId": second, "dryRun": "true"}):
        await api.refused(400, "DELETE", *target, params=params)
    assert [one["VersionId"] for one in (await versions(api, versioned))["versions"]] == [second]
    assert (await api.download(versioned, "foobar")).body == b"stays"


async def test_deleting_a_version_of_a_folder_marker_keeps_the_folder(
    api: Any, versioned: str, put: Callable[..., str], stored: Callable[[], dict[str, int]]
) -> None:
    marker = put("dir/", b"")
    put("dir/x", b"x")
    await api.ok("DELETE", "objects", versioned, encode_key("dir/"), params={"versionId": marker})
    assert stored() == {"dir/x": 1}
