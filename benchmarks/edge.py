"""A hub where one of eight connections is ten times as slow as the others, as some hosts of large files are.

Beside it runs the same import from a hub whose connections are all alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from stage import Files, Stage
from throughput import MIB, Bench, warm_up

SETS = (Files("bench/one", 1024 * MIB, 1), Files("bench/sixteen", 64 * MIB, 16))
OPTIONS = ("--bytes-per-second=25e6", "--latency=0.03")
STAGES = {"all alike": OPTIONS, "one of eight slow": (*OPTIONS, "--slow-every=8")}


@dataclass(frozen=True)
class EdgeRuns:
    """The imports of one set of files: their seconds, and the bytes that the hub sent twice."""

    files: str
    name: str
    seconds: list[float]
    twice: list[int]


def measure(repeat: int) -> Iterator[EdgeRuns]:
    """The runs of each set with all connections alike, then with a slow one; the two take turns."""
    with ExitStack() as stack:
        stages = {name: stack.enter_context(Stage(MIB, SETS, hub_options=options)) for name, options in STAGES.items()}
        for files in SETS:
            size = files.size * files.count
            runs = {name: EdgeRuns(f"{files.count} x {files.size // MIB} MiB", name, [], []) for name in stages}
            for _ in range(repeat):
                for name, stage in stages.items():
                    seconds, received = _bring(stage, files)
                    runs[name].seconds.append(seconds)
                    runs[name].twice.append(received - size)
            yield from runs.values()


def _bring(stage: Stage, files: Files) -> tuple[float, int]:
    """One import by a new server, which keeps no connections of another run: seconds, and bytes that the hub sent."""
    with stage.server() as server:
        warm_up(stage, server)
        stage.hub_traffic()
        seconds = Bench(stage, server).bring(files.repository, "edge").wall
        for number in range(files.count):
            stage.require_stored(f"edge/weights-{number}.bin", files.size)
    return seconds, stage.hub_traffic()["bytes"]
