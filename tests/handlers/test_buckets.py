"""``/buckets``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests

from tests.marks import on_moto, on_rgw

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


async def test_buckets_are_listed_with_the_field_names_of_s3(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_S3_BUCKET", bucket)
    reply = await api.ok("GET", "buckets")
    assert set(reply) == {"owner", "defaultBucket", "buckets", "listable"}
    assert reply["listable"] is True
    assert reply["defaultBucket"] == bucket
    assert bucket in {entry["Name"] for entry in reply["buckets"]}
    assert all(set(entry) == {"Name", "CreationDate"} for entry in reply["buckets"])


async def test_bucket_with_a_valid_name_is_created_and_deleted(api: Any, s3_client: S3Client) -> None:
    async def names() -> set[str]:
        return {entry["Name"] for entry in (await api.ok("GET", "buckets"))["buckets"]}

    tail = uuid.uuid4().hex[:8]
    for name in (f"plain-{tail}", f"with.dots.{tail}", f"double--hyphen-{tail}"):
        await api.ok("POST", "buckets", json_body={"bucketName": name}, status=201)
        assert name in await names()
        assert (await api.ok("GET", "objects", name))["objects"] == []
        s3_client.put_object(Bucket=name, Key="a", Body=b"x")
        assert (await api.refused(409, "DELETE", "buckets", name))["error"] == "BucketNotEmpty"
        s3_client.delete_object(Bucket=name, Key="a")
        await api.ok("DELETE", "buckets", name)
        assert name not in await names()


async def test_an_unknown_bucket_is_a_404_everywhere(api: Any) -> None:
    absent = f"absent-{uuid.uuid4().hex}"
    for method, *parts in (
        ("DELETE", "buckets", absent),
        ("GET", "objects", absent),
        ("DELETE", "objects", absent, "YQ"),
        ("GET", "objects/download", absent, "YQ"),
    ):
        assert (await api.refused(404, method, *parts))["error"] == "NoSuchBucket"


@on_moto
async def test_invalid_body_is_a_400(api: Any) -> None:
    for body in ("", "{", "[]", "{}", '{"bucketName": ""}', '{"bucketName": 1}', '{"bucketName": "a", "x": 1}'):
        assert (await api.refused(400, "POST", "buckets", body=body))["error"] == "InvalidRequest", body
    # The message names the field.
    assert "bucketName" in (await api.refused(400, "POST", "buckets", body="{}"))["message"]


async def test_invalid_bucket_name_is_refused_and_not_changed(api: Any) -> None:
    before = await api.ok("GET", "buckets")
    for name in ("Not Valid", "a/b", "ü", "x" * 300):
        await api.refused(400, "POST", "buckets", json_body={"bucketName": name})
    assert (await api.ok("GET", "buckets"))["buckets"] == before["buckets"]


@pytest.fixture
def limited(s3_server: Any) -> Iterator[dict[str, str]]:
    """Keys with permission for the bucket ``mine``, but not to list buckets."""
    keys = {"aws_access_key_id": "root", "aws_secret_access_key": "root", "region_name": "us-east-1"}
    iam = boto3.client("iam", endpoint_url=s3_server.endpoint_url, **keys)
    iam.create_user(UserName="limited")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="limited", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName="limited")["AccessKey"]
    switch = f"{s3_server.endpoint_url}/moto-api/reset-auth"
    requests.post(switch, data="0", timeout=5).raise_for_status()
    yield {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    requests.post(switch, data="inf", timeout=5).raise_for_status()
    iam.delete_access_key(UserName="limited", AccessKeyId=made["AccessKeyId"])
    iam.delete_user_policy(UserName="limited", PolicyName="p")
    iam.delete_user(UserName="limited")
    iam.close()


@on_moto
async def test_default_bucket_is_used_without_permission_to_list_buckets(
    api: Any, s3_client: S3Client, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client.create_bucket(Bucket="mine")
    s3_client.put_object(Bucket="mine", Key="a", Body=b"x")
    for name, value in request.getfixturevalue("limited").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_S3_BUCKET", "mine")
    assert await api.ok("GET", "buckets") == {
        "owner": None,
        "defaultBucket": "mine",
        "buckets": [{"Name": "mine", "CreationDate": None}],
        "listable": False,
    }
    assert [entry["Key"] for entry in (await api.ok("GET", "objects", "mine"))["objects"]] == ["a"]
    assert (await api.refused(403, "GET", "objects", "theirs"))["error"] == "AccessDenied"


@on_rgw
async def test_invalid_secret_is_a_403_and_not_an_empty_list(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert (await api.refused(403, "GET", "buckets"))["error"] == "SignatureDoesNotMatch"


@on_moto
async def test_unknown_connection_is_404(api: Any) -> None:
    assert (await api.refused(404, "GET", "buckets", params={"connection": "other"}))["error"] == "NoSuchConnection"
    await api.ok("GET", "buckets", params={"connection": "default"})


@on_moto
async def test_unknown_address_or_method_is_reported_in_json(api: Any) -> None:
    assert (await api.refused(404, "GET", "nothing/here"))["error"] == "NotFound"
    assert (await api.refused(405, "PATCH", "buckets", body="{}"))["error"] == "MethodNotAllowed"
    assert (await api.refused(405, "GET", "buckets", "one"))["error"] == "MethodNotAllowed"
