"""The API in front of S3 stores that leave out, or write differently, what Amazon's sends."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.transfers.runtime.parts import MIB
from tests.odd_store import Asked, Oddity, OddStore, Reply, failure

BODY = bytes(range(256)) * 400  # 102,400 bytes


def without_length(framing: str, *methods: str) -> Callable[[Asked, Reply], Reply | None]:
    """Objects come without a Content-Length."""

    def change(asked: Asked, reply: Reply) -> Reply | None:
        if asked.key and asked.method in methods and reply.status in {200, 206}:
            reply.framing = framing
        return reply

    return change


@pytest.fixture
def client(odd_api: Any) -> Client:
    return Client(f"http://127.0.0.1:{odd_api.port}{odd_api.path.removesuffix('odhtec/api')}", token=odd_api.token)


@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_download_without_content_length_is_whole(odd_api: Any, odd_store: OddStore, framing: str) -> None:
    odd_store.put("data.bin", BODY)
    odd_store.oddity = without_length(framing, "GET")
    reply = await odd_api.download("bucket", "data.bin")
    assert (reply.code, len(reply.body)) == (200, len(BODY))
    assert reply.body == BODY
    part = await odd_api.download("bucket", "data.bin", Range="bytes=5-9")
    assert (part.code, part.body) == (206, BODY[5:10])


async def test_chunked_download_continues_where_it_broke_off(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)

    def tear_first(asked: Asked, reply: Reply) -> Reply:
        if asked.method == "GET":
            reply.framing = "chunked"
            reply.torn_after = 50_000 if "range" not in asked.headers else None
        return reply

    odd_store.oddity = tear_first
    reply = await odd_api.download("bucket", "data.bin")
    assert (reply.code, reply.body == BODY) == (200, True)
    assert odd_store.count("GET") == 2


async def test_chunked_download_that_cannot_continue_is_not_ended_properly(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)

    def tear(asked: Asked, reply: Reply) -> Reply:
        if asked.method == "GET":  # and without ETag there is nothing to continue by
            reply.framing, reply.torn_after = "chunked", 50_000
            del reply.headers["ETag"], reply.headers["Last-Modified"]
        return reply

    odd_store.oddity = tear
    reader, writer = await odd_api.raw("GET", f"objects/download/bucket/{encode_key('data.bin')}", {})
    received = await reader.read()
    writer.close()
    assert b"Transfer-Encoding: chunked" in received
    assert not received.endswith(b"0\r\n\r\n"), "the reader would take half of the object for all of it"


@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_size_is_found_without_content_length_in_head(odd_api: Any, odd_store: OddStore, framing: str) -> None:
    odd_store.put("data.csv", b"a,b\n" + b"1,2\n" * 1000)
    odd_store.put("empty", b"")
    odd_store.oddity = without_length(framing, "HEAD", "GET")
    head = await odd_api.download("bucket", "data.csv", "HEAD")
    assert (head.code, head.headers["Content-Length"]) == (200, "4004")
    assert (await odd_api.download("bucket", "empty", "HEAD")).headers["Content-Length"] == "0"
    preview = await odd_api.ok("GET", "objects/preview/bucket", encode_key("data.csv"))
    assert (preview["kind"], preview["size"]) == ("table", 4004)
    details = await odd_api.ok("GET", "objects/metadata/bucket", encode_key("data.csv"))
    assert details["Size"] == 4004


async def test_archive_of_objects_without_content_length_is_whole(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("folder/small", BODY)
    odd_store.put("folder/large", BODY * 20)
    odd_store.oddity = without_length("chunked", "HEAD", "GET")
    reply = await odd_api.send("GET", "archive/bucket", params={"prefix": encode_key("folder/")})
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "folder/small": BODY,
            "folder/large": BODY * 20,
        }


async def test_transfer_of_an_object_without_content_length_is_whole(
    odd_api: Any, odd_store: OddStore, jp_root_dir: Any
) -> None:
    content = BODY * 200  # three parts
    odd_store.put("data.bin", content)
    odd_store.oddity = without_length("chunked", "HEAD", "GET")
    transfer = await odd_api.ok(
        "POST",
        "transfers",
        status=201,
        json_body={"action": "copy", "source": "s3://bucket/data.bin", "target": "workspace://data.bin"},
    )
    assert (await odd_api.finished(transfer["id"]))["state"] == "completed"
    assert len(content) > 16 * MIB
    assert (jp_root_dir / "data.bin").read_bytes() == content


async def test_client_reads_an_object_without_content_length_whole(client: Client, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)
    odd_store.oddity = without_length("chunked", "HEAD", "GET")

    def read() -> tuple[bytes, bytes]:
        with client.open("s3://bucket/data.bin") as file:
            file.seek(1000)
            return file.read(10), file.read()

    first, rest = await asyncio.to_thread(read)
    assert first + rest == BODY[1000:]


async def test_object_of_unknown_size_is_refused_with_a_sentence(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)

    def hide(asked: Asked, reply: Reply) -> Reply:
        if asked.key:
            reply.status = 200 if reply.status == 206 else reply.status
            reply.headers.pop("Content-Range", None)
            reply.framing = "close"
        if "list-type" in asked.query:
            return Reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        return reply

    odd_store.oddity = hide
    for where in ("objects/download", "objects/preview"):
        error = await odd_api.refused(502, "GET", where, "bucket", encode_key("data.bin"))
        assert error["error"] == "NoContentLength"
        assert "data.bin" in error["message"]


async def test_upload_to_a_store_without_etags_succeeds(odd_api: Any, odd_store: OddStore) -> None:
    def hide(asked: Asked, reply: Reply) -> Reply:
        if asked.method == "PUT":
            reply.headers.pop("ETag", None)
        return reply

    odd_store.oddity = hide
    for key, body in (("small", BODY), ("large", BODY * 100)):
        stored = await odd_api.put("bucket", key, body)
        assert (stored["size"], odd_store.objects[key].body == body) == (len(body), True)
    assert (await odd_api.put("bucket", "small", b"new"))["ETag"] == odd_store.objects["small"].etag


def write_etags(form: Callable[[str], str | None], listed: Callable[[str], str | None]) -> Oddity:
    """ETags in another form: of objects, and in the list."""

    def change(asked: Asked, reply: Reply) -> Reply:
        etag = reply.headers.pop("ETag", None)
        if etag and (written := form(etag)) is not None:
            reply.headers["ETag"] = written
        if "list-type" in asked.query:

            def entry(match: re.Match[str]) -> str:
                other = listed(match[1])
                return "" if other is None else f"<ETag>{escape(other)}</ETag>"

            reply.body = re.sub("<ETag>([^<]*)</ETag>", entry, reply.body.decode()).encode()
        return reply

    return change


def bare(etag: str) -> str:
    return etag.strip('"')


def compare_literally(odd_store: OddStore, form: Callable[[str], str | None]) -> None:
    """Conditions are met by what the store itself has told, and by nothing else."""

    def refuse(asked: Asked) -> Reply | None:
        if told := asked.headers.pop("if-match", None):
            return failure(412, "PreconditionFailed") if told != form(odd_store.objects[asked.key].etag) else None
        if told := asked.headers.pop("x-amz-copy-source-if-match", None):
            key = unquote(asked.headers["x-amz-copy-source"]).lstrip("/").partition("/")[2]
            return failure(412, "PreconditionFailed") if told != form(odd_store.objects[key].etag) else None
        return None

    odd_store.refuse = refuse


FORMS: dict[str, tuple[Callable[[str], str | None], Callable[[str], str | None]]] = {
    "unquoted": (bare, bare),
    "weak": (lambda etag: f"W/{etag}", lambda etag: f"W/{etag}"),
    "missing": (lambda _: None, lambda _: None),
    "missing in the list": (str, lambda _: None),
    "other in the list": (str, lambda etag: f'"{bare(etag)[:8]}"'),
    "weak by HEAD": (lambda etag: f"W/{etag}", str),
}


@pytest.fixture(params=FORMS)
def etags(request: pytest.FixtureRequest, odd_store: OddStore) -> str:
    form, listed = FORMS[request.param]
    compare_literally(odd_store, form)
    odd_store.oddity = write_etags(form, listed)
    return str(request.param)


async def test_folder_is_copied_moved_and_packed_whatever_the_etags_are(
    odd_api: Any, odd_store: OddStore, jp_root_dir: Any, etags: str
) -> None:
    odd_store.put("folder/a", BODY)
    odd_store.put("folder/b/c", b"c")
    want = {"a": BODY, "b/c": b"c"}
    packed = await odd_api.send("GET", "archive/bucket", params={"prefix": encode_key("folder/")})
    with zipfile.ZipFile(io.BytesIO(packed.body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"folder/{key}": body for key, body in want.items()
        }
    for action, target in (
        ("copy", "s3://bucket/copy/"),
        ("copy", "workspace://copy/"),
        ("move", "s3://bucket/moved/"),
    ):
        transfer = await odd_api.ok(
            "POST",
            "transfers",
            status=201,
            json_body={"action": action, "source": "s3://bucket/folder/", "target": target},
        )
        ended = await odd_api.finished(transfer["id"])
        assert (ended["state"], ended["error"]) == ("completed", None), (action, target)
    assert {key: one.body for key, one in odd_store.objects.items()} == {
        f"{folder}/{key}": body for folder in ("copy", "moved") for key, body in want.items()
    }
    assert {key: (jp_root_dir / "copy" / key).read_bytes() for key in want} == want


async def test_object_is_previewed_and_read_whatever_the_etags_are(
    odd_api: Any, odd_store: OddStore, client: Client, etags: str
) -> None:
    odd_store.put("data.csv", b"a,b\n" + b"1,2\n" * 100_000)
    preview = await odd_api.ok("GET", "objects/preview/bucket", encode_key("data.csv"))
    assert preview["kind"] == "table"

    def read() -> bytes:
        with client.open("s3://bucket/data.csv") as file:
            file.seek(300_000)
            return file.read(4)

    assert await asyncio.to_thread(read) == b"1,2\n"


async def test_conditional_upload_replaces_only_the_object_that_was_read(
    odd_api: Any, odd_store: OddStore, etags: str
) -> None:
    odd_store.put("notes.txt", b"first")

    async def save(etag: str, body: bytes) -> Any:
        segments = ("objects/upload/bucket", encode_key("notes.txt"))
        return await odd_api.send("PUT", *segments, body=body, headers={"If-Match": etag})

    seen = (await odd_api.download("bucket", "notes.txt", "HEAD")).headers["ETag"]
    assert re.fullmatch('"[^"]+"', seen)
    assert (await odd_api.download("bucket", "notes.txt")).headers["ETag"] == seen
    assert (await odd_api.download("bucket", "notes.txt", If_None_Match=seen)).code in {200, 304}
    saved = await save(seen, b"second one")
    assert saved.code == 201
    assert (await save(f"W/{json.loads(saved.body)['ETag']}", b"the third")).code == 201  # as a proxy may make it
    assert (await save(seen, b"of somebody who has seen the first")).code == 412
    assert odd_store.objects["notes.txt"].body == b"the third"


async def test_source_that_changes_is_noticed_whatever_the_etags_are(
    odd_api: Any, odd_store: OddStore, etags: str
) -> None:
    odd_store.put("data.bin", BODY)
    change = odd_store.oddity
    assert change is not None

    def write_after_the_first_range(asked: Asked, reply: Reply) -> Reply | None:
        if (asked.method, asked.key, reply.status) == ("GET", "data.bin", 206):
            now = odd_store.put("data.bin", BODY[::-1])
            now.modified = datetime(2025, 1, 1, tzinfo=UTC)
        return change(asked, reply)

    seen = odd_store.store.head("bucket", "data.bin")
    assert seen is not None
    source = odd_store.store.source("bucket", "data.bin", len(BODY), seen.etag or "")
    odd_store.oddity = write_after_the_first_range
    source.open_range(0, 10).close()
    odd_store.oddity = change
    with pytest.raises(VerificationError):
        source.open_range(10, 20)


def deny(code: str, *keys: str) -> Callable[[Asked], Reply | None]:
    """These objects cannot be read."""
    return lambda asked: failure(403, code) if asked.method == "GET" and asked.key in keys else None


@pytest.mark.parametrize("code", ["InvalidObjectState", "AccessDenied"])
@pytest.mark.parametrize("body", [b"small", bytes(1024 * 1024)], ids=["small", "large"])
async def test_archive_names_what_it_could_not_read(
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
    assert any("lacks 1 objects" in record.getMessage() for record in caplog.records)


async def test_archived_object_is_reported_before_the_first_byte(odd_api: Any, odd_store: OddStore) -> None:
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
RAW = AUTHOR.encode().decode("latin-1")  # as http.server sends it: the bytes of UTF-8
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
    assert max(map(len, words)) <= 75  # as RFC 2047 wants it
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
    odd_store.refuse = lambda asked: answer if not asked.bucket else None
    reply = await odd_api.send("POST", "settings/test-s3", json_body={})
    assert (reply.code >= 400, json.loads(reply.body)["error"]) == (True, code)
    if code != "NotS3":
        assert "Enter a bucket" in json.loads(reply.body)["message"]
        assert (await odd_api.ok("POST", "settings/test-s3", json_body={"defaultBucket": "s3://bucket/"}))["ok"]


@pytest.mark.parametrize("path", ["bucket", "multiple/bucket"])
async def test_deletion_of_a_key_is_sent_again_to_a_busy_store(odd_api: Any, odd_store: OddStore, path: str) -> None:
    odd_store.put("a", b"")
    odd_store.put("b", b"")
    left = 3

    def refuse(asked: Asked) -> Reply | None:
        nonlocal left
        if asked.method == "DELETE" and asked.key == "a" and left:
            left -= 1
            return failure(503, "SlowDown")
        return failure(501, "NotImplemented") if "delete" in asked.query else None

    odd_store.refuse = refuse
    if path == "bucket":
        reply = await odd_api.ok("DELETE", "objects/bucket", encode_key("a"))
        assert reply == {"deleted": ["a"], "errors": []}
    else:
        reply = await odd_api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["a", "b"]})
        assert (sorted(reply["deleted"]), reply["errors"], odd_store.objects) == (["a", "b"], [], {})
    assert "a" not in odd_store.objects


async def test_busy_store_is_reported_for_the_key_that_it_does_not_delete(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("a", b"")
    odd_store.put("b", b"")

    def refuse(asked: Asked) -> Reply | None:
        if "delete" in asked.query:
            return failure(501, "NotImplemented")
        return failure(503, "SlowDown") if (asked.method, asked.key) == ("DELETE", "a") else None

    odd_store.refuse = refuse
    reply = await odd_api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["a", "b"]})
    assert (reply["deleted"], [(one["Key"], one["Code"]) for one in reply["errors"]]) == (["b"], [("a", "SlowDown")])
    assert (await odd_api.refused(503, "DELETE", "objects/bucket", encode_key("a")))["error"] == "SlowDown"
