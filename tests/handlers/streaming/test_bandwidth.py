"""The bandwidth limit for what clients send and receive: which bytes count, and that all of them arrive."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from tests.content import MIB, body_of, noise
from tests.marks import on_moto
from tests.transfers.bandwidth_meter import Meter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FAST = 10**9  # bytes per second: a limit that delays little
PART = 8 * MIB


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch, services: Services) -> Meter:
    services.engine.bandwidth.limit = FAST
    return Meter(monkeypatch)


@pytest.mark.tls
async def test_uploaded_bytes_count_once(
    api: Any,
    bucket: str,
    s3_client: S3Client,
    meter: Meter,
    form: Callable[..., tuple[bytes, dict[str, str]]],
) -> None:
    content = noise(2 * PART + 5)
    await api.put(bucket, "raw", content)
    assert meter.read() == len(content)
    body, headers = form(("one", content[:MIB]), ("two", content[MIB:]))
    await api.ok("POST", "objects/upload", bucket, status=201, body=body, headers=headers)
    assert meter.read() == len(content)
    upload = await api.ok(
        "POST", "uploads", json_body={"bucket": bucket, "key": "parts", "size": len(content)}, status=201
    )
    for number in (1, 2, 3):
        part = content[(number - 1) * PART : number * PART]
        await api.ok("PUT", "uploads", upload["uploadId"], str(number), body=part)
    await api.ok("POST", "uploads", upload["uploadId"], "complete", status=201)
    assert meter.read() == len(content)
    assert body_of(s3_client, bucket, "raw") == body_of(s3_client, bucket, "parts") == content
    assert body_of(s3_client, bucket, "one") + body_of(s3_client, bucket, "two") == content


@pytest.mark.tls
async def test_downloaded_bytes_count_but_previews_and_lists_do_not(
    api: Any, bucket: str, s3_client: S3Client, meter: Meter
) -> None:
    content = noise(5 * MIB + 3)
    s3_client.put_object(Bucket=bucket, Key="data.bin", Body=content)
    s3_client.put_object(Bucket=bucket, Key="small.txt", Body=b"text")
    assert (await api.download(bucket, "data.bin")).body == content
    assert meter.read() == len(content)
    assert (await api.download(bucket, "data.bin", Range="bytes=10-99")).body == content[10:100]
    assert meter.read() == 90
    archive = await api.send("GET", "archive", bucket, params={"prefix": ""})
    with zipfile.ZipFile(BytesIO(archive.body)) as unpacked:
        assert unpacked.read("data.bin") == content
    assert meter.read() == len(content) + 4
    assert (await api.send("GET", "objects/view", bucket, encode_key("data.bin"))).body == content
    await api.ok("GET", "objects/preview", bucket, encode_key("small.txt"))
    await api.download(bucket, "data.bin", method="HEAD")
    await api.ok("GET", "objects", bucket)
    assert meter.read() == 0


@on_moto
async def test_limit_that_delays_loses_nothing(api: Any, bucket: str, services: Services) -> None:
    services.engine.bandwidth.limit = 20 * MIB
    content = noise(6 * MIB)
    await api.put(bucket, "k", content)
    assert (await api.download(bucket, "k")).body == content
    services.engine.bandwidth.limit = 0
    assert (await api.download(bucket, "k")).body == content
