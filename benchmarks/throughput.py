"""CPU per GiB, speed and memory of one upload, one download, one import, beside a bare relay and boto3's own calls."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import curl
from hub_process import WARM_UP
from meters import Memory, cpu_seconds
from stage import BUCKET, HERE, Server, Stage

GIB = 1024**3
MIB = 1024**2
POLL = 0.25  # seconds; the panel hears of a transfer as often


@dataclass(frozen=True)
class Run:
    """One transfer of ``size`` bytes: CPU and wall seconds, and how many bytes memory grew by, where that is known."""

    size: int
    cpu: float
    wall: float
    growth: int | None

    @property
    def cpu_per_gib(self) -> float:
        """CPU seconds per GiB."""
        return self.cpu * GIB / self.size

    @property
    def speed(self) -> float:
        """MiB per second."""
        return self.size / MIB / self.wall

    def show(self) -> dict[str, Any]:
        """For the JSON report."""
        return asdict(self) | {"cpuPerGiB": self.cpu_per_gib, "mibPerSecond": self.speed}


def wait_for(server: Server, transfer: dict[str, Any]) -> dict[str, Any]:
    """The transfer once it is completed."""
    while transfer["state"] in {"queued", "running"}:
        time.sleep(POLL)
        transfer = server.get(f"/transfers/{transfer['id']}")
    if transfer["state"] != "completed":
        raise RuntimeError(f"the transfer {transfer['state']}: {transfer['error']}")
    return transfer


def start_import(server: Server, repo: str, prefix: str) -> dict[str, Any]:
    """Begin an import; the transfer."""
    body = {"repo": repo, "bucket": BUCKET, "prefix": prefix, "onConflict": "overwrite"}
    answer: dict[str, Any] = server.post("/objects/import-hf", body)
    return answer


def warm_up(stage: Stage, server: Server) -> None:
    """One small transfer of each kind, so that no figure holds the import of a library."""
    with curl.put(stage.file(WARM_UP), server.upload("warm-up/put"), *server.credentials) as one:
        one.finish()
    with curl.form(stage.file(WARM_UP), server.form("warm-up/"), *server.credentials) as one:
        one.finish()
    with curl.fetch(server.download(WARM_UP), *server.credentials) as one:
        one.finish()
    wait_for(server, start_import(server, "bench/warm-up", "warm-up"))


def boto3_copy(stage: Stage, action: str, size: int, *sources: str) -> Run:
    """A copy of ``size`` bytes in all by a process that knows only boto3 and urllib3."""
    command = [sys.executable, str(HERE / "boto3_copy.py"), action, stage.s3, str(size), *sources]
    done = subprocess.run(command, env=stage.environment, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    return Run(size, told["cpu"], told["wall"], told["growth"])


class Bench:
    """The measurements of one stage; each method is one run."""

    def __init__(self, stage: Stage, server: Server) -> None:
        self._stage = stage
        self._server = server

    # --- the extension --------------------------------------------------------------------------------------------

    def _measured(self, transfer: Callable[[], float]) -> Run:
        memory, cpu = Memory(self._server.pid), cpu_seconds(self._server.pid)
        wall = transfer()
        return Run(self._stage.size, cpu_seconds(self._server.pid) - cpu, wall, memory.growth())

    def put(self) -> Run:
        """``curl -T`` to the extension."""
        server, size = self._server, self._stage.size

        def transfer() -> float:
            with curl.put(self._stage.file(size), server.upload("put.bin"), *server.credentials) as one:
                return one.finish()

        run = self._measured(transfer)
        self._stage.require_stored("put.bin", size)
        return run

    def form(self) -> Run:
        """``curl -F`` to the extension."""
        server, size = self._server, self._stage.size

        def transfer() -> float:
            with curl.form(self._stage.file(size), server.form("form/"), *server.credentials) as one:
                return one.finish()

        run = self._measured(transfer)
        self._stage.require_stored("form/form.bin", size)
        return run

    def fetch(self) -> Run:
        """``curl -o /dev/null`` from the extension."""
        server = self._server

        def transfer() -> float:
            with curl.fetch(server.download(self._stage.size), *server.credentials) as one:
                return one.finish()

        return self._measured(transfer)

    def bring_one(self) -> Run:
        """An import by the extension, with the check of the hub's SHA-256 that it does by default."""
        run = self.bring("bench/one", "import")
        self._stage.require_stored("import/weights-0.bin", self._stage.size)
        return run

    def bring(self, repo: str, prefix: str) -> Run:
        """An import of a whole repository; that it holds as many bytes as the stage has, and what arrived, is for the
        caller to see to."""

        def transfer() -> float:
            done = wait_for(self._server, start_import(self._server, repo, prefix))
            started, finished = (datetime.fromisoformat(done[name]) for name in ("startedAt", "finishedAt"))
            return (finished - started).total_seconds()

        return self._measured(transfer)

    # --- the references -------------------------------------------------------------------------------------------

    def relay_put(self) -> Run:
        """``curl -T`` through a bare relay."""
        with self._stage.relay() as relay:
            url = f"{relay.url}/{BUCKET}/relay.bin"
            with curl.put(self._stage.file(self._stage.size), url) as one:
                cpu = relay.serve()
                run = Run(self._stage.size, cpu, one.finish(), None)
        self._stage.require_stored("relay.bin", self._stage.size)
        return run

    def relay_fetch(self) -> Run:
        """``curl -o /dev/null`` through a bare relay."""
        with self._stage.relay() as relay, curl.fetch(f"{relay.url}/{BUCKET}/synthetic/{self._stage.size}") as one:
            cpu = relay.serve()
            return Run(self._stage.size, cpu, one.finish(), None)

    def relay_sha256(self) -> Run:
        """A bare relay and the SHA-256 of as many bytes, added up: no verified import can be cheaper."""
        relayed = self.relay_put()
        block = memoryview(bytearray(8 * MIB))
        digest, began = hashlib.sha256(), time.process_time()
        for start in range(0, self._stage.size, len(block)):
            digest.update(block[: self._stage.size - start])
        cpu = time.process_time() - began
        return Run(self._stage.size, relayed.cpu + cpu, relayed.wall + cpu, None)

    def boto3_put(self) -> Run:
        """boto3's ``upload_fileobj``."""
        return self._boto3("upload", str(self._stage.file(self._stage.size)))

    def boto3_fetch(self) -> Run:
        """boto3's ``download_fileobj``."""
        return self._boto3("download")

    def boto3_bring(self) -> Run:
        """The hub's file as urllib3 streams it, handed to boto3's ``upload_fileobj``; nothing is verified."""
        return self._boto3("import", f"{self._stage.hub}/bench/one/resolve/main/weights-0.bin")

    def bare_bring(self) -> Run:
        """The same file read, hashed and sent by a loop of Python that can do nothing else."""
        source = f"{self._stage.hub}/bench/one/resolve/main/weights-0.bin"
        command = [sys.executable, str(HERE / "bare_import.py"), self._stage.s3, source]
        done = subprocess.run(command, env=self._stage.environment, stdout=subprocess.PIPE, check=True)
        told = json.loads(done.stdout)
        self._stage.require_stored("bare.bin", self._stage.size)
        return Run(told["size"], told["cpu"], told["wall"], None)

    def _boto3(self, action: str, *sources: str) -> Run:
        return boto3_copy(self._stage, action, self._stage.size, *sources)


# For each kind of transfer the lines of its table, the bare relay first: the others are compared with it.
LINES: dict[str, list[tuple[str, Callable[[Bench], Run]]]] = {
    "upload": [
        ("bare relay", Bench.relay_put),
        ("boto3 upload_fileobj", Bench.boto3_put),
        ("extension, curl -T", Bench.put),
        ("extension, curl -F", Bench.form),
    ],
    "download": [
        ("bare relay", Bench.relay_fetch),
        ("boto3 download_fileobj", Bench.boto3_fetch),
        ("extension", Bench.fetch),
    ],
    "import": [
        ("bare relay + sha256", Bench.relay_sha256),
        ("bare loop of Python + sha256", Bench.bare_bring),
        ("urllib3 → boto3, unverified", Bench.boto3_bring),
        ("extension, verified", Bench.bring_one),
    ],
}


def measure(stage: Stage, kinds: list[str], repeat: int) -> Iterator[tuple[str, str, list[Run]]]:
    """Each kind's lines with their runs. The lines take turns, so that a noisy neighbour disturbs all of them."""
    with stage.server() as server:
        warm_up(stage, server)
        bench = Bench(stage, server)
        for kind in kinds:
            runs: dict[str, list[Run]] = {name: [] for name, _ in LINES[kind]}
            for _ in range(repeat):
                for name, line in LINES[kind]:
                    runs[name].append(line(bench))
            for name, taken in runs.items():
                yield kind, name, taken
