"""A process that reads, writes, uploads or downloads with ``Client``, as a kernel does.

python client_file.py sequential|columns|SIZE URI, with the server's URL in ODHTEC_URL and its token in JUPYTER_TOKEN:
one object in order, two columns of a table, or an object of so many bytes that is written.
python client_file.py upload|download URI PATH: files of this machine; boto3-upload and boto3-download use boto3 in
a pool of threads, with the store's URL and keys in the environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from meters import Memory

from odhtec_jupyter import Client
from odhtec_jupyter.client.files.reader import bytes_read

BLOCK = 1024 * 1024
BOTO3_THREADS = 32


def main() -> None:
    """Print what it took, as JSON."""
    how, uri, *path = sys.argv[1:]
    client = Client(os.environ["ODHTEC_URL"], os.environ["JUPYTER_TOKEN"])
    client.buckets()
    if how == "columns":
        import pandas  # noqa: F401 - not in the figures
        import pyarrow  # noqa: F401
    if how.startswith("boto3-"):
        import boto3  # noqa: F401
    memory, cpu, began = Memory(os.getpid()), time.process_time(), time.perf_counter()
    if how.startswith("boto3-"):
        told = move_with_boto3(how, uri, Path(path[0]))
    elif path:
        told = move(client, how, uri, path[0])
    else:
        told = write(client, uri, int(how)) if how.isdecimal() else read(client, uri, how)
    figures = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - began, "grown": memory.growth()}
    print(json.dumps({**figures, **told}))


def read(client: Client, uri: str, how: str) -> dict[str, int]:
    """In order, or what pandas needs for two columns."""
    with client.open(uri) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if how == "columns":
            import pandas as pd

            rows = len(pd.read_parquet(file, columns=["number 3", "number 17"]))
        else:
            rows, block = 0, bytearray(BLOCK)
            while file.readinto(block):
                pass
        return {"size": size, "moved": bytes_read(file), "rows": rows}


def write(client: Client, uri: str, size: int) -> dict[str, int]:
    """In blocks, as a library writes."""
    block = os.urandom(BLOCK)
    with client.open(uri, "wb") as file:
        for start in range(0, size, BLOCK):
            file.write(block[: size - start])
    return {"size": file.result.size if file.result else 0, "moved": size}


def move(client: Client, how: str, uri: str, path: str) -> dict[str, int]:
    """Files of this machine, with the default options."""
    transfer = client.upload(path, uri) if how == "upload" else client.download(uri, path)
    done = transfer.wait(progress=False).status
    return {"size": done.bytes_total or 0, "moved": done.bytes_done}


def move_with_boto3(how: str, uri: str, folder: Path) -> dict[str, int]:
    """As a notebook with the keys would do it."""
    import boto3
    from botocore.config import Config

    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    config = Config(max_pool_connections=BOTO3_THREADS)
    client = boto3.client("s3", endpoint_url=os.environ["AWS_S3_ENDPOINT"], config=config)

    def upload(path: Path) -> int:
        with path.open("rb") as file:
            client.put_object(Bucket=bucket, Key=prefix + path.relative_to(folder).as_posix(), Body=file)
        return path.stat().st_size

    def download(key: str) -> int:
        path = folder / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(BOTO3_THREADS) as pool:
        if how == "boto3-upload":
            moved = sum(pool.map(upload, sorted(path for path in folder.rglob("*") if path.is_file())))
        else:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            moved = sum(pool.map(download, [item["Key"] for page in pages for item in page.get("Contents", [])]))
    return {"size": moved, "moved": moved}


if __name__ == "__main__":
    main()
