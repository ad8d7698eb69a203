"""``/usage``: the size of a folder, counted in steps. ``test_search.py`` has counts over several pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from odhtec_jupyter.keys import encode_key
from tests.marks import on_moto
from tests.scripted_store import ScriptedStore, in_order

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


async def test_only_objects_below_the_prefix_are_counted(api: Any, s3_client: S3Client, bucket: str) -> None:
    """Also where the prefix is not ASCII or has dots."""
    stored = {"a": 1, "a/": 0, "a/b": 10, "a/b/c": 100, "ab": 1000, "日本/é": 5, "../x": 7, "a+ %2F/y": 9}
    for key, size in stored.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"x" * size)
    for prefix in ("", "a", "a/", "a/b", "日本/", "../", "a+ %2F/", "nothing/"):
        params = {"prefix": encode_key(prefix)} if prefix else {}
        sizes = [size for key, size in stored.items() if key.startswith(prefix)]
        assert await api.ok("GET", "usage", bucket, params=params) == {
            "objects": len(sizes),
            "bytes": sum(sizes),
            "nextContinuationToken": None,
            "isTruncated": False,
        }, prefix


@on_moto
async def test_sum_of_all_replies_is_the_size(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odhtec_jupyter.stores.step.STEP_SECONDS", 0.0)
    keys = [f"{number:05}" for number in range(2500)]
    counts = []
    with ScriptedStore(in_order(keys, wordy=True)) as scripted:
        monkeypatch.setenv("AWS_S3_ENDPOINT", scripted.endpoint)
        params = {"prefix": encode_key("0")}
        while True:
            usage = await api.ok("GET", "usage", "b", params=params)
            counts.append((usage["objects"], usage["bytes"]))
            if not usage["isTruncated"]:
                break
            params["continuationToken"] = usage["nextContinuationToken"]
    assert counts == [(1000, 5000), (1000, 5000), (500, 2500)]
    assert {query["prefix"] for query in scripted.queries} == {"0"}


@on_moto
async def test_count_of_a_missing_bucket_or_invalid_prefix_is_an_error(api: Any, bucket: str) -> None:
    assert (await api.refused(404, "GET", "usage", f"{bucket}-not"))["error"] == "NoSuchBucket"
    for prefix in ("a", "****", "_w"):
        assert (await api.refused(400, "GET", "usage", bucket, params={"prefix": prefix}))["error"] == "InvalidKey"
