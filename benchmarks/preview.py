"""What looking into objects of gigabytes costs: bytes and requests of the store, and the time until it is seen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import huge_files
from stage import Server, Stage
from throughput import warm_up

from odhtec_jupyter.keys import encode_key

BUCKET = "bench"


@dataclass(frozen=True)
class Look:
    """One file: its size, bytes that were read of it, GETs, and milliseconds of each look."""

    name: str
    size: int
    read: int
    requests: int
    kind: str
    milliseconds: list[float]


def measure(stage: Stage, repeat: int) -> Iterator[Look]:
    """Each file in turn, through a server and over HTTP; the first look, which makes the file, is not counted."""
    with stage.server() as server:
        warm_up(stage, server)
        for name in huge_files.FILES:
            path = f"/objects/preview/{BUCKET}/{encode_key(f'huge/{name}')}"
            found = server.get(path)
            before = stage.gets()
            taken = [_timed(server, path) for _ in range(repeat)]
            requests = (stage.gets() - before) // repeat
            yield Look(name, found["size"], found["bytesRead"], requests, found["kind"], taken)


def _timed(server: Server, path: str) -> float:
    began = time.perf_counter()
    server.get(path)
    return (time.perf_counter() - began) * 1000
