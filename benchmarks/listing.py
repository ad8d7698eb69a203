"""What it takes to look through a million keys, and how long the server's own status takes to answer meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from latency import PAUSE, SAMPLES, Latency
from meters import cpu_seconds
from stage import HERE, Server, Stage

from odhtec_jupyter.keys import encode_key

BUCKET, FOLDER, NEEDLE = "million", "rows/", "765432"  # as in many_keys.py
TIMES = 20  # for what takes milliseconds
BOTO3_PAGES = 100  # of 1000


@dataclass(frozen=True)
class Look:
    """How many entries the store gave for it, and the seconds that took: by the clock, and of the server's CPU."""

    name: str
    scanned: int
    wall: float
    cpu: float
    replies: int

    @property
    def cpu_per_thousand(self) -> float:
        """CPU milliseconds for 1000 entries."""
        return self.cpu * 1e6 / self.scanned


def measure(stage: Stage) -> Iterator[Look | Latency]:
    """The looks one after the other, then the server's status while one of them is repeated."""
    with stage.many_keys() as s3, stage.server(s3) as server:
        server.look(f"{server.api}/objects/few")
        looks = _Looks(server)
        yield looks.first_page()
        yield looks.search("prefix, the one match", {"q": f"0{NEEDLE}", "mode": "prefix"}, TIMES)
        yield looks.search("contains, the one match", {"q": NEEDLE, "mode": "contains"})
        yield looks.search("glob below, the one match", {"q": f"*{NEEDLE}*", "mode": "glob", "recursive": "true"})
        yield looks.count()
        yield _boto3(stage, s3)
        yield _status(server, "idle")
        running = threading.Event()
        searching = threading.Thread(target=looks.keep_searching, args=[running])
        running.set()
        searching.start()
        try:
            yield _status(server, "a search through the million keys")
        finally:
            running.clear()
            searching.join()


class _Looks:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._folder = f"/objects/{BUCKET}/{encode_key(FOLDER)}"

    def first_page(self) -> Look:
        """The first 1000 rows."""
        began, before = time.perf_counter(), cpu_seconds(self._server.pid)
        for _ in range(TIMES):
            found = self._server.get(self._folder)
            if len(found["objects"]) != 1000:
                raise RuntimeError("the first page does not have 1000 rows")
        cpu = cpu_seconds(self._server.pid) - before
        return Look("first page of 1000 rows", 1000, (time.perf_counter() - began) / TIMES, cpu / TIMES, 1)

    def search(self, name: str, query: dict[str, str], times: int = 1) -> Look:
        """Follow the tokens to the end; there must be exactly one match."""
        began, before = time.perf_counter(), cpu_seconds(self._server.pid)
        for _ in range(times):
            steps = list(self._steps(self._folder, query))
            found = [item["Key"] for step in steps for item in step["objects"]]
            if found != [f"{FOLDER}0{NEEDLE}.json"]:
                raise RuntimeError(f"{name}: {found}")
        wall, cpu = time.perf_counter() - began, cpu_seconds(self._server.pid) - before
        return Look(name, sum(step["scanned"] for step in steps), wall / times, cpu / times, len(steps))

    def count(self) -> Look:
        """How much the folder holds."""
        began, before = time.perf_counter(), cpu_seconds(self._server.pid)
        steps = list(self._steps(f"/usage/{BUCKET}", {"prefix": encode_key(FOLDER)}))
        wall, cpu = time.perf_counter() - began, cpu_seconds(self._server.pid) - before
        return Look("count of objects and bytes", sum(step["objects"] for step in steps), wall, cpu, len(steps))

    def keep_searching(self, running: threading.Event) -> None:
        """Search until told to stop."""
        while running.is_set():
            for _ in self._steps(self._folder, {"q": "nothing", "mode": "contains"}):
                if not running.is_set():
                    return

    def _steps(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        while True:
            step = self._server.get(path, query)
            yield step
            if not step["isTruncated"]:
                return
            query = {**query, "continuationToken": step["nextContinuationToken"]}


def _boto3(stage: Stage, s3: str) -> Look:
    done = subprocess.run(
        [sys.executable, str(HERE / "boto3_list.py"), s3, BUCKET, FOLDER, str(BOTO3_PAGES)],
        env=stage.environment,
        capture_output=True,
        check=True,
    )
    told = json.loads(done.stdout)
    return Look("boto3, its own parser", told["keys"], told["wall"], told["cpu"], BOTO3_PAGES)


def _status(server: Server, load: str) -> Latency:
    session = server.another_session()
    samples = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        session.get(f"{server.root}api/status", timeout=60).raise_for_status()
        samples.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE)
    return Latency("/api/status", load, sorted(samples))
