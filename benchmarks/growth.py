"""How much memory the server takes above what it has when idle, for one transfer and for many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import curl
from hub_process import WARM_UP
from meters import Memory, resident
from stage import Server, Stage
from throughput import MIB, start_import, wait_for, warm_up

CROWDS = (1, 8, 50)
SECONDS = 6  # that a slow reader takes


@dataclass(frozen=True)
class Growth:
    """Bytes: just started, after one small transfer of each kind (the libraries are loaded), and at the peak."""

    name: str
    idle: int
    warm: int
    peak: int


def measure(stage: Stage) -> Iterator[Growth]:
    """Each in a server of its own, so that none profits from what another has left behind."""
    share = max(stage.size // 8, WARM_UP)
    for count in CROWDS:
        yield _taken(stage, f"{count} uploads of {share // MIB} MiB", partial(_send, stage, count, share))
    for count in CROWDS:
        yield _taken(stage, f"{count} downloads, slow readers", partial(_read, count, share))
    yield _taken(stage, "import of 8 files", _bring)


def _taken(stage: Stage, name: str, work: Callable[[Server], object]) -> Growth:
    with stage.server() as server:
        idle = resident(server.pid)
        warm_up(stage, server)
        memory = Memory(server.pid)
        work(server)
        return Growth(name, idle, memory.idle, memory.peak)


def _send(stage: Stage, count: int, size: int, server: Server) -> None:
    path = str(stage.file(size))
    curl.all_at_once(
        [[*server.credentials, "-T", path, server.upload(f"crowd/{count}/{number}")] for number in range(count)]
    )
    for number in range(count):
        stage.require_stored(f"crowd/{count}/{number}", size)


def _read(count: int, size: int, server: Server) -> None:
    slow = ["--limit-rate", str(size // SECONDS)]
    curl.all_at_once([[*server.credentials, *slow, "-o", "/dev/null", server.download(size)]] * count)


def _bring(server: Server) -> None:
    wait_for(server, start_import(server, "bench/eight", "eight"))
