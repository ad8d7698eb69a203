"""Steps of tests of resumable uploads: start an upload, send its parts."""

from __future__ import annotations

import asyncio
from typing import Any

from odhtec_jupyter.models import Upload, UploadRequest
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.sessions import Uploads

CHUNK = 1024 * 1024
SIZE = 2 * PART_SIZE + 5
# Ceph RGW cannot complete multipart uploads for a key longer than about 980 bytes.
KEYS = ["a b+c%2F/日本", "..", "//", "/leading", "e\u0301 é 🙂", "x" * 980, "tab\tand ?#&"]


def request(bucket: str, key: str = "k", size: int = SIZE, **options: Any) -> UploadRequest:
    return UploadRequest(bucket=bucket, key=key, size=size, **({"last_modified": 1700000000000} | options))


async def receive(uploads: Uploads, upload_id: str, number: int, data: bytes) -> IncomingPart:
    """Return a part that was received and is not stored yet."""
    part = await uploads.receive(upload_id, number, len(data), lambda error: None)
    for start in range(0, len(data), CHUNK):
        await part.write(data[start : start + CHUNK])
    return part


async def put(uploads: Uploads, upload: Upload, data: bytes, *numbers: int) -> None:
    """Send parts of a file in parallel."""

    async def one(number: int) -> None:
        start = (number - 1) * upload.part_size
        part = await receive(uploads, upload.upload_id, number, data[start : start + upload.part_size])
        await part.finish()

    await asyncio.gather(*(one(number) for number in numbers))


async def send_all_parts(uploads: Uploads, bucket: str, data: bytes) -> Upload:
    """Start an upload of three parts and send them. It is not completed."""
    upload, _ = await uploads.begin(request(bucket))
    await put(uploads, upload, data, 1, 2, 3)
    return upload
