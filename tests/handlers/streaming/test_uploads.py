"""``/uploads`` as a client sees it: small requests, each of which can fail and be sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.transfers.uploads import part_pieces
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader
from tests.content import MIB, noise
from tests.handlers.raw import reply_of
from tests.marks import on_moto, over_http

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


PART = 8 * MIB
SIZE = 2 * PART + 5
Stored = Callable[[], dict[str, int]]
Count = Callable[[], int]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


def request_for(bucket: str, key: str = "k", size: int = SIZE, **more: Any) -> dict[str, Any]:
    return {"bucket": bucket, "key": key, "size": size, "lastModified": 1700000000000} | more


async def begin(api: Any, *args: Any, status: int = 201, **more: Any) -> Any:
    return await api.ok("POST", "uploads", json_body=request_for(*args, **more), status=status)


async def put(api: Any, upload: Any, content: bytes, *numbers: int) -> None:
    """Send parts of a file in parallel."""

    async def one(number: int) -> None:
        part = content[(number - 1) * upload["partSize"] : number * upload["partSize"]]
        reply = await api.ok("PUT", "uploads", upload["uploadId"], str(number), body=part)
        assert reply == {"number": number, "size": len(part)}

    await asyncio.gather(*(one(number) for number in numbers))


@pytest.mark.tls
async def test_file_is_uploaded_in_parts(
    api: Any, bucket: str, s3_client: S3Client, stored: Stored, multiparts: Count
) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket, "a b+c%2F/日本.json")
    assert {name: value for name, value in upload.items() if name not in {"uploadId", "createdAt"}} == {
        "bucket": bucket,
        "key": "a b+c%2F/日本.json",
        "size": SIZE,
        "partSize": PART,
        "partCount": 3,
        "parts": [],
        "bytesDone": 0,
        "lastModified": 1700000000000,
    }
    await put(api, upload, content, 3, 1)
    at = ("uploads", upload["uploadId"])
    present = [{"number": 1, "size": PART}, {"number": 3, "size": 5}]
    for shown in (
        await api.ok("GET", *at),
        await begin(api, bucket, "a b+c%2F/日本.json", status=200),
    ):
        assert shown == upload | {"parts": present, "bytesDone": PART + 5}
    listed = await api.ok("GET", "uploads")
    assert listed == {"uploads": [upload | {"bytesDone": PART + 5}]}
    missing = await api.refused(409, "POST", *at, "complete")
    assert missing["error"] == "MissingParts"
    await put(api, upload, content, 2, 2)
    assert stored() == {}
    done = await api.ok("POST", *at, "complete", status=201)
    head = s3_client.head_object(Bucket=bucket, Key="a b+c%2F/日本.json")
    assert done == {"bucket": bucket, "key": "a b+c%2F/日本.json", "size": SIZE, "ETag": head["ETag"]}
    assert head["ContentType"] == "application/json"
    assert s3_client.get_object(Bucket=bucket, Key="a b+c%2F/日本.json")["Body"].read() == content
    assert await api.ok("POST", *at, "complete", status=201) == done
    for method, *rest in (("GET",), ("DELETE",), ("PUT", "1")):
        refused = await api.refused(404, method, *at, *rest, body=b"x" * PART if method == "PUT" else None)
        assert refused["error"] == "NoSuchUpload"
    assert await api.ok("GET", "uploads") == {"uploads": []}
    assert multiparts() == 0


@over_http
async def test_discarding_an_upload_keeps_the_existing_object(
    api: Any, bucket: str, s3_client: S3Client, multiparts: Count, jp_serverapp: Any, eventually: Eventually
) -> None:
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"before")
    upload = await begin(api, bucket, onConflict="overwrite")
    await put(api, upload, noise(SIZE), 1, 2)
    assert multiparts() == 1
    reader, writer = await api.raw("PUT", f"uploads/{upload['uploadId']}/3", {"Content-Length": "5"})
    writer.write(b"123")
    await writer.drain()
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    await eventually(lambda: app.services.engine.budget.used == 5)
    await api.ok("DELETE", "uploads", upload["uploadId"], status=204)
    status, body = await reply_of(reader)
    assert (status, body["error"]) == (404, "NoSuchUpload")
    writer.close()
    assert multiparts() == 0
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"before"
    refused = await api.refused(404, "DELETE", "uploads", upload["uploadId"])
    assert refused["error"] == "NoSuchUpload"
    assert app.services.engine.budget.used == 0


@over_http
async def test_invalid_upload_is_refused_before_its_body(api: Any, bucket: str, multiparts: Count) -> None:
    upload = await begin(api, bucket)
    at = f"uploads/{upload['uploadId']}"
    whole = {"Content-Length": str(PART)}
    for target, headers, status, code in (
        (f"{at}/0", whole, 400, "InvalidRequest"),
        (f"{at}/4", whole, 400, "InvalidRequest"),
        (f"{at}/first", whole, 400, "InvalidRequest"),
        (f"{at}/99999999", whole, 400, "InvalidRequest"),
        (f"{at}/1", {"Content-Length": str(PART - 1)}, 400, "InvalidRequest"),
        (f"{at}/1", {"Content-Length": str(1024**4)}, 400, "InvalidRequest"),
        (f"{at}/3", whole, 400, "InvalidRequest"),
        (f"{at}/1", {"Content-Length": "0"}, 400, "InvalidRequest"),
        (f"{at}/1", {"Transfer-Encoding": "chunked"}, 411, "MissingContentLength"),
        (f"uploads/{'0' * 32}/1", whole, 404, "NoSuchUpload"),
        (f"{at}/1?connection=other", whole, 404, "NoSuchConnection"),
        (f"{at}/1", whole | {"Authorization": "token wrong"}, 403, "Forbidden"),
    ):
        reader, writer = await api.raw("PUT", target, headers)
        got, body = await reply_of(reader)
        assert (got, body["error"]) == (status, code), (target, headers)
        writer.close()
    assert multiparts() == 0, "no upload is created before the first part"


@on_moto
async def test_invalid_upload_request_is_refused(api: Any, bucket: str) -> None:
    await api.put(bucket, "there", b"old")
    for body, status, code in (
        (request_for(bucket, "there"), 409, "Conflict"),
        (request_for(f"absent-{bucket}"), 404, "NoSuchBucket"),
        (request_for(bucket, size=-1), 400, "InvalidRequest"),
        (request_for(bucket, size=5 * 1024**4 + 1), 413, "EntityTooLarge"),
        (request_for(bucket, size=600 * 1024**3), 413, "EntityTooLarge"),
        (request_for(bucket, ""), 400, "InvalidRequest"),
        (request_for(bucket, "k" * 1025), 400, "KeyTooLongError"),
        (request_for(bucket, onConflict="skip"), 400, "InvalidRequest"),
        (request_for(bucket) | {"more": 1}, 400, "InvalidRequest"),
        (request_for(bucket) | {"contentType": "text/日本"}, 400, "InvalidRequest"),
        (request_for(bucket) | {"contentType": "text/plain\r\nX: y"}, 400, "InvalidRequest"),
        (request_for(bucket) | {"lastModified": 2**63}, 400, "InvalidRequest"),
    ):
        refused = await api.refused(status, "POST", "uploads", json_body=body)
        assert refused["error"] == code, body
    too_large = await api.refused(413, "POST", "uploads", json_body=request_for(bucket, size=600 * 1024**3))
    assert "max_memory" in too_large["message"]
    await api.refused(400, "POST", "uploads", "0" * 32, "complete", params={"onConflict": "rename"})
    assert await api.ok("GET", "uploads") == {"uploads": []}


@over_http
async def test_complete_conflicts_when_the_key_was_created_in_the_meantime(
    api: Any, bucket: str, s3_client: S3Client
) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket)
    await put(api, upload, content, 1, 2, 3)
    s3_client.put_object(Bucket=bucket, Key="k", Body=b"another user's")
    complete = ("POST", "uploads", upload["uploadId"], "complete")
    assert (await api.refused(409, *complete))["error"] == "Conflict"
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"another user's"
    assert (await api.ok("GET", "uploads", upload["uploadId"]))["bytesDone"] == SIZE
    await api.ok(*complete, params={"onConflict": "overwrite"}, status=201)
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == content


@over_http
async def test_part_with_a_broken_connection_is_not_stored(
    api: Any, bucket: str, s3_client: S3Client, jp_serverapp: Any, eventually: Eventually
) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket)
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    budget = app.services.engine.budget
    for sent in (0, 1, PART - 1):
        _, writer = await api.raw("PUT", f"uploads/{upload['uploadId']}/1", {"Content-Length": str(PART)})
        writer.write(content[:sent])
        await writer.drain()
        await eventually(lambda: app.current_activity() == 1)
        if sent:
            await eventually(lambda: budget.used == PART)
        writer.transport.abort()
        await eventually(lambda: app.current_activity() == 0 and budget.used == 0)
        assert (await api.ok("GET", "uploads", upload["uploadId"]))["parts"] == []
    await put(api, upload, content, 1, 2, 3)
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == content


@over_http
async def test_part_is_received_in_pieces_behind_a_proxy_with_a_limit(
    api: Any, bucket: str, s3_client: S3Client, jp_serverapp: Any
) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket)
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    budget = app.services.engine.budget

    async def piece(number: int, offset: int, size: int) -> tuple[int, Any]:
        start = (number - 1) * PART + offset
        reply = await api.send(
            "PUT", "uploads", upload["uploadId"], str(number), params={"offset": offset}, body=content[start:][:size]
        )
        return reply.code, json.loads(reply.body) if reply.body else None

    assert await piece(1, 0, 3 * MIB) == (204, None)
    assert await piece(2, 0, MIB) == (204, None)  # of another part, in parallel
    assert await piece(1, 3 * MIB, 3 * MIB) == (204, None)
    assert budget.used == 2 * PART
    code, refused = await piece(1, MIB, MIB)  # does not follow the piece before
    assert (code, refused["error"]) == (409, "MissingParts")
    code, refused = await piece(1, 6 * MIB, 3 * MIB)  # longer than the part
    assert (code, refused["error"]) == (400, "InvalidRequest")
    assert await piece(1, 6 * MIB, 2 * MIB) == (200, {"number": 1, "size": PART})
    code, refused = await piece(1, 6 * MIB, 2 * MIB)  # the part is stored already
    assert (code, refused["error"]) == (409, "MissingParts")
    assert await piece(2, 0, 4 * MIB) == (204, None)  # starts the part again
    assert await piece(2, 4 * MIB, 4 * MIB) == (200, {"number": 2, "size": PART})
    assert budget.used == 0
    await put(api, upload, content, 3)
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == content


@on_moto
async def test_memory_of_an_unfinished_part_is_released(
    api: Any, bucket: str, jp_serverapp: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket)
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    budget = app.services.engine.budget
    at = ("uploads", upload["uploadId"], "1")
    monkeypatch.setattr(part_pieces, "NEXT_PIECE_SECONDS", 0.0)
    await api.ok("PUT", *at, params={"offset": 0}, body=content[:MIB], status=204)
    await eventually(lambda: budget.used == 0)
    refused = await api.refused(409, "PUT", *at, params={"offset": MIB}, body=content[MIB:][:MIB])
    assert refused["error"] == "MissingParts"
    monkeypatch.undo()
    await api.ok("PUT", *at, params={"offset": 0}, body=content[:MIB], status=204)
    _, writer = await api.raw("PUT", f"uploads/{upload['uploadId']}/1?offset={MIB}", {"Content-Length": str(MIB)})
    await eventually(lambda: app.current_activity() == 1)
    writer.transport.abort()  # disconnects in the middle of a piece
    await eventually(lambda: app.current_activity() == 0 and budget.used == 0)
    await api.ok("PUT", *at, params={"offset": 0}, body=content[:MIB], status=204)
    assert budget.used == PART
    await api.ok("DELETE", "uploads", upload["uploadId"], status=204)
    await eventually(lambda: budget.used == 0)


@on_moto
async def test_bytes_of_a_fast_sender_are_read_in_a_thread(
    api: Any, bucket: str, s3_client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    real = SocketReader.receive

    async def receive(sender: SocketReader, room: memoryview) -> int:
        taken.append(await real(sender, room))
        return taken[-1]

    monkeypatch.setattr(SocketReader, "receive", receive)
    monkeypatch.setattr("odhtec_jupyter.transfers.uploads.socket_reader.QUICK_BYTES", 1)
    content = noise(SIZE)
    upload = await begin(api, bucket)
    await put(api, upload, content, 1, 2, 3)
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    assert s3_client.get_object(Bucket=bucket, Key="k")["Body"].read() == content
    assert sum(taken) > SIZE // 2


@on_moto
async def test_part_with_progress_counts_as_activity(api: Any, bucket: str, jp_serverapp: Any) -> None:
    upload = await begin(api, bucket)
    jp_serverapp.web_app.settings.pop("odhtec_last_activity", None)
    await put(api, upload, noise(SIZE), 3)
    assert "odhtec_last_activity" in jp_serverapp.web_app.settings
    (app,) = jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"]
    assert app.current_activity() == 0, "an upload without a sender does not keep the server awake"


@on_moto
async def test_upload_waits_while_another_connection_is_configured(api: Any, bucket: str, s3_server: Any) -> None:
    content = noise(SIZE)
    upload = await begin(api, bucket)
    await put(api, upload, content, 1)
    at = ("uploads", upload["uploadId"])
    other = s3_server.endpoint_url.replace("127.0.0.1", "localhost")
    secret = s3_server.secret_access_key
    await api.ok("PUT", "settings/s3", json_body={"endpoint": other, "secretAccessKey": secret})
    for method, *rest in (("GET",), ("DELETE",), ("POST", "complete"), ("PUT", "2")):
        body = content[PART : 2 * PART] if method == "PUT" else None
        refused = await api.refused(409, method, *at, *rest, body=body)
        assert refused["error"] == "OtherConnection"
        assert "connection" in refused["message"]
    assert await api.ok("GET", "uploads") == {"uploads": []}
    await api.ok("PUT", "settings/s3", json_body={"endpoint": s3_server.endpoint_url, "secretAccessKey": secret})
    await put(api, upload, content, 2, 3)
    await api.ok("POST", *at, "complete", status=201)
