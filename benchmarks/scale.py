"""How the cost grows: with the number of files, and with the size of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import curl
from meters import cpu_seconds
from stage import Files, Server, Stage
from throughput import GIB, MIB, start_import, wait_for, warm_up

SMALL = 64 * 1024
COUNTS = (10, 100, 1000)
SIZES = (MIB, 16 * MIB, 256 * MIB, 4 * GIB)
ENOUGH = 256 * MIB  # moved for one figure where files are small: CPU is counted in hundredths of a second

MANY = [Files(f"bench/many-{count}", SMALL, count) for count in COUNTS]
LARGE = [Files(f"bench/large-{size}", size, 1) for size in SIZES]


@dataclass(frozen=True)
class Cost:
    """CPU seconds of ``count`` files of ``size`` bytes, one after the other or in one transfer."""

    name: str
    size: int
    count: int
    cpu: float

    @property
    def cpu_per_file(self) -> float:
        """CPU milliseconds."""
        return self.cpu * 1000 / self.count

    @property
    def cpu_per_gib(self) -> float:
        """CPU seconds."""
        return self.cpu * GIB / (self.size * self.count)


def measure() -> Iterator[Cost]:
    """Each kind of transfer, first many small files, then one of each size."""
    with Stage(SMALL, [*MANY, *LARGE]) as stage, stage.server() as server:
        warm_up(stage, server)
        scale = _Scale(stage, server)
        for name, one in (("upload", scale.upload), ("download", scale.download), ("import", scale.bring)):
            for files in MANY:
                yield scale.cost(name, files, 1, one)
            for files in LARGE:
                yield scale.cost(name, files, max(1, min(50, ENOUGH // files.size)), one)


class _Scale:
    def __init__(self, stage: Stage, server: Server) -> None:
        self._stage = stage
        self._server = server

    def cost(self, name: str, files: Files, times: int, work: Callable[[Files], None]) -> Cost:
        """What it takes to do it so many times."""
        before = cpu_seconds(self._server.pid)
        for _ in range(times):
            work(files)
        return Cost(name, files.size, files.count * times, cpu_seconds(self._server.pid) - before)

    def upload(self, files: Files) -> None:
        """One curl, and one connection that is kept."""
        path, server = str(self._stage.file(files.size)), self._server
        keys = [f"scale/{files.size}/{number}" for number in range(files.count)]
        self._curl([word for key in keys for word in ("-T", path, server.upload(key))])
        self._stage.require_stored(keys[-1], files.size)

    def download(self, files: Files) -> None:
        """As :meth:`upload`."""
        self._curl(["-o", "/dev/null", self._server.download(files.size)] * files.count)

    def bring(self, files: Files) -> None:
        """One transfer."""
        wait_for(self._server, start_import(self._server, files.repository, "scale"))

    def _curl(self, words: list[str]) -> None:
        with curl.Curl(*self._server.credentials, *words) as one:
            one.finish()
