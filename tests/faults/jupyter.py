"""A Jupyter server that is killed and started again in the same home, and the REST client that looks at it."""

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
    """The process of :mod:`tests.faults.warm_server`, which forks servers; thread-safe."""

    def __init__(self) -> None:
        # -P: this folder has a module named jupyter.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("warm_server.py"))],
            env={**os.environ, "PYTHONPATH": python_path(), "JUPYTER_PLATFORM_DIRS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for pytest, which then ends it
        )
        self._lock = threading.Lock()

    def ask(self, **request: Any) -> Any:
        """Its answer to a request."""
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
        """End it and the servers that still run."""
        with self._process:
            pass


@functools.cache
def warm_server() -> WarmServer:
    """The one of this test process."""
    server = WarmServer()
    atexit.register(server.stop)
    return server


class ForkedProcess:
    """A server that was forked, in the terms of :class:`subprocess.Popen`."""

    def __init__(self, **start: Any) -> None:
        self._code: int | None = None
        self.pid: int = warm_server().ask(start=start)

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._reap(blocking=False)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises :class:`subprocess.TimeoutExpired`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self._reap(blocking=deadline is None)) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        """SIGTERM."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _reap(self, *, blocking: bool) -> int | None:
        if self._code is None:
            self._code = warm_server().ask(reap=self.pid, blocking=blocking)
        return self._code


class KillableServer(JupyterProcess):
    """A Jupyter server with this extension alone; home, token and port are the same at every start.

    It is forked from a process that has imported everything, so what an import does is not tested with it.
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
        """``constants``: what constants of modules are in the server, by full name."""
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
        """Whether there is a process."""
        return self._process is not None

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up."""
        process, self._process = self._process, None
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> int:
        """SIGTERM; the exit code once it has ended by itself."""
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
        """Kill it and start it again."""
        self.kill()
        self.start()

    def renew_token(self) -> None:
        """The next start has another token, as that of a workbench that comes back."""
        self.token = self._env["JUPYTER_TOKEN"] = secrets.token_hex(24)


class Reply(Exception):
    """An answer that is no success, for tests that want one to be."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Api:
    """The extension's REST API; every request has a connection of its own, so a killed server is no trouble."""

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
        """The reply's JSON; raises :class:`Reply` when it is an error. ``data`` is a raw body of ``size`` bytes."""
        headers = dict(self._server.headers)
        content: Any = None
        if data is not None:
            content, headers["Content-Length"] = data, str(size)
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(body), "application/json"
        connection, base = self._connect(timeout)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused in the middle: the reply says why
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
        """``POST /objects/import-hf``; the transfer."""
        transfer: dict[str, Any] = self.call(
            "POST", "objects/import-hf", {"repo": repo, "bucket": bucket, "onConflict": "overwrite", **options}
        )
        return transfer

    def upload(self, bucket: str, key: str, data: Iterable[bytes], size: int) -> dict[str, Any]:
        """``PUT /objects/upload``; what was stored."""
        stored: dict[str, Any] = self.call("PUT", f"objects/upload/{bucket}/{encode_key(key)}", data=data, size=size)
        return stored

    def transfers(self) -> list[dict[str, Any]]:
        """All that the server knows, newest first."""
        found: list[dict[str, Any]] = self.call("GET", "transfers")["transfers"]
        return found

    def transfer(self, transfer_id: str) -> dict[str, Any]:
        """One of them."""
        found: dict[str, Any] = self.call("GET", f"transfers/{transfer_id}")
        return found

    def files(self, transfer_id: str) -> list[dict[str, Any]]:
        """Its files, up to 1000."""
        found: list[dict[str, Any]] = self.call("GET", f"transfers/{transfer_id}/files?limit=1000")["files"]
        return found

    def over(self, transfer_id: str) -> bool:
        """Whether it has ended."""
        return self.transfer(transfer_id)["state"] in FINAL

    def ended(self, transfer_id: str, timeout: float = GIVE_UP_SECONDS) -> dict[str, Any]:
        """The transfer once it has ended; the server tells when. Raises :class:`Reply` when there is no such one."""
        self.transfer(transfer_id)
        for event in self.events(timeout):
            if event["id"] == transfer_id and event["state"] in FINAL:
                return event
        raise AssertionError("the event stream ended before the transfer")

    def events(self, timeout: float = GIVE_UP_SECONDS) -> Iterator[dict[str, Any]]:
        """Every ``transfer`` event, until the stream ends or ``timeout`` seconds are over."""
        deadline = time.monotonic() + timeout
        connection, base = self._connect(timeout)
        try:
            headers = {**self._server.headers, "Accept": "text/event-stream"}
            connection.request("GET", base + "transfers/events", headers=headers)
            reply = connection.getresponse()
            name = ""
            for line in iter(reply.readline, b""):
                # Comments keep the stream alive, so its own timeout never comes.
                assert time.monotonic() < deadline, f"not within {timeout:.0f} s"
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and name == "transfer":
                    yield json.loads(value)
        finally:
            connection.close()
