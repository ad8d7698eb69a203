"""``/objects/download`` and ``/objects/view``: conditions, ranges, headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.handlers.streaming import download
from odhtec_jupyter.handlers.streaming.download import disposition
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.engine import Engine
from tests.faults.proxy import Proxy
from tests.faults.rules import Rule, Stall
from tests.marks import on_moto, over_http

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


BODY = bytes(range(256)) * 4
SIZE = len(BODY)
SILENT_AFTER = 5 * 1024 * 1024
LARGE = SyntheticContent(24 * 1024 * 1024, seed=5)  # more than the socket buffers between server and reader


@pytest.fixture
def key(s3_client: S3Client, bucket: str) -> str:
    s3_client.put_object(Bucket=bucket, Key="data.bin", Body=BODY, ContentType="application/x-data")
    return "data.bin"


@pytest.mark.tls
async def test_range_returns_the_requested_bytes(api: Any, bucket: str, key: str) -> None:
    for wanted, part in {
        "bytes=10-19": (10, 20),
        "bytes=0-0": (0, 1),
        "bytes=1000-": (1000, SIZE),
        "bytes=1000-99999": (1000, SIZE),
        "bytes=-5": (SIZE - 5, SIZE),
        "bytes=-99999": (0, SIZE),
    }.items():
        start, end = part
        reply = await api.download(bucket, key, Range=wanted)
        assert reply.code == 206, wanted
        assert reply.body == BODY[start:end]
        assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
        assert reply.headers["Content-Length"] == str(end - start)
        head = await api.download(bucket, key, "HEAD", Range=wanted)
        assert head.code == 206
        assert head.headers["Content-Range"] == reply.headers["Content-Range"]


async def test_a_range_beyond_the_end_is_a_416(api: Any, bucket: str, key: str) -> None:
    reply = await api.download(bucket, key, Range=f"bytes={SIZE}-")
    assert reply.code == 416
    assert b"InvalidRange" in reply.body
    head = await api.download(bucket, key, "HEAD", Range=f"bytes={SIZE}-")
    assert (head.code, head.body) == (416, b"")
    assert "Content-Disposition" not in reply.headers


async def test_invalid_range_returns_the_whole_object(api: Any, bucket: str, key: str) -> None:
    for wanted in ("bytes=0-1,5-6", "lines=1-2", "bytes=5", "bytes=-", "nonsense"):
        reply = await api.download(bucket, key, Range=wanted)
        assert (reply.code, reply.body) == (200, BODY), wanted
        assert "Content-Range" not in reply.headers


async def test_if_range_returns_the_whole_object_when_it_has_changed(api: Any, bucket: str, key: str) -> None:
    etag = (await api.download(bucket, key)).headers["ETag"]
    same = await api.download(bucket, key, Range="bytes=1-3", If_Range=etag)
    assert (same.code, same.body) == (206, BODY[1:4])
    for other in ('"0123456789abcdef0123456789abcdef"', "Mon, 01 Jan 2001 00:00:00 GMT"):
        reply = await api.download(bucket, key, Range="bytes=1-3", If_Range=other)
        assert (reply.code, reply.body) == (200, BODY), other


async def test_if_none_match_is_a_304_when_nothing_has_changed(api: Any, bucket: str, key: str) -> None:
    first = await api.download(bucket, key)
    for method in ("GET", "HEAD"):
        reply = await api.download(bucket, key, method, If_None_Match=first.headers["ETag"])
        assert (reply.code, reply.body) == (304, b"")
    reply = await api.download(bucket, key, If_None_Match='"another"')
    assert (reply.code, reply.body) == (200, BODY)
    reply = await api.download(bucket, key, If_Modified_Since=first.headers["Last-Modified"])
    assert reply.code == 304


async def test_invalid_date_is_ignored(api: Any, bucket: str, key: str) -> None:
    for headers in (
        {"If_Modified_Since": "yesterday"},
        {"If_Modified_Since": ""},
        {"If_Modified_Since": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"},
        {"Range": "bytes=0-1", "If_Range": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"Range": "bytes=0-1", "If_Range": "yesterday"},
        {"Range": "bytes=0-1", "If_Range": 'W/"weak"'},
    ):
        reply = await api.download(bucket, key, **headers)
        assert (reply.code, reply.body) == (200, BODY), headers


async def test_head_returns_the_headers_of_get(api: Any, s3_client: S3Client, bucket: str, key: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="empty", Body=b"")
    changing = {"Date", "Server", "Set-Cookie"}
    for name in (key, "empty"):
        get = await api.download(bucket, name)
        head = await api.download(bucket, name, "HEAD")
        assert head.code == get.code == 200
        assert head.body == b""
        assert {k: v for k, v in head.headers.get_all() if k not in changing} == {
            k: v for k, v in get.headers.get_all() if k not in changing
        }
        assert get.headers["Content-Length"] == str(len(get.body))
        assert get.headers["ETag"]
        assert get.headers["Accept-Ranges"] == "bytes"
        assert get.headers["X-Content-Type-Options"] == "nosniff"


async def test_missing_object_is_a_404(api: Any, bucket: str) -> None:
    assert (await api.refused(404, "GET", "objects/download", bucket, encode_key("absent")))["error"] == "NoSuchKey"
    head = await api.download(bucket, "absent", "HEAD")
    assert (head.code, head.body) == (404, b"")


@pytest.mark.parametrize(
    ("key", "plain"),
    [
        ("folder/model.bin", "model.bin"),
        ('say "hi".txt', "say _hi_.txt"),
        ("back\\slash", "back_slash"),
        ("日本.txt", "__.txt"),
        ("café 100%.md", "caf_ 100_.md"),
        ("line\r\nSet-Cookie: a=b", "line__Set-Cookie: a=b"),
        ("semi;colon, comma", "semi;colon, comma"),
        ("..", "download"),
    ],
)
def test_file_name_is_sent_as_in_rfc_6266(key: str, plain: str) -> None:
    text = disposition("attachment", key)
    kind, name, full = text.split("; f")
    assert kind == "attachment"
    assert name == f'ilename="{plain}"'
    encoded = full.removeprefix("ilename*=UTF-8''")
    assert encoded.isascii()
    assert not set(encoded) & set("\"'\\;, \r\n")
    assert unquote(encoded) == ("download" if key == ".." else key.rpartition("/")[2])


@on_moto
async def test_a_name_outside_latin_1_or_with_quotes_is_a_valid_header(
    api: Any, s3_client: S3Client, bucket: str
) -> None:
    name = 'dir/日本 "q".txt'
    s3_client.put_object(Bucket=bucket, Key=name, Body=b"x")
    reply = await api.download(bucket, name)
    assert reply.headers["Content-Disposition"] == disposition("attachment", name)


SCRIPTS = {
    "evil.svg": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    "evil.html": ("text/html", b"<script>alert(1)</script>"),
    "evil.xhtml": ("binary/octet-stream", b"<html xmlns='http://www.w3.org/1999/xhtml'><script/></html>"),
}


@on_moto
async def test_viewed_object_is_sandboxed(api: Any, s3_client: S3Client, bucket: str) -> None:
    for name, (kind, body) in SCRIPTS.items():
        s3_client.put_object(Bucket=bucket, Key=name, Body=body, ContentType=kind)
        reply = await api.send("GET", "objects/view", bucket, encode_key(name))
        policy = [rule.strip() for rule in reply.headers["Content-Security-Policy"].split(";")]
        assert "sandbox" in policy, name  # without exceptions
        assert "default-src 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Disposition"].startswith("inline")
        if kind != "binary/octet-stream":
            assert reply.headers["Content-Type"].startswith(kind)


@pytest.fixture
def workbench_policy(jp_server_config: Any) -> None:
    # Open Data Hub's workbenches set a policy for the whole server.
    jp_server_config.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}


@on_moto
async def test_csp_of_the_server_keeps_the_sandbox(
    workbench_policy: None, api: Any, s3_client: S3Client, bucket: str
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a.html", Body=b"<p>", ContentType="text/html")
    reply = await api.send("GET", "objects/view", bucket, encode_key("a.html"))
    assert reply.headers["Content-Security-Policy"].startswith("sandbox;")


@on_moto
async def test_viewed_text_is_utf_8_and_its_name_decides_the_type(api: Any, s3_client: S3Client, bucket: str) -> None:
    for name, kind in {"a.txt": "text/plain; charset=utf-8", "b.png": "image/png"}.items():
        s3_client.put_object(Bucket=bucket, Key=name, Body="é".encode())
        reply = await api.send("GET", "objects/view", bucket, encode_key(name))
        assert reply.headers["Content-Type"] == kind


async def test_if_none_match_takes_precedence_over_if_range(api: Any, bucket: str, key: str) -> None:
    etag = (await api.download(bucket, key)).headers["ETag"]
    reply = await api.download(bucket, key, If_None_Match=etag, If_Range='"another"', Range="bytes=0-1")
    assert (reply.code, reply.body, reply.headers["ETag"]) == (304, b"", etag)


@pytest.fixture(params=["from the thread", "through tornado"])
def sender(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "through tornado":  # as over TLS
        monkeypatch.setattr(download, "client_socket", lambda *_, **__: nullcontext())
    return str(request.param)


@pytest.fixture
def engine(services: Services) -> Engine:
    return services.engine


@pytest.fixture
def large(s3_client: S3Client, bucket: str) -> str:
    s3_client.put_object(Bucket=bucket, Key="large.bin", Body=LARGE.read())
    return "large.bin"


@pytest.mark.tls
async def test_slow_client_receives_every_byte_and_keeps_its_connection(
    sender: str, api: Any, bucket: str, large: str
) -> None:
    target = f"objects/download/{bucket}/{encode_key(large)}"
    reader, writer = await api.raw("GET", target, {})
    try:
        # The client does not read yet. The download stalls, and other requests are answered.
        for _ in range(20):
            assert (await api.download(bucket, large, Range="bytes=7-19")).body == LARGE.read(7, 20)
        for left in (1, 0):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert f"\r\ncontent-length: {LARGE.size}\r\n".encode() in head.lower()
            assert await reader.readexactly(LARGE.size) == LARGE.read()
            if left:
                host = f"Host: 127.0.0.1:{api.port}\r\nAuthorization: token {api.token}"
                writer.write(f"GET {api.path}/{target} HTTP/1.1\r\n{host}\r\n\r\n".encode())
    finally:
        writer.close()


@pytest.mark.tls
async def test_download_ends_when_client_disconnects(
    sender: str, api: Any, bucket: str, large: str, engine: Engine, eventually: Eventually
) -> None:
    for _ in range(30):  # more than the threads of the server
        reader, writer = await api.raw("GET", f"objects/download/{bucket}/{encode_key(large)}", {})
        await reader.readexactly(100_000)
        writer.transport.abort()
    await eventually(lambda: not engine.reading)
    assert (await api.download(bucket, large, Range="bytes=0-9")).body == LARGE.read(0, 10)


@pytest.fixture
def silent_s3(s3_server: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rule]:
    """A store that stops sending in the middle of a download."""
    with Proxy(s3_server.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_S3_ENDPOINT", proxy.url)
        yield proxy.rules.add(Stall(SILENT_AFTER, of="reply"), "get")
        proxy.rules.clear()


@over_http
async def test_download_ends_when_client_disconnects_while_s3_is_silent(
    sender: str, silent_s3: Rule, api: Any, bucket: str, large: str, engine: Engine, eventually: Eventually
) -> None:
    """It ends immediately, not only at the retry after a read timeout."""
    reader, writer = await api.raw("GET", f"objects/download/{bucket}/{encode_key(large)}", {})
    await reader.readexactly(100_000)
    await asyncio.to_thread(silent_s3.wait)
    assert len(engine.reading) == 1
    writer.close()
    await eventually(lambda: not engine.reading)


@over_http
async def test_downloads_end_when_server_stops(
    sender: str, silent_s3: Rule, api: Any, bucket: str, large: str, engine: Engine, eventually: Eventually
) -> None:
    reader, writer = await api.raw("GET", f"objects/download/{bucket}/{encode_key(large)}", {})
    await reader.readexactly(100_000)
    await asyncio.to_thread(silent_s3.wait)
    engine.close()
    assert len(await reader.read()) < SILENT_AFTER
    await eventually(lambda: not engine.reading)
    writer.close()
