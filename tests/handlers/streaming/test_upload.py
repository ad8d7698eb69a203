"""``/objects/upload``: streamed bodies and forms. Incomplete uploads leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.handlers.streaming.form import file_name
from odhtec_jupyter.keys import encode_key
from tests.content import MIB, noise
from tests.handlers.raw import reply_of
from tests.marks import on_moto, over_http
from tests.odd_store import OddStore, Reply, Request
from tests.waiting import GIVE_UP_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


Form = Callable[..., tuple[bytes, dict[str, str]]]
Stored = Callable[[], dict[str, int]]
Count = Callable[[], int]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


async def test_form_uploads_any_number_of_files_with_their_folders(
    api: Any, bucket: str, stored: Stored, form: Form, s3_client: S3Client
) -> None:
    files = {
        "a.txt": b"a",
        "dir/sub/日本.json": b"{}",
        "empty": b"",
        "big.bin": noise(100_000),
        "é/x y+z%.md": b"\r\n--limi",
    }
    body, headers = form(*files.items())
    # Fields without a file are ignored.
    body = b'--limit\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n' + body
    for prefix, segments in {"": (), "to/": (encode_key("to"),)}.items():
        reply = await api.ok("POST", "objects/upload", bucket, *segments, body=body, headers=headers, status=201)
        assert {entry["key"]: entry["size"] for entry in reply["uploaded"]} == {
            prefix + n: len(c) for n, c in files.items()
        }
        assert (reply["skipped"], reply["errors"]) == ([], [])
    assert stored() == {prefix + name: len(content) for prefix in ("", "to/") for name, content in files.items()}
    for name, content in files.items():
        assert s3_client.get_object(Bucket=bucket, Key="to/" + name)["Body"].read() == content
    assert s3_client.head_object(Bucket=bucket, Key="a.txt")["ContentType"] == "text/plain"


@pytest.mark.tls
async def test_large_body_is_sent_in_parts_and_stored_unchanged(
    api: Any, bucket: str, s3_client: S3Client, multiparts: Count, form: Form
) -> None:
    content = noise(40 * MIB)
    reply = await api.put(bucket, "raw", content)
    assert reply["size"] == len(content)
    assert int(reply["ETag"].strip('"').partition("-")[2]) > 1  # the number of parts depends on the speed of the store
    body, headers = form(("form", content))
    await api.ok("POST", "objects/upload", bucket, body=body, headers=headers, status=201)
    for key in ("raw", "form"):
        assert s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() == content, key
    assert (await api.download(bucket, "raw")).body == content
    assert multiparts() == 0


async def test_existing_key_is_handled_by_on_conflict(
    api: Any, bucket: str, s3_client: S3Client, stored: Stored, form: Form
) -> None:
    def value(key: str) -> bytes:
        return s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()

    await api.put(bucket, "a.txt", b"old")
    target = ("objects/upload", bucket, encode_key("a.txt"))

    def how(choice: str) -> dict[str, Any]:
        return {"params": {"onConflict": choice}}

    assert (await api.refused(409, "PUT", *target, body=b"new", **how("fail")))["error"] == "Conflict"
    skipped = await api.ok("PUT", *target, body=b"new", **how("skip"))
    assert skipped == {"uploaded": [], "skipped": ["a.txt"], "errors": []}
    assert value("a.txt") == b"old"
    renamed = await api.ok("PUT", *target, body=b"new", status=201, **how("rename"))
    assert renamed["key"] == "a (1).txt"
    assert (value("a.txt"), value("a (1).txt")) == (b"old", b"new")
    await api.ok("PUT", *target, body=b"newer", status=201, **how("overwrite"))
    assert value("a.txt") == b"newer"
    assert (await api.put(bucket, "b.txt", b"b", **how("fail")))["key"] == "b.txt"

    body, headers = form(("a.txt", b"form"), ("fresh.txt", b"fresh"))
    sent = {"body": body, "headers": headers}
    reply = await api.ok("POST", "objects/upload", bucket, status=207, **sent, **how("fail"))
    assert [entry["key"] for entry in reply["uploaded"]] == ["fresh.txt"]
    assert [(entry["Key"], entry["Code"]) for entry in reply["errors"]] == [("a.txt", "Conflict")]
    reply = await api.ok("POST", "objects/upload", bucket, status=201, **sent, **how("skip"))
    assert (reply["uploaded"], reply["skipped"]) == ([], ["a.txt", "fresh.txt"])
    reply = await api.ok("POST", "objects/upload", bucket, status=201, **sent, **how("rename"))
    assert [entry["key"] for entry in reply["uploaded"]] == ["a (2).txt", "fresh (1).txt"]
    assert value("a.txt") == b"newer"
    await api.ok("POST", "objects/upload", bucket, status=201, **sent, **how("overwrite"))
    assert value("a.txt") == b"form"
    assert set(stored()) == {"a.txt", "a (1).txt", "a (2).txt", "b.txt", "fresh.txt", "fresh (1).txt"}


@over_http
async def test_invalid_upload_is_refused_before_its_body(api: Any, bucket: str) -> None:
    await api.put(bucket, "there", b"old")
    large = {"Content-Length": str(4096 * MIB)}
    form = large | {"Content-Type": "multipart/form-data; boundary=x"}
    there, absent = f"{bucket}/{encode_key('there')}", f"absent-{bucket}"
    for method, target, headers, status, code in (
        ("PUT", f"{there}?onConflict=fail", large, 409, "Conflict"),
        ("PUT", f"{there}?onConflict=perhaps", large, 400, "InvalidRequest"),
        ("PUT", f"{absent}/YQ", large, 404, "NoSuchBucket"),
        ("POST", absent, form, 404, "NoSuchBucket"),
        ("POST", f"{absent}/YQ", form, 404, "NoSuchBucket"),
        ("POST", bucket, large | {"Content-Type": "application/json"}, 400, "InvalidRequest"),
        ("POST", bucket, large | {"Content-Type": "multipart/form-data"}, 400, "InvalidRequest"),
        ("PUT", f"{bucket}/YQ", {"Content-Length": str(6 * 1024**4)}, 413, "EntityTooLarge"),
        ("PUT", f"{bucket}/YQ?connection=other", large, 404, "NoSuchConnection"),
        ("PUT", bucket, large, 405, "MethodNotAllowed"),
    ):
        reader, writer = await api.raw(method, f"objects/upload/{target}", headers)
        got, body = await reply_of(reader)
        assert (got, body["error"]) == (status, code), (method, target)
        writer.close()


@on_moto
async def test_invalid_form_is_a_400(api: Any, bucket: str, stored: Stored, form: Form) -> None:
    whole, headers = form(("a", b"x"))
    for body in (
        b"",
        b"no form at all",
        whole.replace(b"--limit--", b""),
        whole[: len(whole) // 2],
        b'--limit\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--limit--\r\n',
        b"--limit\r\nContent-Disposition: form-data; filename=" + b"a" * 9_000 + b"\r\n\r\nx\r\n--limit--\r\n",
        b"--limit\r\nContent-Disposition: form-data; filename=a\r\nX: " + b"x" * 20_000 + b"\r\n\r\nx\r\n--limit--\r\n",
    ):
        await api.refused(400, "POST", "objects/upload", bucket, body=body, headers=headers)
    assert "a" not in stored() or stored()["a"] == 1


async def disconnect_during_upload(
    api: Any, target: str, headers: dict[str, str], sent: bytes, started: Awaitable[None]
) -> None:
    """Send a part of the body, wait until S3 has the beginning, and disconnect."""
    _, writer = await api.raw(*target.split(" "), headers)
    writer.write(sent)
    await writer.drain()
    await started
    writer.transport.abort()


@over_http
async def test_existing_object_is_kept_when_the_client_disconnects(
    api: Any, bucket: str, s3_client: S3Client, stored: Stored, multiparts: Count, eventually: Eventually
) -> None:
    await api.put(bucket, "old", b"old content")
    etag = s3_client.head_object(Bucket=bucket, Key="old")["ETag"]
    part = noise(12 * MIB)
    disposition = b'Content-Disposition: form-data; name="f"; filename="old"'
    for target, headers, sent in (
        (f"PUT objects/upload/{bucket}/{encode_key('old')}", {"Content-Length": str(30 * MIB)}, part),
        (
            f"PUT objects/upload/{bucket}/{encode_key('old')}",
            {"Transfer-Encoding": "chunked"},
            b"%x\r\n" % (20 * MIB) + part,
        ),
        (
            f"POST objects/upload/{bucket}",
            {"Content-Length": str(30 * MIB), "Content-Type": "multipart/form-data; boundary=x"},
            b"--x\r\n" + disposition + b"\r\n\r\n" + part,
        ),
    ):
        await disconnect_during_upload(api, target, headers, sent, eventually(lambda: multiparts() == 1))
        await eventually(lambda: multiparts() == 0)
        assert stored() == {"old": 11}
        assert s3_client.head_object(Bucket=bucket, Key="old")["ETag"] == etag


@over_http
async def test_body_shorter_than_announced_is_not_stored(
    api: Any, bucket: str, stored: Stored, multiparts: Count, eventually: Eventually
) -> None:
    reader, writer = await api.raw("PUT", f"objects/upload/{bucket}/{encode_key('new')}", {"Content-Length": "1000"})
    writer.write(b"x" * 999)
    writer.write_eof()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        # The server closes without a reply, because the client has disconnected.
        assert b" 201 " not in await reader.read()
    writer.close()
    assert (stored(), multiparts()) == ({}, 0)


@on_moto
async def test_body_without_a_length_is_stored(api: Any, bucket: str, s3_client: S3Client) -> None:
    async def chunks(write: Callable[[bytes], Awaitable[None]]) -> None:
        for number in range(20):
            await write(noise(MIB - number))

    reply = await api.ok("PUT", "objects/upload", bucket, encode_key("a"), body_producer=chunks, status=201)
    content = b"".join(noise(MIB - number) for number in range(20))
    assert reply["size"] == len(content)
    assert s3_client.get_object(Bucket=bucket, Key="a")["Body"].read() == content


@on_moto
async def test_meaningless_content_type_is_replaced_by_that_of_the_name(
    api: Any, bucket: str, s3_client: S3Client
) -> None:
    for key, sent, kind in (
        ("a.json", "application/octet-stream", "application/json"),
        ("b.txt", "text/x-special; charset=latin-1", "text/x-special; charset=latin-1"),
        ("c.unknown-kind", "application/x-www-form-urlencoded", "application/octet-stream"),
    ):
        await api.put(bucket, key, b"x", headers={"Content-Type": sent})
        assert s3_client.head_object(Bucket=bucket, Key=key)["ContentType"] == kind


@over_http
async def test_key_that_is_too_long_fails_only_its_file(api: Any, bucket: str, stored: Stored, form: Form) -> None:
    body, headers = form(("k" * 1100, b"x"), ("good", b"y"))
    reply = await api.ok("POST", "objects/upload", bucket, body=body, headers=headers, status=207)
    assert [entry["Key"] for entry in reply["errors"]] == ["k" * 1100]
    assert stored() == {"good": 1}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="f"; filename="dir/日本.txt"', "dir/日本.txt"),
        ('form-data; name="f"; filename="say %22hi%22.txt"', 'say "hi".txt'),  # Chromium, Firefox
        ('form-data; name="f"; filename="say \\"hi\\" \\\\.txt"', 'say "hi" \\.txt'),  # curl
        ('form-data; name="f"; filename="100%25.txt"', "100%25.txt"),
        ("form-data; name=\"f\"; filename*=UTF-8''%E6%97%A5%2B.txt", "日+.txt"),  # requests
        ("form-data; name=f; filename=plain.txt", "plain.txt"),
        ('form-data; name="f"; filename=""', ""),
        ('form-data; name="filename"', ""),
        ('form-data; filename="a;b;c.txt"; name="f"', "a;b;c.txt"),
        ('form-data; name="f"; filename="ends in \\"', "ends in \\"),  # Chromium does not escape backslashes
        ('form-data; name="f"; filename="%E6%97%A5.txt"; FileName*=utf-8\'\'%E6%97%A5.txt', "日.txt"),  # aiohttp
        ('form-data; name="f"; filename="x; filename*=UTF-8\'\'evil.txt"', "x; filename*=UTF-8''evil.txt"),
        ("form-data; name=\"f; filename*=UTF-8''evil.txt\"", ""),
    ],
)
def test_a_file_name_is_read_as_the_client_meant_it(disposition: str, name: str) -> None:
    assert file_name(disposition.encode()) == name


async def test_form_of_many_small_files_is_stored_completely(api: Any, bucket: str, stored: Stored, form: Form) -> None:
    body, headers = form(*[(f"f{number:03}.txt", b"x" * 10) for number in range(60)])
    reply = await api.ok("POST", "objects/upload", bucket, body=body, headers=headers, status=201)
    assert len(reply["uploaded"]) == 60
    assert await asyncio.to_thread(stored) == {f"f{number:03}.txt": 10 for number in range(60)}


async def test_incomplete_form_leaves_no_upload_and_releases_its_memory(
    api: Any, bucket: str, stored: Stored, multiparts: Callable[[], int], form: Form, jp_serverapp: Any
) -> None:
    body, headers = form(("whole.txt", b"whole"), ("big.bin", noise(20 * MIB)))
    torn = body[: -len(b"\r\n--limit--\r\n")]
    refused = await api.refused(400, "POST", "objects/upload", bucket, body=torn, headers=headers)
    assert "closing boundary" in refused["message"]
    assert await asyncio.to_thread(multiparts) == 0
    assert await asyncio.to_thread(stored) == {"whole.txt": 5}
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    assert app.services.engine.budget.used == 0


async def test_content_type_outside_ascii_is_kept(api: Any, bucket: str, s3_client: S3Client, stored: Stored) -> None:
    body = (
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        b"Content-Type: text/" + "日本".encode() + b"\r\n\r\nhello\r\n"
        b'--limit\r\nContent-Disposition: form-data; name="file"; filename="b.txt"\r\n\r\nok\r\n--limit--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    reply = await api.ok("POST", "objects/upload", bucket, body=body, headers=headers, status=201)
    assert [one["key"] for one in reply["uploaded"]] == ["a.txt", "b.txt"]
    assert await asyncio.to_thread(stored) == {"a.txt": 5, "b.txt": 2}
    kept = s3_client.head_object(Bucket=bucket, Key="a.txt")["ContentType"]
    assert str(make_header(decode_header(kept))) == "text/日本"
    assert (await api.download(bucket, "a.txt")).body == b"hello"


async def test_upload_with_progress_counts_as_activity(api: Any, bucket: str, jp_serverapp: Any) -> None:
    assert "odhtec_last_activity" not in jp_serverapp.web_app.settings
    await api.put(bucket, "k", noise(MIB))
    assert "odhtec_last_activity" in jp_serverapp.web_app.settings


async def test_small_file_takes_two_requests_for_its_key(odd_api: Any, odd_store: OddStore) -> None:
    content = noise(64 * 1024)
    reply = await odd_api.put("bucket", "key", content, params={"onConflict": "fail"})
    assert (reply["size"], reply["ETag"]) == (len(content), odd_store.objects["key"].etag)
    assert odd_store.objects["key"].body == content
    # Whether it exists, and the object, whose ETag proves what has been stored.
    sent = [one for one in odd_store.requests if one.key]
    assert [one.method for one in sent] == ["HEAD", "PUT"]
    assert sent[1].headers["if-none-match"] == "*"


async def test_stored_size_is_compared_if_the_etag_proves_nothing(odd_api: Any, odd_store: OddStore) -> None:
    def encrypt(request: Request, reply: Reply) -> Reply:
        if request.key:
            reply.headers["x-amz-server-side-encryption"] = "aws:kms"
            reply.headers["ETag"] = f'"{"0" * 32}"'
        return reply

    odd_store.oddity = encrypt
    await odd_api.put("bucket", "key", b"content")
    assert [one.method for one in odd_store.requests if one.key] == ["HEAD", "PUT", "HEAD"]

    def cut(request: Request, reply: Reply) -> Reply:
        if request.method == "PUT":
            odd_store.put(request.key, request.body[:-1])
        return encrypt(request, reply)

    odd_store.oddity = cut
    error = await odd_api.refused(502, "PUT", "objects/upload/bucket", encode_key("other"), body=b"content")
    assert "6 bytes after 7 bytes were stored" in error["message"]


async def test_bytes_that_differ_from_those_sent_are_refused_and_deleted(odd_api: Any, odd_store: OddStore) -> None:
    def flip(request: Request, reply: Reply) -> Reply:
        if request.method == "PUT":
            reply.headers["ETag"] = odd_store.put(request.key, b"Content").etag
        return reply

    odd_store.oddity = flip
    error = await odd_api.refused(502, "PUT", "objects/upload/bucket", encode_key("key"), body=b"content")
    assert error["error"] == "WrongDigest"
    assert odd_store.objects == {}
