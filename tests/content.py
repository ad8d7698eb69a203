"""Content for tests, and the content of a bucket as a plain boto3 client sees it."""

from __future__ import annotations

import random
from typing import Any

MIB = 1024 * 1024


def noise(size: int) -> bytes:
    """Return bytes without repetitions, the same in each run."""
    return random.Random(size).randbytes(size)


def body_of(client: Any, bucket: str, key: str) -> bytes:
    """Return the content of one object."""
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def contents(client: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Return the content of each object with the prefix by its key, up to 1,000 objects."""
    found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: body_of(client, bucket, item["Key"]) for item in found}


def multiparts(client: Any, bucket: str) -> list[Any]:
    """Return the unfinished multipart uploads of a bucket."""
    found: list[Any] = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found
