"""What a notebook does for many small files: boto3's calls in a pool of threads, in a process of its own.

``boto3_small.py upload|download|copy|delete ENDPOINT BUCKET SOURCE TARGET`` prints the CPU seconds and the wall seconds
of that one call as JSON. Imports of libraries and the making of the client are not counted.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

THREADS = 32
PAGE = 1000


def main() -> None:
    """One copy, or one deletion."""
    action, endpoint, bucket, source, target = sys.argv[1:]
    client = boto3.client("s3", endpoint_url=endpoint, config=Config(max_pool_connections=THREADS))
    client.head_bucket(Bucket=bucket)

    def keys() -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=source)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def upload(path: Path) -> None:
        key = target + path.relative_to(source).as_posix()
        with path.open("rb") as file:
            client.put_object(Bucket=bucket, Key=key, Body=file)

    def download(key: str) -> None:
        path = Path(target, key.removeprefix(source))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def copy(key: str) -> None:
        client.copy_object(
            Bucket=bucket, Key=target + key.removeprefix(source), CopySource={"Bucket": bucket, "Key": key}
        )

    def delete(some: list[str]) -> None:
        reply = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True})
        if reply.get("Errors"):
            raise RuntimeError(str(reply["Errors"][0]))

    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        if action == "upload":
            list(pool.map(upload, sorted(path for path in Path(source).rglob("*") if path.is_file())))
        elif action == "delete":
            found = keys()
            list(pool.map(delete, [found[start : start + PAGE] for start in range(0, len(found), PAGE)]))
        else:
            list(pool.map(download if action == "download" else copy, keys()))
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}))


if __name__ == "__main__":
    main()
