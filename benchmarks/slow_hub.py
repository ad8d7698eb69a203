"""A hub far away, which gives each connection so much and no more: how much faster parallel ranges are.

Beside it runs what is written by hand, and what others do: two files at a time, each over one connection.
"""

from __future__ import annotations

from collections.abc import Iterator

from stage import Files, Server, Stage
from throughput import MIB, Bench, Run, boto3_copy, warm_up

FILES = Files("bench/four", 512 * MIB, 4)
OPTIONS = ("--bytes-per-second=50e6", "--latency=0.03")
LINES = ("urllib3 → boto3, 2 connections", "extension, verified")


def measure(repeat: int) -> Iterator[tuple[str, list[Run]]]:
    """The runs of both; they take turns."""
    size = FILES.size * FILES.count
    with Stage(size, [FILES], hub_options=OPTIONS) as stage, stage.server() as server:
        warm_up(stage, server)
        runs: dict[str, list[Run]] = {name: [] for name in LINES}
        for _ in range(repeat):
            for name, run in zip(LINES, (_by_hand(stage, size), _bring(stage, server)), strict=True):
                runs[name].append(run)
        yield from runs.items()


def _by_hand(stage: Stage, size: int) -> Run:
    names = [f"weights-{number}.bin" for number in range(FILES.count)]
    return boto3_copy(stage, "import", size, *(f"{stage.hub}/{FILES.repository}/resolve/main/{name}" for name in names))


def _bring(stage: Stage, server: Server) -> Run:
    run = Bench(stage, server).bring(FILES.repository, "far")
    for number in range(FILES.count):
        stage.require_stored(f"far/weights-{number}.bin", FILES.size)
    return run
