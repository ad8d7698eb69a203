"""Everything a measurement needs around it: the null S3 service, the hub, a file to send, and servers to measure."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests

from odhtec_jupyter.demo.jupyter_process import JupyterProcess, clean_environment
from odhtec_jupyter.keys import encode_key

HERE = Path(__file__).parent
BUCKET = "bench"
SOCAT_BUFFER = 256 * 1024


class Files(NamedTuple):
    """A repository of the hub with ``count`` files of ``size`` bytes."""

    repository: str
    size: int
    count: int


class Stage:
    """Starts the surroundings and ends them; all of it listens on the loopback interface only."""

    def __init__(
        self,
        size: int,
        repositories: Sequence[Files],
        *,
        hashing: bool = False,
        hub_options: Sequence[str] = (),
        tls: bool = False,
    ) -> None:
        """``tls``: the store and the hub are reached over https."""
        self.size = size
        self._repositories = repositories
        self._hashing = hashing
        self._hub_options = hub_options
        self._tls = tls
        self.certificate: Path | None = None
        self._stack = ExitStack()
        self._servers = 0

    def __enter__(self) -> Self:
        with self._stack:
            self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="odhtec-bench-")))
            # A session of its own keeps Ctrl-C to this process; the end of standard input ends the others.
            tls = ["--tls", str(self._make_certificate())] if self._tls else []
            hashing = ["--hash"] if self._hashing else []
            s3 = json.loads(self._stack.enter_context(_child("null_s3.py", *hashing, *tls)))
            repositories = (word for one in self._repositories for word in ("--repository", *map(str, one)))
            options = (*self._hub_options, *tls, *repositories)
            hub = json.loads(self._stack.enter_context(_child("hub_process.py", *options)))
            self.s3_port: int = s3["port"]
            self.s3 = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.s3_port}"
            self.hub: str = hub["endpoint"]
            self._hub_traffic: str = hub["traffic"]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _make_certificate(self) -> Path:
        """A file with a key and the certificate for it, which is its own authority."""
        key, self.certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        names = "subjectAltName=IP:127.0.0.1,IP:127.0.0.2"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=bench", "-addext", names]
        files = ["-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(["openssl", "req", "-x509", "-nodes", *kind, *files], check=True, capture_output=True)
        both = self.folder / "both.pem"
        both.write_text(key.read_text() + self.certificate.read_text())
        return both

    @property
    def environment(self) -> dict[str, str]:
        """An environment with the data connection to the null S3 service."""
        trusted = {}
        if self.certificate:
            # Over https boto3 would send its checksums behind chunks, which the null S3 service does not read.
            trusted = {"AWS_CA_BUNDLE": str(self.certificate), "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
        return {
            **clean_environment(),
            **trusted,
            "AWS_S3_ENDPOINT": self.s3,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "HF_ENDPOINT": self.hub,
        }

    def file(self, size: int) -> Path:
        """A sparse file to send."""
        path = self.folder / f"zeros-{size}"
        with path.open("ab") as file:
            file.truncate(size)
        return path

    @property
    def _verify(self) -> str | bool:
        return str(self.certificate) if self.certificate else True

    def stored(self) -> dict[str, Any]:
        """What the null S3 service says has reached it."""
        answer: dict[str, Any] = requests.get(f"{self.s3}/-/", timeout=30, verify=self._verify).json()
        return answer

    def hub_traffic(self) -> dict[str, Any]:
        """How many requests the hub has answered since the last call, by host and method, and how many bytes."""
        answer: dict[str, Any] = requests.get(self._hub_traffic, timeout=30).json()
        return answer

    def gets(self) -> int:
        """How many GETs of made-up objects the null S3 service has answered."""
        count: int = self.stored()["gets"]
        return count

    def require_stored(self, key: str, size: int) -> None:
        """A figure for bytes that did not arrive would be worth nothing."""
        pieces = self.stored()["objects"].get(f"{BUCKET}/{key}", [])
        found = sum(piece[0] for piece in pieces)
        if found != size:
            raise RuntimeError(f"{key}: {found} bytes reached the store, {size} were sent")

    @contextmanager
    def many_keys(self) -> Iterator[str]:
        """The URL of a store with a million keys."""
        with _child("many_keys.py", "--stdin") as url:
            yield url.strip()

    @contextmanager
    def slow_link(self, port: int, bytes_per_second: int) -> Iterator[int]:
        """A port that leads to another one, with so many bytes per second from there for each connection."""
        with _child("slow_link.py", str(port), str(bytes_per_second)) as own_port:
            yield int(own_port)

    @contextmanager
    def far_s3(self) -> Iterator[str]:
        """The URL of a store with small files that is as far away as it is told to be."""
        with _child("far_s3.py", "--stdin") as url:
            yield url.strip()

    @contextmanager
    def server(self, s3: str | None = None) -> Iterator[Server]:
        """A new Jupyter server with the extension, connected to the null S3 service or to another."""
        self._servers += 1
        folder = self.folder / f"jupyter-{self._servers}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        process = JupyterProcess(
            folder,
            self.environment | ({"AWS_S3_ENDPOINT": s3} if s3 else {}),
            app="jupyter_server",
            port=port,
            options=["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"],
        )
        with process:
            yield Server(process)

    @contextmanager
    def relay(self) -> Iterator[Relay]:
        """A bare relay in front of the null S3 service, for one connection."""
        with Relay(self.s3_port) as relay:
            yield relay


@contextmanager
def _child(script: str, *options: str) -> Iterator[str]:
    """A program of this folder while it runs: the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        if not told:
            raise RuntimeError(f"{script} did not start")
        yield told
    finally:
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


class Server:
    """The server that is measured, and how it is spoken to."""

    def __init__(self, process: JupyterProcess) -> None:
        self.pid = process.pid
        self.work = process.work
        self.tail = process.tail
        self._process = process
        self.session = self.another_session()
        self.root = process.url
        self.api = f"{process.url}odhtec/api"
        # In a file, not an argument: those can be read by every user of the machine.
        self._headers = process.folder / "curl-headers"
        self._headers.touch(mode=0o600)
        self._headers.write_text("".join(f"{name}: {value}\n" for name, value in process.headers.items()))

    def another_session(self) -> requests.Session:
        """Connections of their own, for a thread of its own."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update(self._process.headers)
        return session

    @property
    def credentials(self) -> list[str]:
        """curl's options to be let in."""
        return ["-H", f"@{self._headers}"]

    def upload(self, key: str) -> str:
        """The address to PUT an object to."""
        return f"{self.api}/objects/upload/{BUCKET}/{encode_key(key)}"

    def form(self, prefix: str) -> str:
        """The address to POST a form to."""
        return f"{self.api}/objects/upload/{BUCKET}/{encode_key(prefix)}"

    def download(self, size: int) -> str:
        """The address of an object of that size."""
        return f"{self.api}/objects/download/{BUCKET}/{encode_key(f'synthetic/{size}')}"

    def look(self, url: str) -> None:
        """Ask for something and wait for all of it."""
        self.session.get(url, timeout=60).raise_for_status()

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """A JSON reply of the API."""
        reply = self.session.get(self.api + path, params=query, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def delete(self, path: str) -> None:
        """Remove something."""
        self.session.delete(self.api + path, timeout=60).raise_for_status()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A JSON reply of the API to a JSON request."""
        reply = self.session.post(self.api + path, json=body, timeout=60)
        if not reply.ok:
            raise RuntimeError(f"{path} answered {reply.status_code}: {reply.text}")
        return reply.json()


class Relay:
    """socat, or our own few lines, between one client and the null S3 service."""

    name = "socat" if shutil.which("socat") else "relay.py"

    def __init__(self, port: int) -> None:
        self._target = port

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def serve(self) -> float:
        """Relay the next connection to its end; CPU seconds of that."""
        sock, _ = self._listener.accept()
        with sock:
            number = sock.fileno()
            process = subprocess.Popen(self._command(number), pass_fds=[number], start_new_session=True)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{self.name} ended with {process.returncode}")
        return usage.ru_utime + usage.ru_stime

    def _command(self, number: int) -> Sequence[str]:
        if self.name == "socat":
            return ["socat", "-b", str(SOCAT_BUFFER), f"FD:{number}", f"TCP:127.0.0.1:{self._target}"]
        return [sys.executable, "-I", "-S", str(HERE / "relay.py"), str(number), str(self._target)]
