"""What tests store, and what they find in a store, seen by a client that is not the package's own."""

from __future__ import annotations

import random
from typing import Any

MIB = 1024 * 1024


def noise(size: int) -> bytes:
    """Bytes in which nothing repeats, the same in each run."""
    return random.Random(size).randbytes(size)


def body_of(client: Any, bucket: str, key: str) -> bytes:
    """The content of one object."""
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def contents(client: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """key → content of each object whose key has the prefix; at most 1,000."""
    found = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: body_of(client, bucket, item["Key"]) for item in found}


def multiparts(client: Any, bucket: str) -> list[Any]:
    """The unfinished multipart uploads."""
    found: list[Any] = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found
