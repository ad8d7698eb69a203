"""``Client.upload`` and ``download`` in a kernel: many small files, and one large object over slow connections.

The store of the small files is far away; beside the client runs boto3 in 32 threads, which has the keys and no server
in the middle. Each connection from the kernel to the server has so many bytes per second; beside the client runs curl.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from reading import Read, curl, in_kernel
from stage import Server, Stage
from throughput import MIB

COUNT, FILE_BYTES = 1000, 64 * 1024
STORE_SECONDS = 0.02  # for each request
LINK_BYTES_PER_SECOND = 20 * MIB
LARGE_BYTES = 256 * MIB


def measure_small(repeat: int) -> Iterator[tuple[str, str, list[Read]]]:
    """The runs of each line and direction, boto3 first; they take turns."""
    with Stage(COUNT * FILE_BYTES, []) as stage, stage.slow_link(stage.s3_port, STORE_SECONDS) as port:
        far = f"http://127.0.0.1:{port}"
        source, target = stage.folder / "source", stage.folder / "target"
        _make(source)
        with stage.server(far) as server:
            in_kernel(server, server.root, "upload", "warm/", str(source))
            for way, path in (("upload", source), ("download", target)):
                runs: dict[str, list[Read]] = {"boto3, 32 threads": [], f"Client.{way}": []}
                for number in range(repeat):
                    for name, how in zip(runs, (f"boto3-{way}", way), strict=True):
                        prefix = f"{how}-{number}/" if way == "upload" else "warm/"
                        env = stage.environment | {"AWS_S3_ENDPOINT": far}
                        runs[name].append(_small(server, how, prefix, path, env))
                        _check(stage, way, prefix, target)
                for name, taken in runs.items():
                    yield way, name, taken


def _make(folder: Path) -> None:
    for number in range(COUNT):
        path = folder / f"{number // 100}" / f"{number:04}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(FILE_BYTES))


def _small(server: Server, how: str, prefix: str, path: Path, env: dict[str, str]) -> Read:
    told = in_kernel(server, server.root, how, prefix, str(path), keys=env if how.startswith("boto3") else {})
    return Read(how, told["size"], told["moved"], told["cpu"], told["wall"], told["grown"])


def _check(stage: Stage, way: str, prefix: str, target: Path) -> None:
    """A figure for files that did not arrive would be worth nothing."""
    if way == "upload":
        found = [
            sum(size for size, _ in pieces)
            for key, pieces in stage.stored()["objects"].items()
            if key.partition("/")[2].startswith(prefix)
        ]
    else:
        found = [path.stat().st_size for path in target.rglob("*") if path.is_file()]
        shutil.rmtree(target)
    if found != [FILE_BYTES] * COUNT:
        raise RuntimeError(f"{len(found)} of {COUNT} files arrived")


def measure_large(repeat: int) -> Iterator[tuple[str, list[Read]]]:
    """The runs of each line, curl first; they take turns."""
    key = f"synthetic/{LARGE_BYTES}"
    with Stage(LARGE_BYTES, []) as stage, stage.server() as server:
        url, target = urlsplit(server.root), stage.folder / "large"
        with stage.slow_link(url.port or 80, bytes_per_second=LINK_BYTES_PER_SECOND) as port:
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
