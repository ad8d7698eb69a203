"""``/objects/metadata`` and ``/objects/presign``: properties of objects, and links that need no credentials."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.stores.s3 import in_place
from odhtec_jupyter.stores.s3.store import S3Store
from tests.marks import on_moto, on_rgw, over_http

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


KEY = "dir/a b+c%2F 日本.txt"
TAGS = [{"Key": "stage", "Value": "raw"}, {"Key": "größe", "Value": "1 + 1 = 2/x"}]


@pytest.fixture
def described(s3_client: S3Client, bucket: str) -> str:
    """Store an object with all headers, metadata and tags, and return its ETag."""
    s3_client.put_object(
        Bucket=bucket,
        Key=KEY,
        Body=b"content",
        ContentType="text/x-own",
        CacheControl="max-age=60",
        ContentDisposition='inline; filename="x"',
        ContentEncoding="identity",
        ContentLanguage="de",
        Metadata={"owner": "me", "note": "a b"},
    )
    s3_client.put_object_tagging(Bucket=bucket, Key=KEY, Tagging={"TagSet": TAGS})  # type: ignore[typeddict-item]
    return s3_client.head_object(Bucket=bucket, Key=KEY)["ETag"]


def by_key(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(tags, key=lambda tag: tag["Key"])


async def test_details_have_the_headers_metadata_and_tags(api: Any, bucket: str, described: str) -> None:
    found = await api.ok("GET", "objects/metadata", bucket, encode_key(KEY))
    assert by_key(found.pop("TagSet")) == by_key(TAGS)
    assert datetime.now(UTC) - datetime.fromisoformat(found.pop("LastModified")) < timedelta(minutes=5)
    assert found == {
        "Key": KEY,
        "Size": 7,
        "ETag": described,
        "ContentType": "text/x-own",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'inline; filename="x"',
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
        "StorageClass": "STANDARD",
        "VersionId": None,
        "Metadata": {"owner": "me", "note": "a b"},
    }
    for key in ("absent", KEY[:-1], "dir/"):
        assert (await api.refused(404, "GET", "objects/metadata", bucket, encode_key(key)))["error"] == "NoSuchKey"
    error = await api.refused(404, "GET", "objects/metadata", f"absent-{bucket}", encode_key(KEY))
    assert error["error"] == "NoSuchBucket"


async def test_every_key_has_details_versions_and_a_link(
    api: Any, bucket: str, s3_client: S3Client, anyone: urllib3.PoolManager
) -> None:
    for key in ("ab?.txt", "d/日本.txt", "x//y", "/lead", "a/../b", "100%25.txt", "k" * 1024, "é" * 512, "quote\"'\\"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=key.encode())
        found = await api.ok("GET", "objects/metadata", bucket, encode_key(key))
        assert (found["Key"], found["Size"]) == (key, len(key.encode()))
        body = {"etag": found["ETag"], "ContentType": "x/y"}
        changed = await api.ok("PUT", "objects/metadata", bucket, encode_key(key), json_body=body)
        assert (changed["Key"], changed["ContentType"]) == (key, "x/y")
        listed = await api.ok("GET", "objects/versions", bucket, encode_key(key))
        assert [version["Size"] for version in listed["versions"]] == [len(key.encode())], key
        link = await presign(api, bucket, key=key)
        if ".." not in key:  # urllib3 would shorten the path
            assert anyone.request("GET", link["url"]).data == key.encode(), key
    assert len((await api.ok("GET", "objects", bucket))["objects"]) == 5


async def change(api: Any, bucket: str, etag: str, **named: Any) -> Any:
    return await api.ok("PUT", "objects/metadata", bucket, encode_key(KEY), json_body={"etag": etag, **named})


async def test_change_keeps_the_fields_it_does_not_name(
    api: Any, bucket: str, described: str, s3_client: S3Client
) -> None:
    before = await api.ok("GET", "objects/metadata", bucket, encode_key(KEY))

    async def changed(**named: Any) -> None:
        """Change the fields and require that all others stay the same."""
        nonlocal before
        after = await change(api, bucket, before["ETag"], **named)
        for name in before:
            expected = named.get(name, before[name])
            if name == "TagSet":
                assert by_key(after[name]) == by_key(expected)
            elif name not in {"LastModified", "ETag"}:
                assert after[name] == (expected or None if isinstance(expected, str) else expected), (name, named)
        before = after
        assert s3_client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"content"

    await changed(ContentType="text/markdown")
    await changed(Metadata={"owner": "you", "x-y.z": "1"})
    await changed(TagSet=[{"Key": "only", "Value": ""}])
    await changed(ContentLanguage="", CacheControl="")
    await changed(Metadata={}, TagSet=[{"Key": "a", "Value": "b"}], ContentDisposition="attachment")
    await changed(TagSet=[])
    await changed()


@over_http
async def test_object_that_has_changed_is_not_edited(
    api: Any, bucket: str, described: str, s3_client: S3Client
) -> None:
    segment = encode_key(KEY)
    s3_client.put_object(Bucket=bucket, Key=KEY, Body=b"another user's", ContentType="text/plain")
    body: dict[str, Any] = {"etag": described, "ContentType": "text/x-new", "TagSet": []}
    assert (await api.refused(409, "PUT", "objects/metadata", bucket, segment, json_body=body))["error"] == "Conflict"


@on_rgw  # moto ignores the condition on a copy
async def test_object_that_changes_between_head_and_copy_is_not_changed(
    api: Any, bucket: str, described: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_in_place = S3Store.copy_in_place

    def late(store: S3Store, *args: Any, **options: Any) -> None:
        s3_client.put_object(Bucket=bucket, Key=KEY, Body=b"later", ContentType="text/later")
        copy_in_place(store, *args, **options)

    monkeypatch.setattr(S3Store, "copy_in_place", late)
    segment, body = encode_key(KEY), {"etag": described, "ContentType": "text/x-new"}
    await api.refused(409, "PUT", "objects/metadata", bucket, segment, json_body=body)
    stored = s3_client.get_object(Bucket=bucket, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (b"later", "text/later")


async def test_invalid_header_values_are_refused_before_any_change(
    api: Any, bucket: str, described: str, s3_server: Any
) -> None:
    segment = encode_key(KEY)
    before = await api.ok("GET", "objects/metadata", bucket, segment)
    wrong: list[dict[str, Any]] = [
        {"ContentType": "text/plain\r\nX-Evil: 1"},
        {"CacheControl": "ü"},
        {"Metadata": {"name with space": "x"}},
        {"Metadata": {"a": "line\nbreak"}},
        {"Metadata": {"a:b": "x"}},
        {"TagSet": [{"Key": "", "Value": "x"}]},
        {"etag": ""},
        {"Owner": "me"},
    ]
    for named in wrong:
        body = {"etag": described} | named
        await api.refused(400, "PUT", "objects/metadata", bucket, segment, json_body=body)
    if s3_server.name != "moto":
        body = {"etag": described, "ContentType": "x/y", "TagSet": [{"Key": f"{n}", "Value": "x"} for n in range(11)]}
        await api.refused(400, "PUT", "objects/metadata", bucket, segment, json_body=body)
    after = await api.ok("GET", "objects/metadata", bucket, segment)
    assert after == before


async def test_metadata_outside_ascii_is_kept_as_any_client_reads_it(
    api: Any, bucket: str, described: str, s3_client: Any
) -> None:
    target = ("objects/metadata", bucket, encode_key(KEY))
    author = "Jörg, 李 & ☕"
    changed = await api.ok("PUT", *target, json_body={"etag": described, "Metadata": {"author": author}})
    assert changed["Metadata"] == {"author": author}
    changed = await api.ok("PUT", *target, json_body={"etag": changed["ETag"], "ContentType": "x/y"})
    assert (changed["Metadata"], changed["ContentType"]) == ({"author": author}, "x/y")
    logged = s3_client.head_object(Bucket=bucket, Key=KEY)["Metadata"]["author"]
    assert str(make_header(decode_header(logged))) == author


@on_moto
async def test_change_of_an_object_above_5_gib_is_refused_with_the_reason(
    api: Any, bucket: str, described: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place, "MAX_COPY_BYTES", 6)
    segment = encode_key(KEY)
    body = {"etag": described, "ContentType": "x/y"}
    error = await api.refused(413, "PUT", "objects/metadata", bucket, segment, json_body=body)
    assert "5 GiB" in error["message"]
    await change(api, bucket, described, TagSet=[{"Key": "tags", "Value": "need no copy"}])


@on_rgw  # moto does not support lists of grants
async def test_object_is_readable_without_permission_to_list(
    api: Any, bucket: str, described: str, s3_client: S3Client
) -> None:
    s3_client.put_object_acl(Bucket=bucket, Key=KEY, ACL="public-read")
    grants = s3_client.get_object_acl(Bucket=bucket, Key=KEY)["Grants"]
    assert len(grants) == 2
    await change(api, bucket, described, ContentType="x/y")
    assert s3_client.get_object_acl(Bucket=bucket, Key=KEY)["Grants"] == grants


@on_moto
async def test_tags_that_the_store_does_not_show_are_null(
    api: Any, bucket: str, described: str, s3_client: S3Client
) -> None:
    from odhtec_jupyter.errors import StoreError

    def refuse(code: str, status: int) -> Any:
        def events(**_: Any) -> None:
            raise StoreError("No.", code=code, status=status)

        return events

    for code, status in (("AccessDenied", 403), ("NotImplemented", 501), ("MethodNotAllowed", 405)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(S3Store, "client", _client_that(S3Store.client, refuse(code, status)))
            found = await api.ok("GET", "objects/metadata", bucket, encode_key(KEY))
            assert found["TagSet"] is None, code


def _client_that(make: Any, refuse: Any) -> Any:
    class Refusing:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return refuse if name == "get_object_tagging" else getattr(self._client, name)

    return lambda store, bucket=None: Refusing(make(store, bucket))


# --- links ---------------------------------------------------------------------------------------------------


@pytest.fixture
def anyone(s3_server: Any) -> Iterator[urllib3.PoolManager]:
    """A client without credentials."""
    with urllib3.PoolManager(ca_certs=s3_server.ca_bundle, retries=False) as pool:
        yield pool


async def presign(api: Any, bucket: str, **named: Any) -> Any:
    return await api.ok("POST", "objects/presign", json_body={"bucket": bucket, **named})


@pytest.mark.tls
async def test_link_downloads_one_object_without_credentials(
    api: Any, bucket: str, described: str, anyone: urllib3.PoolManager, caplog: pytest.LogCaptureFixture, s3_server: Any
) -> None:
    with caplog.at_level(logging.DEBUG):
        link = await presign(api, bucket, key=KEY, expiresIn=600)
    until = datetime.fromisoformat(link["expiresAt"])
    assert timedelta(seconds=590) < until - datetime.now(UTC) <= timedelta(seconds=600)
    assert (link["method"], link["mayEndEarlier"]) == ("GET", False)
    reply = anyone.request("GET", link["url"])
    assert (reply.status, reply.data) == (200, b"content")
    assert reply.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''a%20b%2Bc%252F%20%E6%97%A5%E6%9C%AC.txt" in reply.headers["Content-Disposition"]
    assert s3_server.secret_access_key not in link["url"]
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name == "ServerApp")
    assert logged
    assert "X-Amz-Signature" not in logged
    assert s3_server.secret_access_key not in logged
    if s3_server.name != "moto":  # moto checks no signature
        other = link["url"].replace("content", "other").replace("a%20b", "a%20x")
        assert anyone.request("GET", other).status == 403
        assert anyone.request("PUT", link["url"], body=b"x").status == 403


@pytest.mark.tls
async def test_link_uploads_one_object_without_credentials(
    api: Any, bucket: str, anyone: urllib3.PoolManager, s3_client: S3Client, s3_server: Any
) -> None:
    link = await presign(api, bucket, key=KEY, method="PUT")
    assert anyone.request("PUT", link["url"], body=b"sent").status == 200
    assert s3_client.get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"sent"
    if s3_server.name != "moto":
        assert anyone.request("GET", link["url"]).status == 403


@on_moto
async def test_invalid_link_request_is_refused(api: Any, bucket: str) -> None:
    for named in (
        {"expiresIn": 0},
        {"expiresIn": 604801},
        {"expiresIn": "60"},
        {"method": "DELETE"},
        {"key": ""},
        {"key": "k" * 1025},
    ):
        await api.refused(400, "POST", "objects/presign", json_body={"bucket": bucket, "key": "k", **named})


@on_moto
async def test_link_says_if_its_credentials_may_expire_earlier(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    body = {"accessKeyId": "temporary", "secretAccessKey": "secret", "sessionToken": "a-token"}
    await api.ok("PUT", "settings/s3", json_body=body)
    link = await presign(api, bucket, key="k", expiresIn=7200)
    assert link["mayEndEarlier"] is True

    # Credentials of a role: botocore knows their end, and the link expires with them.
    end = datetime.now(UTC) + timedelta(minutes=30)
    script = tmp_path / "role.py"
    credentials = {"Version": 1, "AccessKeyId": "role", "SecretAccessKey": "s", "SessionToken": "t"}
    script.write_text(f"print({json.dumps(json.dumps(credentials | {'Expiration': end.isoformat()}))})")
    config = tmp_path / "aws-config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {script}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    await api.ok("PUT", "settings/s3", json_body={"accessKeyId": "", "secretAccessKey": "", "sessionToken": ""})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    link = await presign(api, bucket, key="k", expiresIn=7200)
    assert link["mayEndEarlier"] is False
    assert abs(datetime.fromisoformat(link["expiresAt"]) - end) < timedelta(seconds=5)
    assert int(parse_qs(urlsplit(link["url"]).query)["X-Amz-Expires"][0]) <= 1800
