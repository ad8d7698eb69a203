"""A process that reads, writes, uploads or downloads with ``Client``, as a kernel does.

python client_file.py sequential|columns|SIZE URI, with the server's URL in ODHTEC_URL and its token in JUPYTER_TOKEN:
one object in order, two columns of a table, or an object of so many bytes that is written.
python client_file.py upload|download URI PATH: files of this machine.
"""

from __future__ import annotations

import json
import os
import sys
import time

from meters import Memory

from odhtec_jupyter import Client
from odhtec_jupyter.client.files.reader import bytes_read

BLOCK = 1024 * 1024


def main() -> None:
    """Print what it took, as JSON."""
    how, uri, *path = sys.argv[1:]
    client = Client(os.environ["ODHTEC_URL"], os.environ["JUPYTER_TOKEN"])
    client.buckets()
    if how == "columns":
        import pandas  # noqa: F401 - not in the figures
        import pyarrow  # noqa: F401
    memory, cpu, began = Memory(os.getpid()), time.process_time(), time.perf_counter()
    if path:
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


if __name__ == "__main__":
    main()
