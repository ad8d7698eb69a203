"""A Jupyter server that can be killed and started again with the same home, and a client of its REST API."""

from __future__ import annotations

import atexit
import functools
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from odhtec_jupyter.demo.jupyter_process import JupyterProcess, Process, clean_environment
from odhtec_jupyter.keys import encode_key
from tests.conftest import python_path
from tests.waiting import GIVE_UP_SECONDS

FINAL = frozenset({"completed", "failed", "cancelled"})


class WarmServer:
    """The process of :mod:`tests.faults.warm_server`, which forks servers. Thread-safe."""

    def __init__(self) -> None:
        # -P: this folder has a module named jupyter.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("warm_server.py"))],
            env={**os.environ, "PYTHONPATH": python_path(), "JUPYTER_PLATFORM_DIRS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only pytest, which then ends this process
        )
        self._lock = threading.Lock()

    def ask(self, **request: Any) -> Any:
        """Return the answer to a request."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        assert answer, "the process that forks servers has ended"
        return json.loads(answer)

    def stop(self) -> None:
        """End the process and the servers that still run."""
        with self._process:
            pass


@functools.cache
def warm_server() -> WarmServer:
    """Return the process that all tests share."""
    server = WarmServer()
    atexit.register(server.stop)
    return server


class ForkedProcess:
    """A forked server with the interface of :class:`subprocess.Popen`."""

    def __init__(self, **start: Any) -> None:
        self._code: int | None = None
        self.pid: int = warm_server().ask(start=start)

    def poll(self) -> int | None:
        """Return the exit code, or None while the server runs."""
        return self._reap(blocking=False)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code. Raises :class:`subprocess.TimeoutExpired`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self._reap(blocking=deadline is None)) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _reap(self, *, blocking: bool) -> int | None:
        if self._code is None:
            self._code = warm_server().ask(reap=self.pid, blocking=blocking)
        return self._code


class KillableServer(JupyterProcess):
    """A Jupyter server with this extension only. Home, token and port stay the same at every start.

    It is forked from a process that has imported everything, so tests with it do not cover imports.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str],
        port: int,
        options: Iterable[str] = (),
        *,
        constants: Mapping[str, object] | None = None,
    ) -> None:
        """``constants``: values of module constants in the server, by full name."""
        super().__init__(
            folder,
            {**clean_environment(), "JUPYTER_NO_CONFIG": "1", **env},
            app="jupyter_server",
            port=port,
            options=["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}", *options],
        )
        self._constants = dict(constants or {})

    def _launch(self, log: BinaryIO) -> Process:
        return ForkedProcess(
            command=self._command, env=self._env, cwd=str(self.work), log=log.name, constants=self._constants
        )

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None

    def kill(self) -> None:
        """Send SIGKILL, so that nothing is cleaned up."""
        process, self._process = self._process, None
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        process, self._process = self._process, None
        assert process is not None
        process.terminate()
        try:
            return process.wait(GIVE_UP_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    def restart(self) -> None:
        """Kill the server and start it again."""
        self.kill()
        self.start()

    def renew_token(self) -> None:
        """Use another token from the next start on, as after a restart of a workbench."""
        self.token = self._env["JUPYTER_TOKEN"] = secrets.token_hex(24)


class Reply(Exception):
    """An error reply to a request that a test expects to succeed."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Api:
    """A client of the REST API. Each request uses a new connection, so that the server can be killed."""

    def __init__(self, server: JupyterProcess) -> None:
        self._server = server

    def _connect(self, timeout: float) -> tuple[http.client.HTTPConnection, str]:
        url = urlsplit(self._server.url)
        assert url.hostname
        return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout), f"{url.path}odhtec/api/"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: Iterable[bytes] | None = None,
        size: int = 0,
        timeout: float = GIVE_UP_SECONDS,
    ) -> Any:
        """Return the JSON of the reply. ``data``: a raw body of ``size`` bytes. Raises :class:`Reply` for an error."""
        headers = dict(self._server.headers)
        content: Any = None
        if data is not None:
            content, headers["Content-Length"] = data, str(size)
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(body), "application/json"
        connection, base = self._connect(timeout)
        try:
            # A request can be refused before the end of its body. The reply has the reason.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, base + path, content, headers)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        answer = json.loads(text) if text else None
        if reply.status >= 400:
            raise Reply(reply.status, answer)
        return answer

    def start_import(self, bucket: str, repo: str = "org/model", **options: Any) -> dict[str, Any]:
        """Send ``POST /objects/import-hf`` and return the transfer."""
        transfer: dict[str, Any] = self.call(
            "POST", "objects/import-hf", {"repo": repo, "bucket": bucket, "onConflict": "overwrite", **options}
        )
        return transfer

    def upload(self, bucket: str, key: str, data: Iterable[bytes], size: int) -> dict[str, Any]:
        """Send ``PUT /objects/upload`` and return what was stored."""
        stored: dict[str, Any] = self.call("PUT", f"objects/upload/{bucket}/{encode_key(key)}", data=data, size=size)
        return stored

    def transfers(self) -> list[dict[str, Any]]:
        """Return all transfers, newest first."""
        found: list[dict[str, Any]] = self.call("GET", "transfers")["transfers"]
        return found

    def transfer(self, transfer_id: str) -> dict[str, Any]:
        """Return one transfer."""
        found: dict[str, Any] = self.call("GET", f"transfers/{transfer_id}")
        return found

    def files(self, transfer_id: str) -> list[dict[str, Any]]:
        """Return up to 1000 files of a transfer."""
        found: list[dict[str, Any]] = self.call("GET", f"transfers/{transfer_id}/files?limit=1000")["files"]
        return found

    def has_ended(self, transfer_id: str) -> bool:
        """Return whether the transfer has ended."""
        return self.transfer(transfer_id)["state"] in FINAL

    def ended(self, transfer_id: str, timeout: float = GIVE_UP_SECONDS) -> dict[str, Any]:
        """Wait for the event of the end of a transfer and return it. Raises :class:`Reply` for an unknown transfer."""
        self.transfer(transfer_id)
        for event in self.events(timeout):
            if event["id"] == transfer_id and event["state"] in FINAL:
                return event
        raise AssertionError("the event stream ended before the transfer")

    def events(self, timeout: float = GIVE_UP_SECONDS) -> Iterator[dict[str, Any]]:
        """Yield every ``transfer`` event until the stream ends. Fails after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        connection, base = self._connect(timeout)
        try:
            headers = {**self._server.headers, "Accept": "text/event-stream"}
            connection.request("GET", base + "transfers/events", headers=headers)
            reply = connection.getresponse()
            name = ""
            for line in iter(reply.readline, b""):
                # Comments keep the stream alive, so the timeout of the connection never applies.
                assert time.monotonic() < deadline, f"the transfer did not end within {timeout:.0f} s"
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and name == "transfer":
                    yield json.loads(value)
        finally:
            connection.close()
