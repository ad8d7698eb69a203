"""Real Jupyter servers, and an environment like that of a kernel, without variables of a store."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.cli import main
from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.client.shell import Shell

OPTIONS = ["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"]


@pytest.fixture(autouse=True)
def kernel_environment(monkeypatch: pytest.MonkeyPatch, clean_environment_variables: None) -> None:
    """Remove variables of servers and stores from the environment."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_", "NB_PREFIX", "AWS_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def server_hub() -> Iterator[HubStandIn]:
    """The hub of the servers."""
    with HubStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def servers(lab_server: Callable[..., JupyterProcess], server_hub: HubStandIn) -> Callable[..., JupyterProcess]:
    """A function that returns the Jupyter server of an S3 server, started at its first use."""
    running: dict[str, JupyterProcess] = {}

    def start(s3: Any) -> JupyterProcess:
        if s3.name not in running:
            env = {**s3.env, "HF_ENDPOINT": server_hub.endpoint}
            running[s3.name] = lab_server(env, app="jupyter_server", options=OPTIONS)
        return running[s3.name]

    return start


@pytest.fixture
def server(servers: Callable[..., JupyterProcess], s3_server: Any) -> JupyterProcess:
    """The Jupyter server of this test's S3 server."""
    return servers(s3_server)


@pytest.fixture
def moto_jupyter(servers: Callable[..., JupyterProcess], moto_server: Any) -> JupyterProcess:
    """The Jupyter server with moto as its store."""
    return servers(moto_server)


@pytest.fixture
def client(server: JupyterProcess) -> Iterator[Client]:
    """A client of the server."""
    one = Client(server.url, server.token)
    yield one
    one.api.connection.close()


@pytest.fixture
def shell(moto_jupyter: JupyterProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """A function that runs a command as in a terminal of the server."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(moto_jupyter.folder / "runtime"))
    monkeypatch.setenv("JPY_PARENT_PID", str(moto_jupyter.pid))

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        # In this process, because starting an interpreter for each command would take most of the time.
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            try:
                ended = main(arguments)
            except SystemExit as exit_:
                ended = int(exit_.code or 0)
        done = subprocess.CompletedProcess(arguments, ended, out.getvalue(), err.getvalue())
        assert done.returncode == code, (done.stdout, done.stderr)
        assert moto_jupyter.token not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def put(s3_client: Any, bucket: str) -> Callable[..., None]:
    """A function that stores objects of one byte, or with a text."""

    def put(*keys: str, body: bytes = b"x") -> None:
        for key in keys:
            s3_client.put_object(Bucket=bucket, Key=key, Body=body)

    return put


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that simulates a terminal whose user gives this answer to each question."""
    main, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: os.write(main, f"{text}\n".encode())
    os.close(main)
