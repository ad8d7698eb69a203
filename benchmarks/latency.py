"""How long a listing, the server's own status and a kernel take to answer while eight transfers run at full speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import curl
from kernel import Kernel
from stage import Server, Stage
from throughput import GIB, start_import, warm_up

SAMPLES = 500
PAUSE = 0.01  # seconds between two requests: a person's browser, not a load test
ENDLESS = 64 * GIB  # more than any machine moves meanwhile; in parts of the usual size


@dataclass(frozen=True)
class Latency:
    """Milliseconds, sorted."""

    name: str
    load: str
    samples: list[float]

    def percentile(self, part: float) -> float:
        """The value that this part of the samples does not exceed."""
        return self.samples[min(len(self.samples) - 1, int(part * len(self.samples)))]


def measure(stage: Stage) -> Iterator[Latency]:
    """First idle, then under load."""
    with stage.server() as server, ExitStack() as stack:
        warm_up(stage, server)
        asked = _asked(stage, server, stack.enter_context(Kernel(server)))
        yield from _sample(asked, "idle")
        path = stage.file(ENDLESS)
        running = [
            stack.enter_context(curl.put(path, server.upload(f"endless/{number}"), *server.credentials))
            for number in range(3)
        ]
        running += [stack.enter_context(curl.fetch(server.download(ENDLESS), *server.credentials)) for _ in range(3)]
        transfer = start_import(server, "bench/eight", "latency")  # two of its files move at once
        yield from _sample(asked, "3 uploads, 3 downloads, 2 imports")
        if not all(one.running for one in running):
            raise RuntimeError("a transfer ended while the latency was measured")
        state = server.get(f"/transfers/{transfer['id']}")["state"]
        if state != "running":
            raise RuntimeError(f"the import was {state} before the latency was measured: take a larger --size")
        server.post(f"/transfers/{transfer['id']}/cancel")


def _asked(stage: Stage, server: Server, kernel: Kernel) -> dict[str, Callable[[], object]]:
    """What is asked for in turn. The last line has nothing to do with the server: it shows what the machine leaves."""
    return {
        "/odhtec/api/buckets": lambda: server.look(f"{server.api}/buckets"),
        "/api/status": lambda: server.look(f"{server.root}api/status"),
        "kernel_info": kernel.ask,
        "boto3 list_buckets, no server": _bare_client(stage).list_buckets,
    }


def _bare_client(stage: Stage) -> Any:
    keys = {name.lower(): stage.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return boto3.client("s3", endpoint_url=stage.s3, region_name="us-east-1", **keys)


def _sample(asked: dict[str, Callable[[], object]], load: str) -> Iterator[Latency]:
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(SAMPLES):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            taken[name].append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE)
    for name, samples in taken.items():
        yield Latency(name, load, sorted(samples))
