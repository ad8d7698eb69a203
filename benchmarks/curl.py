"""curl as the client: nothing of ours is on its side of the wire."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

# Without "Expect", which costs a round trip and says nothing about throughput.
_COMMON = [
    "curl",
    "--silent",
    "--show-error",
    "--noproxy",
    "*",
    "-H",
    "Expect:",
    "--write-out",
    "\n%{http_code} %{time_total}",
]


class Curl:
    """One running curl."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [*_COMMON, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def running(self) -> bool:
        """Whether it still transfers."""
        return self._process.poll() is None

    def finish(self) -> float:
        """Wait for the end; wall seconds by curl's own clock. Raises when the transfer was refused or broke off."""
        answer, _ = self._process.communicate()
        body, _, told = answer.rpartition("\n")
        status, _, seconds = told.partition(" ")
        if self._process.returncode or not status.startswith("2"):
            raise RuntimeError(f"curl ended with {self._process.returncode}, status {status}: {body[:500]}")
        return float(seconds)


def put(path: Path, url: str, *options: str) -> Curl:
    """``curl -T``."""
    return Curl(*options, "-H", "Connection: close", "-T", str(path), url)


def form(path: Path, url: str, *options: str) -> Curl:
    """``curl -F``."""
    return Curl(*options, "-F", f"file=@{path};filename=form.bin", url)


def fetch(url: str, *options: str) -> Curl:
    """``curl -o /dev/null``."""
    return Curl(*options, "-H", "Connection: close", "-o", "/dev/null", url)


def all_at_once(starts: Sequence[Sequence[str]]) -> None:
    """Run several side by side to their end."""
    with ExitStack() as stack:
        for running in [stack.enter_context(Curl(*options)) for options in starts]:
            running.finish()
