"""JSON bodies are limited before they are read, and cannot block the event loop for long."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from odhtec_jupyter.handlers.base import LARGE_BODY_BYTES, MAX_FIELDS, MAX_VALUES, OdhTecHandler
from odhtec_jupyter.handlers.streaming.streamed_body import StreamedBodyHandler
from odhtec_jupyter.models.wire import MAX_ITEMS
from odhtec_jupyter.routes import ROUTES

on_moto = pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
TIMEOUT_SECONDS = 30.0
TARGETS = (
    ("POST", "buckets"),
    ("PUT", "objects/metadata/b/YQ"),
    ("POST", "objects/restore/b/YQ"),
    ("POST", "objects/folder/b"),
    ("POST", "objects/import-hf"),
    ("POST", "objects/presign"),
    ("DELETE", "objects/multiple/b"),
    ("DELETE", "multipart/b"),
    ("POST", "transfers"),
    ("POST", "transfers/0123/resume"),
    ("POST", "transfers/0123/retry"),
    ("POST", "uploads"),
    ("PUT", "settings/s3"),
    ("POST", "settings/test-s3"),
    ("PUT", "settings/hf"),
    ("PUT", "settings/proxy"),
    ("PUT", "disclaimer"),
    ("GET", "buckets"),
)


async def reply_of(reader: Any) -> tuple[int, Any]:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        return int(head.split()[1]), json.loads(await reader.readexactly(int(length.partition(":")[2])))


def test_every_handler_has_a_limit() -> None:
    for _, handler in ROUTES:
        assert issubclass(handler, OdhTecHandler)
        assert handler.max_body <= LARGE_BODY_BYTES
        # Only handlers that stream the body override the limit.
        assert issubclass(handler, StreamedBodyHandler) or handler.data_received is OdhTecHandler.data_received
        assert issubclass(handler, StreamedBodyHandler) or handler.limit_body is OdhTecHandler.limit_body


@on_moto
async def test_a_large_body_is_refused_before_its_first_byte(api: Any) -> None:
    for method, target in TARGETS:
        for length in (str(LARGE_BODY_BYTES + 1), "9" * 17):
            reader, writer = await api.raw(method, target, {"Content-Length": length})
            status, body = await reply_of(reader)
            assert (status, body["error"]) == (413, "EntityTooLarge"), (method, target)
            writer.close()


@on_moto
async def test_a_body_without_a_length_is_cut_off(api: Any) -> None:
    for method, target in TARGETS:
        reader, writer = await api.raw(method, target, {"Transfer-Encoding": "chunked"})
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(LARGE_BODY_BYTES // 0x10000 + 1):
            writer.write(piece)
        status, body = await reply_of(reader)
        assert (status, body["error"]) == (413, "EntityTooLarge"), (method, target)
        writer.close()


@on_moto
async def test_a_body_of_many_fields_is_refused_by_their_number(api: Any, bucket: str) -> None:
    many = {f"{number:x}": 1 for number in range(180_000)}
    assert len(json.dumps(many)) > LARGE_BODY_BYTES * 0.9
    nested = {"uploads": [{"Key": "k", "UploadId": "u", **{str(n): 1 for n in range(200)}} for _ in range(900)]}
    for parts, body in ((("objects/multiple", bucket), many), (("multipart", bucket), nested)):
        reply = await api.refused(400, "DELETE", *parts, json_body=body)
        assert str(MAX_FIELDS) in reply["message"]


@on_moto
async def test_a_body_of_many_values_is_refused_by_their_number(api: Any, bucket: str) -> None:
    """Parsing two megabytes of them would block the server for seconds."""
    for value, most in (("[]", MAX_FIELDS), ("{}", MAX_FIELDS), ("[[]]", MAX_FIELDS), ("1", MAX_VALUES)):
        body = f'{{"keys": [{",".join([value] * 1_000_000)}]}}'[:LARGE_BODY_BYTES]
        reply = await api.refused(400, "DELETE", "objects/multiple", bucket, body=body)
        assert reply["message"].startswith(f"The request body has more than {most} "), value
    reply = await api.refused(400, "DELETE", "objects/multiple", bucket, body="[" * LARGE_BODY_BYTES)
    assert str(MAX_FIELDS) in reply["message"]


@on_moto
async def test_punctuation_in_strings_does_not_count_as_fields(api: Any, bucket: str, s3_client: Any) -> None:
    keys = [f'10:00:{number} "quoted\\": [{{,,,,,,,,,,,,,,,,,, ' for number in range(3000)]
    for key in keys[:2]:
        s3_client.put_object(Bucket=bucket, Key=key)
    reply = await api.ok("DELETE", "objects/multiple", bucket, json_body={"keys": keys}, request_timeout=0)
    assert set(reply["deleted"]) == set(keys)
    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@on_moto
async def test_a_list_has_a_maximum_that_the_contract_names(api: Any, bucket: str) -> None:
    contract = await api.ok("GET", "openapi.json")
    schemas = contract["components"]["schemas"]
    too_many = ["k"] * (MAX_ITEMS + 1)
    place = {"source": "s3://b/d/", "target": "s3://b/e/"}
    for model, field, method, parts, body in (
        ("DeleteRequest", "keys", "DELETE", ("objects/multiple", bucket), {}),
        ("DeleteRequest", "prefixes", "DELETE", ("objects/multiple", bucket), {}),
        ("TransferRequest", "names", "POST", ("transfers",), {"action": "copy", **place}),
        ("TransferRequest", "include", "POST", ("transfers",), {"action": "copy", **place}),
        ("TransferRequest", "exclude", "POST", ("transfers",), {"action": "copy", **place}),
        ("ImportRequest", "include", "POST", ("objects/import-hf",), {"repo": "a/b", "bucket": bucket}),
        ("ImportRequest", "exclude", "POST", ("objects/import-hf",), {"repo": "a/b", "bucket": bucket}),
    ):
        schema = schemas[model]["properties"][field]
        limit = schema.get("maxItems") or next(one["maxItems"] for one in schema["anyOf"] if "maxItems" in one)
        assert limit == MAX_ITEMS
        reply = await api.refused(400, method, *parts, json_body={**body, field: too_many})
        assert reply["message"].startswith(f"{field}:")
