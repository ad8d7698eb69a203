"""A Jupyter server in a process of its own, without the user's configuration and data."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, Self

import requests

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.1

# Prefixes of variables that would make the server use the user's configuration, data or connections.
_FOREIGN = ("AWS_", "HF_", "HUGGING", "JUPYTER", "IPYTHON", "MAX_CONCURRENT_TRANSFERS", "MAX_BANDWIDTH")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def clean_environment() -> dict[str, str]:
    """Return the environment of this process without connections, proxies and Jupyter's variables."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_FOREIGN) and name.lower() not in _PROXIES
    }


class Process(Protocol):
    """The part of :class:`subprocess.Popen` that is used here."""

    @property
    def pid(self) -> int:
        """The process's id."""
        ...

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises :class:`subprocess.TimeoutExpired` after ``timeout`` seconds."""
        ...

    def terminate(self) -> None:
        """Send SIGTERM."""
        ...


class JupyterProcess:
    """Runs ``python -m jupyterlab`` or ``jupyter_server`` in a folder until the end of its ``with`` block.

    Configuration, data, settings and kernel files are in the folder; the server's root directory is its ``work``.
    ``port`` is the first port that is tried; without ``port_retries`` it is the only one.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str],
        *,
        app: Literal["jupyterlab", "jupyter_server"] = "jupyterlab",
        port: int = 8888,
        port_retries: int = 0,
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.log = folder / "jupyter.log"
        self.token = secrets.token_hex(24)
        self.url = ""
        self._runtime = folder / "runtime"
        self._env = dict(env) | {
            "HOME": str(folder),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self._runtime),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTER_PLATFORM_DIRS": "1",
            # Not as an argument: every user of the machine can read the arguments of a process.
            "JUPYTER_TOKEN": self.token,
        }
        self._command = [
            *(sys.executable, "-m", app),
            *("--ServerApp.ip=127.0.0.1", "--ServerApp.open_browser=False"),
            *(f"--ServerApp.port={port}", f"--ServerApp.port_retries={port_retries}"),
            f"--ServerApp.root_dir={self.work}",
            *("--ServerApp.allow_root=True",) * (os.name == "posix" and os.geteuid() == 0),
            *options,
        ]
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def headers(self) -> dict[str, str]:
        """The headers that authorize a request."""
        return {"Authorization": f"token {self.token}"}

    def start(self) -> None:
        """Start the server, and wait until it responds."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._runtime.mkdir(parents=True, exist_ok=True)
        self._turn_off_notifications()
        with self.log.open("ab") as log:
            self._process = self._launch(log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._responds():
            code = self._process.poll()
            if code is not None:
                raise RuntimeError(f"Jupyter exited during its start with code {code}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Jupyter did not respond within {_START_SECONDS:.0f} s:\n{self.tail()}")
            time.sleep(_POLL_SECONDS)

    def _launch(self, log: BinaryIO) -> Process:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            self._command,
            env=self._env,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: the server would ask for confirmation
        )

    def _turn_off_notifications(self) -> None:
        """Turn off JupyterLab's question about news and its check for new versions."""
        settings = self.folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of the server's log, without the token."""
        text = self.log.read_text(errors="replace").replace(self.token, "***")
        return "\n".join(text.splitlines()[-lines:])

    def _responds(self) -> bool:
        info = self._runtime / f"jpserver-{self.pid}.json"
        try:
            self.url = json.loads(info.read_text())["url"]
            return requests.get(f"{self.url}api/status", headers=self.headers, timeout=5).ok
        except (OSError, ValueError):  # not written, half written, or not listening yet
            return False

    def stop(self) -> None:
        """Stop the server and its kernels."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
