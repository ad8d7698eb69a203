"""Objects written through the package's own store."""

from __future__ import annotations

from typing import Any

from odhtec_jupyter.stores.s3.store import S3Store


def put(store: S3Store, bucket: str, key: str, data: bytes, **options: Any) -> str:
    """Store an object by one PUT and return its ETag."""
    return store.put(bucket, key, [memoryview(data)], len(data), **options)
