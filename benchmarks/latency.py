"""How long a listing and the server's own status take while eight transfers run at full speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import curl
from stage import Server, Stage
from throughput import GIB, start_import, warm_up

SAMPLES = 200
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
        yield from _sample(server, "idle")
        path = stage.file(ENDLESS)
        running = [
            stack.enter_context(curl.put(path, server.upload(f"endless/{number}"), *server.credentials))
            for number in range(3)
        ]
        running += [stack.enter_context(curl.fetch(server.download(ENDLESS), *server.credentials)) for _ in range(3)]
        transfer = start_import(server, "bench/eight", "latency")  # two of its files move at once
        yield from _sample(server, "3 uploads, 3 downloads, 2 imports")
        if not all(one.running for one in running):
            raise RuntimeError("a transfer ended while the latency was measured")
        state = server.get(f"/transfers/{transfer['id']}")["state"]
        if state != "running":
            raise RuntimeError(f"the import was {state} before the latency was measured: take a larger --size")
        server.post(f"/transfers/{transfer['id']}/cancel")


def _sample(server: Server, load: str) -> Iterator[Latency]:
    addresses = {"/odhtec/api/buckets": f"{server.api}/buckets", "/api/status": f"{server.root}api/status"}
    taken: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(SAMPLES):
        for name, url in addresses.items():
            began = time.perf_counter()
            server.session.get(url, timeout=60).raise_for_status()
            taken[name].append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE)
    for name, samples in taken.items():
        yield Latency(name, load, sorted(samples))
