"""Files in a kernel: ``Client.open`` beside curl, reading and writing, and what two columns of a large table take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stage import BUCKET, HERE, Server, Stage
from throughput import GIB, MIB, warm_up


@dataclass(frozen=True)
class Read:
    """One process: its own CPU and wall seconds; ``moved`` of ``size`` bytes went over the wire."""

    name: str
    size: int
    moved: int
    cpu: float
    wall: float
    grown: int | None = None  # bytes of memory at the peak, over what it had before

    @property
    def cpu_per_gib(self) -> float:
        """CPU seconds of the process per GiB that it moved."""
        return self.cpu * GIB / self.moved

    @property
    def speed(self) -> float:
        """MiB per second."""
        return self.moved / MIB / self.wall


def measure(stage: Stage, repeat: int) -> Iterator[tuple[str, list[Read]]]:
    """curl first: the client is compared with it. They take turns."""
    with stage.server() as server:
        warm_up(stage, server)
        runs: dict[str, list[Read]] = {"curl": [], "Client.open": [], "Client.open, wb": []}
        for _ in range(repeat):
            runs["curl"].append(curl(server, server.download(stage.size), stage.size))
            runs["Client.open"].append(_client(server, "sequential", f"synthetic/{stage.size}"))
            runs["Client.open, wb"].append(_client(server, str(stage.size), "written"))
        yield from runs.items()
        yield "pandas, two columns", [_client(server, "columns", "huge/1gb.parquet")]


def curl(server: Server, url: str, size: int) -> Read:
    """Its CPU is that of the child when it has ended."""
    command = ["curl", "--silent", "--fail", "--noproxy", "*", "-o", os.devnull, *server.credentials]
    began = time.perf_counter()
    process = subprocess.Popen([*command, url], start_new_session=True)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"curl ended with {process.returncode}")
    return Read("curl", size, size, usage.ru_utime + usage.ru_stime, wall)


def _client(server: Server, how: str, key: str) -> Read:
    told = in_kernel(server, server.root, how, key)
    if how != "columns" and told["moved"] != told["size"]:
        raise RuntimeError(f"{told['moved']} of {told['size']} bytes were moved")
    return Read(how, told["size"], told["moved"], told["cpu"], told["wall"], told["grown"])


def in_kernel(server: Server, root: str, how: str, key: str, *path: str) -> dict[str, Any]:
    """What ``client_file.py`` tells: a process without any key of the store. ``root`` is the server's URL for it."""
    token = str(server.session.headers["Authorization"]).removeprefix("token ")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JUPYTER", "JPY_"))}
    env |= {"ODHTEC_URL": root, "JUPYTER_TOKEN": token}
    command = [sys.executable, str(HERE / "client_file.py"), how, f"s3://{BUCKET}/{key}", *path]
    told: dict[str, Any] = json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)
    return told
