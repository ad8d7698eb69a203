"""Objects that cannot be read, metadata outside ASCII, and connections that list no buckets."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from email.header import decode_header, make_header
from typing import Any

import pytest

from odhtec_jupyter.keys import encode_key
from tests.odd_store import OddStore, Reply, Request, failure


def deny(code: str, *keys: str) -> Callable[[Request], Reply | None]:
    """Return a refusal to read these objects."""
    return lambda request: failure(403, code) if request.method == "GET" and request.key in keys else None


@pytest.mark.parametrize("code", ["InvalidObjectState", "AccessDenied"])
@pytest.mark.parametrize("body", [b"small", bytes(1024 * 1024)], ids=["small", "large"])
async def test_archive_names_objects_that_cannot_be_read(
    odd_api: Any, odd_store: OddStore, code: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("folder/a", "folder/b", "folder/c", "folder/empty"):
        odd_store.put(key, b"" if key.endswith("empty") else body)
    odd_store.refuse = deny(code, "folder/b")
    reply = await odd_api.send("GET", "archive/bucket", params={"prefix": encode_key("folder/")})
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        *names, note = archive.namelist()
        assert {name: archive.read(name) for name in names} == {
            "folder/a": body,
            "folder/c": body,
            "folder/empty": b"",
        }
        assert note.startswith("NOT INCLUDED")
        assert "folder/b: " in archive.read(note).decode()
    assert any("Missing objects: 1." in record.getMessage() for record in caplog.records)


async def test_object_in_cold_storage_is_reported_before_the_first_byte(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("a", b"a")
    odd_store.put("cold/b", b"b", x_amz_storage_class="GLACIER")
    odd_store.put("back", b"b", x_amz_storage_class="GLACIER", x_amz_restore='ongoing-request="false"')
    odd_store.refuse = deny("InvalidObjectState", "cold/b")
    query = [("key", encode_key("a")), ("key", encode_key("cold/b"))]
    error = await odd_api.refused(403, "GET", "archive/bucket", params=query)
    assert (error["error"], "cold/b" in error["message"]) == ("InvalidObjectState", True)
    error = await odd_api.refused(403, "GET", "archive/bucket", params={"prefix": encode_key("cold/")})
    assert (error["error"], "cold/b" in error["message"]) == ("InvalidObjectState", True)
    reply = await odd_api.send("GET", "archive/bucket", params={"key": encode_key("back")})
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.read("back") == b"b"


AUTHOR = "Jörg & 李 ☕"

RAW = AUTHOR.encode().decode("latin-1")  # http.server sends it as bytes of UTF-8

WORDS = {
    "bytes": RAW,
    "base64": "=?UTF-8?B?SsO2cmcgJiDmnY4g4piV?=",
    "quoted": "=?utf-8?Q?J=C3=B6rg_&_=E6=9D=8E_=E2=98=95?=",
    "cut within a character": "=?UTF-8?B?SsO2cmcgJiDm?= =?UTF-8?B?nY4g4piV?=",
}


@pytest.mark.parametrize("written", WORDS)
async def test_metadata_outside_ascii_is_shown_and_kept(odd_api: Any, odd_store: OddStore, written: str) -> None:
    odd_store.put("data.txt", b"text", x_amz_meta_author=WORDS[written], x_amz_meta_plain="=?x?= a=?b")
    target = ("objects/metadata/bucket", encode_key("data.txt"))
    want = {"author": AUTHOR, "plain": "=?x?= a=?b"}
    seen = await odd_api.ok("GET", *target)
    assert seen["Metadata"] == want
    changed = await odd_api.ok("PUT", *target, json_body={"etag": seen["ETag"], "ContentType": "text/x-new"})
    assert (changed["ContentType"], changed["Metadata"]) == ("text/x-new", want)
    saved = await odd_api.send(
        "PUT", "objects/upload/bucket", target[1], body=b"more text", headers={"If-Match": seen["ETag"]}
    )
    assert saved.code == 201
    assert (await odd_api.ok("GET", *target))["Metadata"] == want
    assert odd_store.objects["data.txt"].headers["x-amz-meta-author"].isascii()


async def test_metadata_takes_any_characters(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("data.txt", b"text", Content_Disposition='attachment; filename="ü.txt"'.encode().decode("latin-1"))
    target = ("objects/metadata/bucket", encode_key("data.txt"))
    seen = await odd_api.ok("GET", *target)
    assert seen["ContentDisposition"] == 'attachment; filename="ü.txt"'
    want = {"a": AUTHOR * 20, "b": "=?UTF-8?Q?J=C3=B6rg?=", "c": " spaces ", "d": "", "e": "=?"}
    changed = await odd_api.ok("PUT", *target, json_body={"etag": seen["ETag"], "Metadata": want})
    assert changed["Metadata"] == want
    assert changed["ContentDisposition"] == "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt"
    words = odd_store.objects["data.txt"].headers["x-amz-meta-a"].split()
    assert max(map(len, words)) <= 75  # the limit of RFC 2047
    assert str(make_header(decode_header(" ".join(words)))) == want["a"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply(200, b"<!DOCTYPE html><html><body>Console</body></html>"), "NotS3"),
        (Reply(404, b"<html><body>404 page not found</body></html>"), "NotS3"),
        (Reply(200, b""), "NotS3"),
        (failure(403, "AccessDenied"), "AccessDenied"),
        (Reply(404, b"404 page not found"), "AccessDenied"),
    ],
)
async def test_connection_without_bucket_list_is_not_reported_as_working(
    odd_api: Any, odd_store: OddStore, answer: Reply, code: str
) -> None:
    odd_store.refuse = lambda request: answer if not request.bucket else None
    reply = await odd_api.send("POST", "settings/test-s3", json_body={})
    assert (reply.code >= 400, json.loads(reply.body)["error"]) == (True, code)
    if code != "NotS3":
        assert "Enter a bucket" in json.loads(reply.body)["message"]
        assert (await odd_api.ok("POST", "settings/test-s3", json_body={"defaultBucket": "s3://bucket/"}))["ok"]
