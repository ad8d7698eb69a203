"""Objects that the store itself writes."""

from __future__ import annotations

from typing import Any

from odhtec_jupyter.stores.s3.store import S3Store


def put(store: S3Store, bucket: str, key: str, data: bytes, **options: Any) -> str:
    """The ETag of an object that was stored by one PUT."""
    return store.put(bucket, key, [memoryview(data)], len(data), **options)
