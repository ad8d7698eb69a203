"""A dataset of many small files from a hub into a store, both of them far away.

Beside it runs what people do without the extension: download everything with ``hf``, then upload it.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from hub_process import small_name
from meters import Memory, cpu_seconds, resident
from small import FarStore, SmallRun, aws, boto3_threads, expected_sum, run_program, tool_environment, works
from stage import BUCKET, Server, Stage
from throughput import wait_for

REPOSITORY, WARM_UP = "bench/dataset", "bench/few"
COUNT, SIZE = 2_000, 64 * 1024
HUB_SECONDS, STORE_SECONDS = 0.05, 0.02  # for each request


@dataclass(frozen=True)
class Dataset:
    """The stage of one measurement. Each method is one run."""

    stage: Stage
    store: FarStore
    server: Server
    idle: int  # bytes of memory of the server as it started
    count: int
    size: int

    def bring(self) -> SmallRun:
        """One transfer of the extension."""
        server = self.server
        self._begin()
        memory, cpu = Memory(server.pid), cpu_seconds(server.pid)
        wall = self.import_all(REPOSITORY, "target/")
        cpu = cpu_seconds(server.pid) - cpu
        return self._end(wall, cpu, memory.growth(), memory.peak - self.idle)

    def import_all(self, repository: str, prefix: str) -> float:
        """Import a repository: seconds from the request until the transfer is completed."""
        began = time.time()
        body = {"action": "copy", "source": f"hf://datasets/{repository}", "target": f"s3://{BUCKET}/{prefix}"}
        done = wait_for(self.server, self.server.post("/transfers", body))
        return datetime.fromisoformat(done["finishedAt"]).timestamp() - began

    def by_hand(self, workers: int, *, with_aws: bool) -> SmallRun:
        """``hf download``, then an upload by ``aws s3 cp`` or boto3 in 32 threads."""
        folder = self.stage.folder / "by-hand"
        environment = tool_environment(self.stage, self.store.url) | {
            "HF_HOME": str(self.stage.folder / "hf-home"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        hf = str(Path(sys.executable).with_name("hf"))
        download = [hf, "download", REPOSITORY, "--repo-type", "dataset", "--local-dir", str(folder)]
        self._begin()
        wall, cpu = run_program([*download, "--max-workers", str(workers), "--quiet"], environment)
        shutil.rmtree(folder / ".cache")
        if with_aws:
            upload = run_program(aws(self.store.url, "cp", str(folder), f"s3://{BUCKET}/target/"), environment)
        else:
            upload = boto3_threads("upload", folder, "target/", environment)
        shutil.rmtree(folder)
        return self._end(wall + upload[0], cpu + upload[1])

    def _begin(self) -> None:
        self.store.reset(0)
        self.store.empty()
        self.store.reset(STORE_SECONDS)
        self.stage.hub_traffic()

    def _end(self, wall: float, cpu: float, grown: int | None = None, over_idle: int | None = None) -> SmallRun:
        self.store.require("target/", expected_sum({small_name(one): one for one in range(self.count)}, self.size))
        traffic, asked = self.store.traffic(), self.stage.hub_traffic()["requests"]
        return SmallRun(self.count, wall, cpu, asked | traffic["operations"], traffic["most"], grown, over_idle)


def measure(count: int, size: int, repeat: int, *, alone: bool) -> Iterator[tuple[str, list[SmallRun]]]:
    """The runs of each line; the lines take turns."""
    lines: dict[str, Callable[[Dataset], SmallRun]] = {"extension": Dataset.bring}
    if not alone:
        if works("aws"):
            lines["hf download, aws s3 cp"] = partial(Dataset.by_hand, workers=8, with_aws=True)
        lines["hf download with 32, boto3 with 32"] = partial(Dataset.by_hand, workers=32, with_aws=False)
    repositories = ("--dataset", REPOSITORY, str(size), str(count), "--dataset", WARM_UP, str(size), "20")
    options = ("--latency", str(HUB_SECONDS), *repositories)
    with Stage(size, [], hub_options=options) as stage, stage.far_s3() as url, stage.server(url) as server:
        dataset = Dataset(stage, FarStore(url), server, resident(server.pid), count, size)
        dataset.import_all(WARM_UP, "warm-up/")
        runs: dict[str, list[SmallRun]] = {name: [] for name in lines}
        for _ in range(repeat):
            for name, line in lines.items():
                runs[name].append(line(dataset))
        yield from runs.items()
