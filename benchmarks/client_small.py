"""``Client.upload`` and ``download`` in a kernel: many small files, and one large object over slow connections.

The store of the small files is far away; beside the client runs boto3 in 32 threads, which has the keys and no server
in the middle. Each connection from the kernel to the server has so many bytes per second; beside the client runs curl.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from reading import Read, curl, in_kernel
from small import Case, FarStore, SmallFiles, SmallRun, boto3_run
from stage import Server, Stage
from throughput import MIB

FILES = SmallFiles(1000, 64 * 1024, 0.02)
LINK_BYTES_PER_SECOND = 20 * MIB
LARGE_BYTES = 256 * MIB


def measure_small(repeat: int) -> Iterator[tuple[str, str, list[SmallRun]]]:
    """The runs of each line and direction, boto3 first; they take turns. CPU and memory are those of the kernel."""
    with Stage(1024, []) as stage, stage.far_s3() as url, stage.server(url) as server:
        case = Case(stage, FarStore(url), stage.folder / "kernel", FILES)
        for way in ("upload", "download"):
            runs: dict[str, list[SmallRun]] = {"boto3, 32 threads": [], f"Client.{way}": []}
            for _ in range(repeat):
                runs["boto3, 32 threads"].append(boto3_run(case, way))
                runs[f"Client.{way}"].append(_small(case, server, way))
            for name, taken in runs.items():
                yield way, name, taken


def _small(case: Case, server: Server, way: str) -> SmallRun:
    prefix, local = ("target/", case.source) if way == "upload" else ("source/", case.target)
    with case.prepared(way):
        told = in_kernel(server, server.root, way, prefix, str(local))
        return case.run(way, told["wall"], told["cpu"], told["grown"])


def measure_large(repeat: int) -> Iterator[tuple[str, list[Read]]]:
    """The runs of each line, curl first; they take turns."""
    key = f"synthetic/{LARGE_BYTES}"
    with Stage(LARGE_BYTES, []) as stage, stage.server() as server:
        url, target = urlsplit(server.root), stage.folder / "large"
        with stage.slow_link(url.port or 80, LINK_BYTES_PER_SECOND) as port:
            root = f"http://127.0.0.1:{port}{url.path}"
            runs: dict[str, list[Read]] = {"curl": [], "Client.open": [], "Client.download": []}
            for _ in range(repeat):
                runs["curl"].append(curl(server, server.download(LARGE_BYTES).replace(server.root, root), LARGE_BYTES))
                runs["Client.open"].append(_large(server, root, "sequential", key))
                runs["Client.download"].append(_large(server, root, "download", key, str(target)))
                target.unlink()
        yield from runs.items()


def _large(server: Server, root: str, how: str, key: str, *path: str) -> Read:
    told = in_kernel(server, root, how, key, *path)
    if told["moved"] != LARGE_BYTES:
        raise RuntimeError(f"{told['moved']} of {LARGE_BYTES} bytes were moved")
    return Read(how, LARGE_BYTES, LARGE_BYTES, told["cpu"], told["wall"], told["grown"])
