"""``/multipart``: unfinished uploads of other clients are removed, uploads in use by this server are kept."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.stores.s3.store import S3Store
from tests.content import MIB
from tests.marks import on_rgw_and_https, over_http
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


KEYS = ["a/1", "a/2 +%2F 日本", "ab", "b/3"]


@pytest.fixture
def foreign_uploads(s3_client: S3Client, bucket: str) -> dict[str, str]:
    """Unfinished uploads of another client: the id of each key."""
    found = {}
    for key in KEYS:
        found[key] = s3_client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        s3_client.upload_part(Bucket=bucket, Key=key, UploadId=found[key], PartNumber=1, Body=b"part")
    return found


def listed(page: Any) -> dict[str, str]:
    return {upload["Key"]: upload["UploadId"] for upload in page["uploads"]}


async def test_unfinished_upload_of_another_client_is_listed_and_aborted(
    api: Any, bucket: str, foreign_uploads: dict[str, str], s3_client: S3Client
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a/1", Body=b"existing")
    page = await api.ok("GET", "multipart", bucket)
    assert listed(page) == foreign_uploads
    assert not any(upload["inUse"] for upload in page["uploads"])
    assert (page["isTruncated"], page["nextContinuationToken"]) == (False, None)
    below = await api.ok("GET", "multipart", bucket, params={"prefix": encode_key("a/")})
    assert set(listed(below)) == {"a/1", "a/2 +%2F 日本"}
    wanted = [{"Key": key, "UploadId": foreign_uploads[key]} for key in ("a/1", "a/2 +%2F 日本")]
    reply = await api.ok("DELETE", "multipart", bucket, json_body={"uploads": wanted})
    assert reply == {"deleted": ["a/1", "a/2 +%2F 日本"], "errors": []}
    assert set(listed(await api.ok("GET", "multipart", bucket))) == {"ab", "b/3"}
    assert s3_client.get_object(Bucket=bucket, Key="a/1")["Body"].read() == b"existing"
    # An upload that no longer exists counts as removed.
    assert (await api.ok("DELETE", "multipart", bucket, json_body={"uploads": wanted[:1]}))["errors"] == []


@on_rgw_and_https  # moto lists all uploads on one page
async def test_every_upload_is_reached_by_following_the_tokens(
    api: Any, bucket: str, foreign_uploads: dict[str, str], s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = s3_client.create_multipart_upload(Bucket=bucket, Key="ab")["UploadId"]
    list_unfinished = S3Store.list_unfinished

    def by_two(store: S3Store, *args: Any) -> Any:
        return list_unfinished(store, *args, max_uploads=2)

    monkeypatch.setattr(S3Store, "list_unfinished", by_two)
    found: list[str] = []
    params: dict[str, str] = {}
    while True:
        page = await api.ok("GET", "multipart", bucket, params=params)
        found += [upload["UploadId"] for upload in page["uploads"]]
        if not page["isTruncated"]:
            break
        params["continuationToken"] = page["nextContinuationToken"]
    assert sorted(found) == sorted([*foreign_uploads.values(), again])


async def test_upload_in_use_by_this_server_is_not_aborted(
    api: Any, bucket: str, foreign_uploads: dict[str, str], s3_client: S3Client
) -> None:
    content = random.Random(1).randbytes(9 * MIB)
    request = {"bucket": bucket, "key": "ours", "size": len(content), "onConflict": "overwrite"}
    upload = await api.ok("POST", "uploads", status=201, json_body=request)
    await api.ok("PUT", "uploads", upload["uploadId"], "1", body=content[: 8 * MIB])
    others = s3_client.create_multipart_upload(Bucket=bucket, Key="ours")["UploadId"]
    page = await api.ok("GET", "multipart", bucket)
    used = [one["UploadId"] for one in page["uploads"] if one["inUse"]]
    assert len(used) == 1
    assert used[0] not in {others, *foreign_uploads.values()}
    wanted = [
        {"Key": "ours", "UploadId": used[0]},
        {"Key": "ours", "UploadId": others},
        {"Key": "ab", "UploadId": foreign_uploads["ab"]},
    ]
    reply = await api.ok("DELETE", "multipart", bucket, json_body={"uploads": wanted})
    assert reply["deleted"] == ["ours", "ab"]
    assert [(error["Key"], error["Code"]) for error in reply["errors"]] == [("ours", "InUse")]
    await api.ok("PUT", "uploads", upload["uploadId"], "2", body=content[8 * MIB :])
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    assert s3_client.get_object(Bucket=bucket, Key="ours")["Body"].read() == content


@over_http
async def test_upload_that_is_being_received_is_in_use(
    api: Any, bucket: str, multiparts: Callable[[], int], eventually: Any
) -> None:
    reader, writer = await api.raw(
        "PUT", f"objects/upload/{bucket}/{encode_key('coming')}", {"Content-Length": str(40 * MIB)}
    )
    writer.write(bytes(17 * MIB))
    await writer.drain()
    await eventually(lambda: multiparts() == 1)
    page = await api.ok("GET", "multipart", bucket)
    assert [(one["Key"], one["inUse"]) for one in page["uploads"]] == [("coming", True)]
    wanted = [{"Key": "coming", "UploadId": page["uploads"][0]["UploadId"]}]
    reply = await api.ok("DELETE", "multipart", bucket, json_body={"uploads": wanted})
    assert (reply["deleted"], reply["errors"][0]["Code"]) == ([], "InUse")
    writer.write(bytes(23 * MIB))
    await writer.drain()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        assert (await reader.readline()).split()[1] == b"201"
    writer.close()


@over_http
async def test_invalid_request_for_unfinished_uploads_is_an_error(
    api: Any, bucket: str, foreign_uploads: dict[str, str]
) -> None:
    absent = f"absent-{bucket}"
    assert (await api.refused(404, "GET", "multipart", absent))["error"] == "NoSuchBucket"
    wanted = {"uploads": [{"Key": "ab", "UploadId": foreign_uploads["ab"]}]}
    reply = await api.ok("DELETE", "multipart", absent, json_body=wanted)
    assert (reply["deleted"], reply["errors"][0]["Code"]) == ([], "NoSuchBucket")
    for body in ({}, {"uploads": []}, {"uploads": [{"Key": "ab"}]}, {"uploads": [{"Key": "", "UploadId": "x"}]}):
        await api.refused(400, "DELETE", "multipart", bucket, json_body=body)
    await api.refused(400, "GET", "multipart", bucket, params={"continuationToken": "***"})
    assert listed(await api.ok("GET", "multipart", bucket)) == foreign_uploads
