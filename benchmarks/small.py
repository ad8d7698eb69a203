"""Many small files between the workspace and a store that is far away, with the default settings of the server.

Beside it run the tools that people use for this, where they are installed, and boto3 in a pool of threads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests
from far_s3 import checksum, file_content, file_name
from meters import Memory, cpu_seconds, resident
from stage import BUCKET, HERE, Server, Stage
from throughput import wait_for

WAYS = ("upload", "download", "copy", "delete")
SETS = ((1_000, 64 * 1024), (10_000, 4 * 1024))  # files and their bytes
LATENCIES = (0.0, 0.02, 0.1)  # seconds for each request
WARM_UP_FILES = 20
TIMEOUT = 3600  # seconds


def expected_sum(numbers: dict[str, int], size: int) -> dict[str, Any]:
    """What the store reports about files of that size, whose names and numbers these are."""
    pairs = (
        (name, hashlib.md5(file_content(number, size), usedforsecurity=False).hexdigest())
        for name, number in sorted(numbers.items())
    )
    return {"count": len(numbers), "size": len(numbers) * size, "sum": checksum(pairs)}


@dataclass(frozen=True)
class SmallFiles:
    """``count`` files of ``size`` bytes, and the seconds that the store takes for each request in addition."""

    count: int
    size: int
    latency: float

    @property
    def sum(self) -> dict[str, Any]:
        """What the store reports about them once they are there."""
        return expected_sum({file_name(number): number for number in range(self.count)}, self.size)

    def make(self, folder: Path) -> None:
        """Write them."""
        for number in range(self.count):
            path = folder / file_name(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file_content(number, self.size))


@dataclass(frozen=True)
class SmallRun:
    """All files once: seconds by the clock and of CPU, requests by operation, and memory where that is known.

    ``together`` is the largest number of requests that waited for their replies at the same time, ``grown`` the bytes
    of memory over the server with its libraries loaded, ``over_idle`` over the server as it started.
    """

    count: int
    wall: float
    cpu: float
    operations: dict[str, int]
    together: int
    grown: int | None = None
    over_idle: int | None = None

    @property
    def speed(self) -> float:
        """Files per second."""
        return self.count / self.wall

    @property
    def cpu_per_file(self) -> float:
        """CPU milliseconds."""
        return self.cpu * 1000 / self.count

    @property
    def requests_per_file(self) -> float:
        """Requests to the store."""
        return sum(self.operations.values()) / self.count

    @property
    def shown_operations(self) -> str:
        """The operations for each file, the most frequent ones first."""
        ordered = sorted(self.operations.items(), key=lambda pair: -pair[1])
        return ", ".join(f"{name} {number / self.count:.2g}" for name, number in ordered)


@dataclass
class FarStore:
    """The store of ``far_s3.py``, as whoever measures speaks to it."""

    url: str
    latency: float = 0.0
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def reset(self, latency: float) -> None:
        """Count from zero; every reply waits so many seconds."""
        self._ask("POST", f"reset?latency={latency}")

    def traffic(self) -> dict[str, Any]:
        """What was asked since then."""
        return self._ask("GET", "traffic")

    def fill(self, prefix: str, files: SmallFiles) -> None:
        """Put the files there without a request for each."""
        self._ask("PUT", f"fill/{prefix}?count={files.count}&size={files.size}")

    def empty(self) -> None:
        """Remove all objects."""
        self._ask("DELETE", "all")

    def require(self, prefix: str, expected: dict[str, Any]) -> None:
        """A figure for files that did not arrive, or with other bytes, would be worth nothing."""
        found = self._ask("GET", f"sum/{prefix}")
        if found != expected:
            raise RuntimeError(f"{prefix}: the store has {found}, expected {expected}")

    def _ask(self, method: str, what: str) -> dict[str, Any]:
        reply = self._session.request(method, f"{self.url}/-/{what}", timeout=600)
        reply.raise_for_status()
        answer: dict[str, Any] = reply.json()
        return answer


def tool_environment(stage: Stage, endpoint: str) -> dict[str, str]:
    """What the tools need to find the store, and no configuration of whoever runs them."""
    return stage.environment | {
        "AWS_S3_ENDPOINT": endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(stage.folder),
        "RCLONE_CONFIG": str(stage.folder / "rclone.conf"),
        "RCLONE_CONFIG_FAR_TYPE": "s3",
        "RCLONE_CONFIG_FAR_PROVIDER": "Other",
        "RCLONE_CONFIG_FAR_ENV_AUTH": "true",
        "RCLONE_CONFIG_FAR_ENDPOINT": endpoint,
        "RCLONE_CONFIG_FAR_REGION": "us-east-1",
    }


NOTHING = {"count": 0, "size": 0, "sum": checksum(iter(()))}


class Case:
    """One set of files, in the workspace and in the store, and a new place for each run."""

    def __init__(self, stage: Stage, store: FarStore, folder: Path, files: SmallFiles) -> None:
        self.files = files
        self.store = store
        self.environment = tool_environment(stage, store.url)
        self.workspace = folder
        self._sum = files.sum

    @property
    def source(self) -> Path:
        """The folder with the files."""
        return self.workspace / "source"

    @property
    def target(self) -> Path:
        """The folder that downloads go to."""
        return self.workspace / "target"

    @contextmanager
    def prepared(self, way: str) -> Iterator[None]:
        """What ``way`` needs before, and a comparison of all bytes behind it."""
        store = self.store
        store.reset(0)
        store.empty()
        if way != "upload":
            store.fill("source/", self.files)
        elif not self.source.exists():
            self.files.make(self.source)
        store.reset(self.files.latency)
        yield
        if way == "download":
            self._require_downloaded()
            shutil.rmtree(self.target)
        elif way == "delete":
            store.require("source/", NOTHING)
        else:
            store.require("target/", self._sum)

    def _require_downloaded(self) -> None:
        found = [path for path in self.target.rglob("*") if path.is_file()]
        if len(found) != self.files.count:
            raise RuntimeError(f"{len(found)} files were downloaded, expected {self.files.count}")
        for number in range(self.files.count):
            if (self.target / file_name(number)).read_bytes() != file_content(number, self.files.size):
                raise RuntimeError(f"{file_name(number)} has other bytes than the object")

    def run(self, way: str, wall: float, cpu: float, grown: int | None = None, over: int | None = None) -> SmallRun:
        """The figures of what was just done."""
        traffic = self.store.traffic()
        return SmallRun(self.files.count, wall, cpu, traffic["operations"], traffic["most"], grown, over)


# --- the extension ----------------------------------------------------------------------------------------------------


def transfer_body(way: str, source: str = "source/", target: str = "target/") -> dict[str, str]:
    """The request for a transfer."""
    here, there = f"workspace://{source}", f"s3://{BUCKET}/{source}"
    if way == "delete":
        return {"action": "delete", "source": there}
    if way == "upload":
        return {"action": "copy", "source": here, "target": f"s3://{BUCKET}/{target}"}
    return {
        "action": "copy",
        "source": there,
        "target": f"workspace://{target}" if way == "download" else f"s3://{BUCKET}/{target}",
    }


def seconds_of(server: Server, body: dict[str, str]) -> float:
    """Run a transfer to its end: seconds from the request until it is completed."""
    began = time.time()
    done = wait_for(server, server.post("/transfers", body))
    return datetime.fromisoformat(done["finishedAt"]).timestamp() - began


class Extension:
    """A server of its own for a way, warmed up: memory that an earlier transfer took would hide what this one takes."""

    def __init__(self, case: Case, server: Server) -> None:
        self._case = case
        self._server = server
        self._idle = resident(server.pid)
        few = SmallFiles(WARM_UP_FILES, 1024, 0)
        few.make(server.work / "warm-up")
        case.store.reset(0)
        case.store.fill("warm-up/", few)
        for way in WAYS:
            seconds_of(server, transfer_body(way, "warm-up/", f"warm-{way}/"))
        shutil.rmtree(server.work / "warm-download")

    def run(self, way: str) -> SmallRun:
        """One transfer of all files."""
        server = self._server
        with self._case.prepared(way):
            memory, cpu = Memory(server.pid), cpu_seconds(server.pid)
            wall = seconds_of(server, transfer_body(way))
            cpu = cpu_seconds(server.pid) - cpu
            run = self._case.run(way, wall, cpu, memory.growth(), memory.peak - self._idle)
        for transfer in server.get("/transfers")["transfers"]:
            server.delete(f"/transfers/{transfer['id']}")
        return run


# --- beside it --------------------------------------------------------------------------------------------------------


def run_program(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a program from its start to its end; wall seconds and CPU seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    with process.stderr:
        problems = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {problems.decode()[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime


def boto3_threads(way: str, source: object, target: object, environment: dict[str, str]) -> tuple[float, float]:
    """boto3 in 32 threads; wall seconds and CPU seconds without its start."""
    endpoint = environment["AWS_S3_ENDPOINT"]
    command = [sys.executable, str(HERE / "boto3_small.py"), way, endpoint, BUCKET, str(source), str(target)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=TIMEOUT)
    told = json.loads(done.stdout)
    return told["wall"], told["cpu"]


def boto3_run(case: Case, way: str) -> SmallRun:
    """boto3 in 32 threads. Its start is not counted."""
    source = case.source if way == "upload" else "source/"
    target = case.target if way == "download" else "target/"
    with case.prepared(way):
        return case.run(way, *boto3_threads(way, source, target, case.environment))


def tool_run(command: Callable[[Case, str], list[str]], case: Case, way: str) -> SmallRun:
    """A program from its start to its end."""
    with case.prepared(way):
        return case.run(way, *run_program(command(case, way), case.environment))


def aws(endpoint: str, *words: str) -> list[str]:
    """``aws s3`` for all files of a folder."""
    return ["aws", "--endpoint-url", endpoint, "s3", *words, "--recursive", "--only-show-errors"]


def aws_command(case: Case, way: str) -> list[str]:
    """``aws s3``."""
    there = f"s3://{BUCKET}/"
    ends = {
        "upload": ["cp", f"{case.source}/", f"{there}target/"],
        "download": ["cp", f"{there}source/", f"{case.target}/"],
        "copy": ["cp", f"{there}source/", f"{there}target/"],
        "delete": ["rm", f"{there}source/"],
    }[way]
    return aws(case.store.url, *ends)


def rclone_command(case: Case, way: str) -> list[str]:
    """rclone with 32 transfers."""
    there = f"far:{BUCKET}/"
    ends = {
        "upload": ["copy", str(case.source), f"{there}target"],
        "download": ["copy", f"{there}source", str(case.target)],
        "copy": ["copy", f"{there}source", f"{there}target"],
        "delete": ["delete", f"{there}source"],
    }[way]
    return ["rclone", *ends, "--transfers", "32"]


def s5cmd_command(case: Case, way: str) -> list[str]:
    """s5cmd with its 256 workers."""
    there = f"s3://{BUCKET}/"
    ends = {
        "upload": ["cp", f"{case.source}/", f"{there}target/"],
        "download": ["cp", f"{there}source/*", f"{case.target}/"],
        "copy": ["cp", f"{there}source/*", f"{there}target/"],
        "delete": ["rm", f"{there}source/*"],
    }[way]
    return ["s5cmd", "--endpoint-url", case.store.url, "--log", "error", *ends]


TOOLS: dict[str, tuple[str, Callable[[Case, str], SmallRun]]] = {
    "aws": ("aws s3 --recursive", partial(tool_run, aws_command)),
    "rclone": ("rclone --transfers 32", partial(tool_run, rclone_command)),
    "s5cmd": ("s5cmd", partial(tool_run, s5cmd_command)),
}


def installed_tools() -> list[tuple[str, Callable[[Case, str], SmallRun]]]:
    """The lines beside the extension: the tools that work here, and boto3."""
    return [
        *(line for program, line in TOOLS.items() if works(program)),
        ("boto3, 32 threads", boto3_run),
    ]


def works(program: str) -> bool:
    """Whether a program is installed."""
    if not (path := shutil.which(program)):
        return False
    # A version manager's stub is on PATH without the program.
    return subprocess.run([path, "help"], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def measure(
    sets: list[SmallFiles], ways: list[str], repeat: int, *, alone: bool
) -> Iterator[tuple[SmallFiles, str, str, list[SmallRun]]]:
    """The runs of each line for each set and way; the lines take turns. The extension is the first one."""
    tools = [] if alone else installed_tools()
    with Stage(1024, []) as stage, stage.far_s3() as url:
        for files in sets:
            for way in ways:
                with stage.server(url) as server:
                    case = Case(stage, FarStore(url), server.work, files)
                    extension = Extension(case, server)
                    runs: dict[str, list[SmallRun]] = {}
                    for _ in range(repeat):
                        runs.setdefault("extension", []).append(extension.run(way))
                        for name, line in tools:
                            runs.setdefault(name, []).append(line(case, way))
                for line_name, taken in runs.items():
                    yield files, way, line_name, taken
