"""A Jupyter server for one command, if none is running: on the loopback interface, with a random token."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from odhtec_jupyter.client.http.servers import Server
from odhtec_jupyter.errors import NoServer

START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.1
IDLE_SECONDS = 300  # after which the server exits, in case this process was killed


@contextmanager
def private_server() -> Iterator[Server]:
    """Yield a server that stops, with its transfers, at the end of the ``with`` block."""
    with tempfile.TemporaryDirectory(prefix="odhtec-", ignore_cleanup_errors=True) as name:
        folder, token = Path(name), secrets.token_hex(24)
        # Not as an argument: every user of the machine can read the arguments of a process. Without the user's
        # configuration, which could open the server to others.
        env = os.environ | {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": name, "JUPYTER_NO_CONFIG": "1"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                _command(folder),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C must reach only this process, which decides what happens to running transfers.
                start_new_session=True,
            )
        try:
            yield Server(_started(process, folder, token), token)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(folder: Path) -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return [
        *(sys.executable, "-m", "jupyter_server", "--no-browser"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.allow_root=True"),
        "--ServerApp.jpserver_extensions={'odhtec_jupyter': True}",
        f"--ServerApp.shutdown_no_activity_timeout={IDLE_SECONDS}",
        f"--ServerApp.root_dir={Path.cwd()}",
        # Not the user's own journal: another server continues the transfers in it.
        f"--OdhTecSettings.state_dir={folder / 'state'}",
    ]


def _started(process: subprocess.Popen[bytes], folder: Path, token: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"token {token}"
        while process.poll() is None and time.monotonic() < deadline:
            try:
                url = str(json.loads((folder / f"jpserver-{process.pid}.json").read_text())["url"])
                if session.get(f"{url}api/status", timeout=5).ok:
                    return url
            except (OSError, ValueError, KeyError):  # not written, half written, or not listening yet
                pass
            time.sleep(POLL_SECONDS)
    last = (folder / "log").read_text(errors="replace").replace(token, "***").splitlines()[-1:]
    raise NoServer(f"No Jupyter server is running, and starting one for this command failed: {''.join(last)}")
