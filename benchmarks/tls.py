"""Throughput over TLS, to the store and to the hub, beside curl over the same TLS and the extension without it.

What TLS has to cost is what it costs curl: the CPU of curl over https less that of curl over http, for as many bytes.
The Jupyter server itself is reached over http, as behind the proxy that ends TLS for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from small import run_program
from stage import BUCKET, Files, Stage
from throughput import Bench, Run, warm_up


@dataclass(frozen=True)
class TlsLine:
    """The runs of one line, and the CPU s/GiB that they are compared with, if they are."""

    kind: str
    name: str
    runs: list[Run]
    reference: float | None = None

    @property
    def cpu(self) -> float:
        """CPU s/GiB, the median."""
        return median(run.cpu_per_gib for run in self.runs)


def measure(size: int, repeat: int) -> Iterator[TlsLine]:
    """All lines; they take turns."""
    repositories = [Files("bench/one", size, 1)]
    with (
        Stage(size, repositories) as http,
        Stage(size, repositories, tls=True) as https,
        http.server() as plain,
        https.server() as secure,
    ):
        warm_up(http, plain)
        warm_up(https, secure)
        without, over = Bench(http, plain), Bench(https, secure)
        lines: dict[tuple[str, str], Callable[[], Run]] = {
            ("download", "curl, http"): lambda: _fetch(http),
            ("download", "curl, https"): lambda: _fetch(https),
            ("download", "boto3, https"): over.boto3_fetch,
            ("download", "extension, http"): without.fetch,
            ("download", "extension, https"): over.fetch,
            ("upload", "curl, http"): lambda: _put(http),
            ("upload", "curl, https"): lambda: _put(https),
            ("upload", "boto3, https"): over.boto3_put,
            ("upload", "extension, http"): without.put,
            ("upload", "extension, https"): over.put,
            ("import", "extension, http"): without.bring_one,
            ("import", "extension, https"): over.bring_one,
        }
        runs: dict[tuple[str, str], list[Run]] = {line: [] for line in lines}
        for _ in range(repeat):
            for line, run in lines.items():
                runs[line].append(run())
    cpu = {line: median(run.cpu_per_gib for run in taken) for line, taken in runs.items()}
    tls = {way: cpu[way, "curl, https"] - cpu[way, "curl, http"] for way in ("download", "upload")}
    references = {
        "download": cpu["download", "curl, https"],
        "upload": cpu["upload", "extension, http"] + tls["upload"],
        "import": cpu["import", "extension, http"] + tls["download"] + tls["upload"],
    }
    for (kind, name), taken in runs.items():
        yield TlsLine(kind, name, taken, references[kind] if name == "extension, https" else None)


def _fetch(stage: Stage) -> Run:
    return _curl(stage, "-o", "/dev/null", f"{stage.s3}/{BUCKET}/synthetic/{stage.size}")


def _put(stage: Stage) -> Run:
    run = _curl(stage, "-T", str(stage.file(stage.size)), f"{stage.s3}/{BUCKET}/curl.bin")
    stage.require_stored("curl.bin", stage.size)
    return run


def _curl(stage: Stage, *options: str) -> Run:
    trusted = ["--cacert", str(stage.certificate)] if stage.certificate else []
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "-H", "Expect:", *trusted, *options]
    wall, cpu = run_program(command, stage.environment)
    return Run(stage.size, cpu, wall, None)
