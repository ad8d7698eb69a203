"""``If-Match`` and ``If-None-Match`` of uploads: an editor never overwrites another user's changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.stores.s3.store import S3Store
from tests.content import MIB, body_of, noise
from tests.handlers.raw import reply_of
from tests.marks import on_moto
from tests.waiting import GIVE_UP_SECONDS, until_set

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


KEY = "notes/日本 a+b%2F.md"
SIZES = pytest.mark.parametrize("size", [10, 17 * MIB], ids=["one PUT", "parts"])


@SIZES
async def test_object_is_saved_repeatedly_with_the_etag_of_the_last_save(
    api: Any, bucket: str, s3_client: S3Client, size: int
) -> None:
    reply = await api.put(bucket, KEY, b"new", headers={"If-None-Match": "*"})
    for more in range(3):
        content = noise(size + more)
        reply = await api.put(bucket, KEY, content, headers={"If-Match": reply["ETag"]})
        assert reply["ETag"] == s3_client.head_object(Bucket=bucket, Key=KEY)["ETag"]
        assert body_of(s3_client, bucket, KEY) == content


@SIZES
async def test_edit_keeps_metadata_and_tags_but_no_checksum_of_the_old_content(
    api: Any, bucket: str, s3_client: S3Client, size: int
) -> None:
    s3_client.put_object(
        Bucket=bucket,
        Key=KEY,
        Body=b"old",
        CacheControl="no-cache",
        ContentEncoding="gzip",
        Metadata={"owner": "me", "hf-etag": "of the old bytes"},
        Tagging="team=a%20%2B%20b&empty=",
    )
    etag = s3_client.head_object(Bucket=bucket, Key=KEY)["ETag"]
    await api.put(bucket, KEY, noise(size), headers={"If-Match": etag})
    head = s3_client.head_object(Bucket=bucket, Key=KEY)
    assert (head["ContentLength"], head["Metadata"], head["CacheControl"]) == (size, {"owner": "me"}, "no-cache")
    assert "gzip" not in head.get("ContentEncoding", "")
    tags = s3_client.get_object_tagging(Bucket=bucket, Key=KEY)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "a + b", "empty": ""}


async def test_object_changed_by_another_user_is_not_overwritten(
    api: Any, bucket: str, s3_client: S3Client, multiparts: Callable[[], int]
) -> None:
    target = ("objects/upload", bucket, encode_key(KEY))
    etag = (await api.put(bucket, KEY, b"mine"))["ETag"]
    s3_client.put_object(Bucket=bucket, Key=KEY, Body=b"theirs")
    for body in (b"mine again", noise(9 * MIB)):
        for header in ({"If-Match": etag}, {"If-None-Match": "*"}):
            assert (await api.refused(412, "PUT", *target, body=body, headers=header))["error"] == "PreconditionFailed"
    assert body_of(s3_client, bucket, KEY) == b"theirs"
    s3_client.delete_object(Bucket=bucket, Key=KEY)
    await api.refused(412, "PUT", *target, body=b"mine", headers={"If-Match": etag})
    await api.refused(412, "PUT", "objects/upload", bucket, encode_key("other"), body=b"x", headers={"If-Match": etag})
    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert multiparts() == 0


async def test_condition_is_checked_before_the_body_is_read(api: Any, bucket: str) -> None:
    await api.put(bucket, KEY, b"there")
    for header in ({"If-Match": '"0123456789abcdef0123456789abcdef"'}, {"If-None-Match": "*"}):
        reader, writer = await api.raw(
            "PUT", f"objects/upload/{bucket}/{encode_key(KEY)}", {"Content-Length": str(2**40), **header}
        )
        async with asyncio.timeout(GIVE_UP_SECONDS):
            assert (await reader.readline()).split()[1] == b"412"
        writer.close()


@SIZES
@pytest.mark.parametrize("condition", ["If-Match", "If-None-Match"])
async def test_upload_fails_when_the_object_changes_during_the_body(
    api: Any,
    bucket: str,
    s3_client: S3Client,
    multiparts: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    condition: str,
) -> None:
    header = {"If-None-Match": "*"}
    if condition == "If-Match":
        header = {"If-Match": (await api.put(bucket, KEY, b"before"))["ETag"]}
    content = noise(size)
    second_head, head = threading.Event(), S3Store.head

    def noted(*args: Any, **kwargs: Any) -> Any:
        found = head(*args, **kwargs)
        second_head.set()
        return found

    monkeypatch.setattr(S3Store, "head", noted)
    reader, writer = await api.raw(
        "PUT", f"objects/upload/{bucket}/{encode_key(KEY)}", {"Content-Length": str(size), **header}
    )
    writer.write(content[:-1])
    await writer.drain()
    await until_set(second_head)  # it is checked again before the object becomes visible
    s3_client.put_object(Bucket=bucket, Key=KEY, Body=b"theirs")
    writer.write(content[-1:])
    await writer.drain()
    status, refused = await reply_of(reader)
    assert (status, refused["error"]) == (412, "PreconditionFailed")
    writer.close()
    assert body_of(s3_client, bucket, KEY) == b"theirs"
    assert multiparts() == 0


@on_moto
async def test_invalid_condition_is_400(api: Any, bucket: str, s3_client: S3Client) -> None:
    target = ("objects/upload", bucket, encode_key(KEY))
    for headers in (
        {"If-Match": "no quotes"},
        {"If-Match": '"a", "b"'},
        {"If-Match": ""},
        {"If-None-Match": '"a"'},
        {"If-Match": '"a"', "If-None-Match": "*"},
    ):
        await api.refused(400, "PUT", *target, body=b"x", headers=headers)
    params = {"onConflict": "rename"}
    await api.refused(400, "PUT", *target, body=b"x", headers={"If-None-Match": "*"}, params=params)
    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@on_moto
@pytest.mark.parametrize("header", [{"If-Match": '"0123456789abcdef0123456789abcdef"'}, {"If-None-Match": "*"}])
async def test_unsupported_condition_is_refused(api: Any, bucket: str, header: dict[str, str]) -> None:
    """It must not be ignored, which would count as fulfilled."""
    there = (await api.put(bucket, KEY, b"there"))["ETag"]
    segment = encode_key(KEY)
    for method, parts, body in (
        ("DELETE", ("objects", bucket, segment), None),
        ("DELETE", ("objects/multiple", bucket), {"keys": [KEY]}),
        ("PUT", ("objects/metadata", bucket, segment), {"etag": there, "ContentType": "x/y"}),
        ("POST", ("objects/upload", bucket), {}),
    ):
        refused = await api.refused(400, method, *parts, json_body=body, headers=header)
        assert next(iter(header)) in refused["message"]
    reply = await api.download(bucket, KEY)
    assert (reply.body, reply.headers["Content-Type"]) == (b"there", "text/markdown")


@on_moto
async def test_conditional_upload_replaces_nothing_when_head_is_denied(
    api: Any, bucket: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = (await api.put(bucket, KEY, b"there"))["ETag"]

    def refuse(*_: Any) -> None:
        raise StoreError("S3 does not allow this.", code="AccessDenied", status=403)

    monkeypatch.setattr(S3Store, "head", refuse)
    target = ("objects/upload", bucket, encode_key(KEY))
    refused = await api.refused(403, "PUT", *target, body=b"mine", headers={"If-Match": etag})
    assert refused["error"] == "AccessDenied"
    # S3 itself supports this condition.
    refused = await api.refused(412, "PUT", *target, body=b"mine", headers={"If-None-Match": "*"})
    assert refused["error"] == "PreconditionFailed"
    assert body_of(s3_client, bucket, KEY) == b"there"
