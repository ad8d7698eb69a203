"""A bash that runs the blocks of a page one after the other."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_DONE = "end of the block"


class Bash:
    """A bash that runs blocks in ``folder`` during its ``with`` block. The first failing command ends it."""

    def __init__(self, folder: Path, script: Path, env: Mapping[str, str]) -> None:
        self._script = script
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eu"],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, code: str) -> str:
        """Return the output of the block. Raises :class:`AssertionError` with the output if a command fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._script.write_text(code, encoding="utf-8")
        # From a file, so that no command reads the rest of the script as its input.
        self._process.stdin.write(f". {shlex.quote(str(self._script))} </dev/null\necho {shlex.quote(_DONE)}\n")
        self._process.stdin.flush()
        printed: list[str] = []
        for line in self._process.stdout:
            if line.rstrip("\n") == _DONE:
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"{code}\nprinted:\n{''.join(printed)}")

    def set(self, **variables: str) -> None:
        """Set shell variables."""
        self.run("".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
