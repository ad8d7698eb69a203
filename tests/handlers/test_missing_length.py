"""Objects of stores that send no Content-Length."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.transfers.runtime.parts import MIB
from tests.odd_store import OddStore, Reply, Request

BODY = bytes(range(256)) * 400  # 102,400 bytes


def without_length(framing: str, *methods: str) -> Callable[[Request, Reply], Reply | None]:
    """Return an oddity that sends objects without a Content-Length."""

    def change(request: Request, reply: Reply) -> Reply | None:
        if request.key and request.method in methods and reply.status in {200, 206}:
            reply.framing = framing
        return reply

    return change


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

    def tear_first(request: Request, reply: Reply) -> Reply:
        if request.method == "GET":
            reply.framing = "chunked"
            reply.torn_after = 50_000 if "range" not in request.headers else None
        return reply

    odd_store.oddity = tear_first
    reply = await odd_api.download("bucket", "data.bin")
    assert (reply.code, reply.body == BODY) == (200, True)
    assert odd_store.count("GET") == 2


async def test_chunked_download_that_cannot_continue_ends_without_its_last_chunk(
    odd_api: Any, odd_store: OddStore
) -> None:
    odd_store.put("data.bin", BODY)

    def tear(request: Request, reply: Reply) -> Reply:
        if request.method == "GET":  # without an ETag, the download cannot continue
            reply.framing, reply.torn_after = "chunked", 50_000
            del reply.headers["ETag"], reply.headers["Last-Modified"]
        return reply

    odd_store.oddity = tear
    reader, writer = await odd_api.raw("GET", f"objects/download/bucket/{encode_key('data.bin')}", {})
    received = await reader.read()
    writer.close()
    assert b"Transfer-Encoding: chunked" in received
    assert not received.endswith(b"0\r\n\r\n"), "an incomplete object would look complete"


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


async def test_client_reads_an_object_without_content_length_whole(odd_client: Client, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)
    odd_store.oddity = without_length("chunked", "HEAD", "GET")

    def read() -> tuple[bytes, bytes]:
        with odd_client.open("s3://bucket/data.bin") as file:
            file.seek(1000)
            return file.read(10), file.read()

    first, rest = await asyncio.to_thread(read)
    assert first + rest == BODY[1000:]


async def test_object_of_unknown_size_is_refused_with_the_reason(odd_api: Any, odd_store: OddStore) -> None:
    odd_store.put("data.bin", BODY)

    def hide(request: Request, reply: Reply) -> Reply:
        if request.key:
            reply.status = 200 if reply.status == 206 else reply.status
            reply.headers.pop("Content-Range", None)
            reply.framing = "close"
        if "list-type" in request.query:
            return Reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        return reply

    odd_store.oddity = hide
    for where in ("objects/download", "objects/preview"):
        error = await odd_api.refused(502, "GET", where, "bucket", encode_key("data.bin"))
        assert error["error"] == "NoContentLength"
        assert "data.bin" in error["message"]
