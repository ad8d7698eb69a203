"""What notebooks do without the extension: boto3's own transfers with their defaults, in a process of their own.

``boto3_copy.py upload|download|import ENDPOINT SIZE FROM…`` prints the CPU seconds, the wall seconds and the growth of
memory of that one call as JSON. Imports of libraries and the making of the client are not counted. Of several files to
import two are copied at a time, each over one connection.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import urllib3
from meters import Memory


def main() -> None:
    """One copy."""
    action, endpoint, size, *sources = sys.argv[1:]
    client = boto3.client("s3", endpoint_url=endpoint)
    client.list_buckets()
    pool = urllib3.PoolManager()
    memory = Memory(os.getpid())
    cpu, wall = time.process_time(), time.perf_counter()
    if action == "upload":
        with Path(sources[0]).open("rb") as file:
            client.upload_fileobj(file, "bench", "boto3/upload.bin")
    elif action == "download":
        with Path(os.devnull).open("wb") as sink:
            client.download_fileobj("bench", f"synthetic/{size}", sink)
    else:

        def bring(source: str) -> None:
            reply: Any = pool.request("GET", source, preload_content=False)
            client.upload_fileobj(reply, "bench", f"boto3/{source.rpartition('/')[2]}")

        with ThreadPoolExecutor(2) as two:
            list(two.map(bring, sources))
    print(
        json.dumps(
            {
                "cpu": time.process_time() - cpu,
                "wall": time.perf_counter() - wall,
                "growth": memory.growth(),
            }
        )
    )


if __name__ == "__main__":
    main()
