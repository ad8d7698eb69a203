"""Finding a server, authentication, and the errors when there is none."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.filesystem import OdhTecFileSystem
from odhtec_jupyter.client.http.servers import find_server
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from odhtec_jupyter.errors import Forbidden, NoServer, NotFound
from tests.installed import missing
from tests.loopback import LoopbackServer, QuietHandler

OPTIONS = ["--ServerApp.jpserver_extensions={'odhtec_jupyter': True}"]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that writes a runtime file as Jupyter does."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    def write(pid: int, url: str, token: str = "") -> None:
        (tmp_path / f"jpserver-{pid}.json").write_text(json.dumps({"pid": pid, "url": url, "token": token}))

    return write


@pytest.fixture
def works(tmp_path: Path) -> Callable[[Client], None]:
    """A function that requires that reading and all kinds of writing work."""

    def use(client: Client) -> None:
        client.create_bucket("found")
        (tmp_path / "small").write_bytes(b"small")
        (tmp_path / "large").write_bytes(bytes(9_000_000))
        client.upload(tmp_path / "small", "s3://found/").wait(progress=False)
        client.upload(tmp_path / "large", "s3://found/").wait(progress=False)
        with client.open("s3://found/written", "wb") as file:
            file.write(bytes(3_000_000))
        assert {one.key: one.size for one in client.ls("s3://found/")} == {
            "small": 5,
            "large": 9_000_000,
            "written": 3_000_000,
        }
        client.delete("s3://found/small").wait(progress=False)
        client.api.connection.close()

    return use


# --- finding a server -----------------------------------------------------------------------------------------


def test_arguments_of_the_caller_take_precedence(runtime: Callable[..., None]) -> None:
    runtime(os.getppid(), "http://127.0.0.1:1/", "parents")
    assert find_server("http://elsewhere:8888/base", "mine").url == "http://elsewhere:8888/base/"
    assert find_server("http://elsewhere:8888/").token == ""
    assert find_server("http://127.0.0.1:1").token == "parents"
    assert find_server(None, "mine").token == "mine"
    for bad in ("ftp://elsewhere/", "http://me:secret@elsewhere/"):
        with pytest.raises(NoServer) as refused:
            find_server(bad)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("http://localhost:8888/lab?token=abc", "http://localhost:8888/"),
        ("http://0.0.0.0:8888/tree?token=abc", "http://127.0.0.1:8888/"),
        ("http://localhost:8888/?token=abc", "http://localhost:8888/"),
        # A workbench that is called lab, and a document in one.
        ("https://host/notebook/ns/lab/lab?token=abc", "https://host/notebook/ns/lab/"),
        ("https://host/notebook/ns/x/lab/tree/lab.ipynb?reset&token=abc", "https://host/notebook/ns/x/"),
    ],
)
def test_url_from_jupyters_log_contains_its_token(runtime: Callable[..., None], pasted: str, url: str) -> None:
    found = find_server(pasted)
    assert (found.url, found.token) == (url, "abc")
    assert find_server(pasted, "other").token == "other"
    client = Client(pasted)
    assert "abc" not in repr(client) + repr(client.api.connection) + str(pickle.dumps(client))
    assert "abc" not in str(OdhTecFileSystem(server_url=pasted, skip_instance_cache=True).storage_options)


def test_url_from_the_log_of_a_server_works(moto_jupyter: JupyterProcess) -> None:
    client = Client(f"{moto_jupyter.url}tree?token={moto_jupyter.token}")
    assert isinstance(client.buckets(), list)
    client.api.connection.close()


def test_parent_process_is_preferred_to_other_servers(
    runtime: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime(os.getpid(), "http://127.0.0.1:2/other/")
    runtime(os.getppid(), "http://0.0.0.0:1/base/", "parents")
    monkeypatch.setenv("NB_PREFIX", "/notebook/ns/name")
    found = find_server()
    assert (found.url, found.token) == ("http://127.0.0.1:1/base/", "parents")
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    assert find_server().url == "http://127.0.0.1:2/other/"


def test_token_of_jupyterhub_is_used_if_the_runtime_file_has_none(
    runtime: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub-token")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", "http://0.0.0.0:8888/user/me/")
    assert find_server().url == "http://127.0.0.1:8888/user/me/"
    assert find_server().token == "hub-token"
    runtime(os.getppid(), "http://localhost:4321/user/me/")
    assert (find_server().url, find_server().token) == ("http://localhost:4321/user/me/", "hub-token")
    # It is not sent to a server unknown to the hub.
    runtime(os.getppid(), "http://localhost:4321/another/")
    assert find_server().token == ""
    assert find_server("https://elsewhere/").token == ""
    # Nor to a server that only has the same path.
    assert find_server("https://elsewhere/user/me/").token == ""
    assert find_server("http://127.0.0.1:8889/user/me/").token == ""
    assert find_server("http://localhost:8888/user/me/").token == "hub-token"


def test_workbench_is_found_by_its_prefix(runtime: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_PREFIX", "/notebook/ns/name")
    assert find_server().url == "http://localhost:8888/notebook/ns/name/"


def test_several_servers_are_reported_and_stale_files_are_ignored(runtime: Callable[..., None]) -> None:
    with pytest.raises(NoServer, match="No running Jupyter server"):
        find_server()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with RecordingServer() as one, RecordingServer() as two:
        runtime(ended.pid, f"http://127.0.0.1:{one.port}/stale/")
        runtime(os.getpid(), f"http://127.0.0.1:{one.port}/one/")
        assert find_server().url.endswith("/one/")
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            runtime(other.pid, f"http://127.0.0.1:{two.port}/two/")
            with pytest.raises(NoServer, match=r"/one/.*/two/|/two/.*/one/"):
                find_server()
        finally:
            other.communicate(b"\n")


# --- authentication -------------------------------------------------------------------------------------------


def test_server_with_a_base_url_and_a_token_is_found(
    moto_server: Any, lab_server: Callable[..., JupyterProcess], works: Callable[[Client], None], monkeypatch: Any
) -> None:
    options = [*OPTIONS, "--ServerApp.base_url=/notebook/ns/name/"]
    server = lab_server(moto_server.env, app="jupyter_server", options=options)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / "runtime"))
    works(Client())


def test_server_without_a_token_is_used_with_cookies_and_xsrf(
    moto_server: Any, lab_server: Callable[..., JupyterProcess], works: Callable[[Client], None], monkeypatch: Any
) -> None:
    options = [*OPTIONS, "--IdentityProvider.token=", "--ServerApp.base_url=/notebook/ns/name/"]
    server = lab_server(moto_server.env, app="jupyter_server", options=options)
    monkeypatch.setenv("JPY_PARENT_PID", str(server.pid))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.folder / "runtime"))
    client = Client()
    assert client.api.connection.server.token == ""
    # A cookie that the server refuses is renewed.
    client.api.connection.session.cookies.set("_xsrf", "stale", domain="127.0.0.1", path="/")
    works(client)


def test_https_server_with_its_own_ca_is_trusted_with_verify(
    moto_server: Any, lab_server: Callable[..., JupyterProcess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    made = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "crt", *made],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    certificate = str(tmp_path / "crt")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    options = [*OPTIONS, f"--ServerApp.certfile={certificate}", f"--ServerApp.keyfile={tmp_path / 'key'}"]
    server = lab_server(moto_server.env, app="jupyter_server", options=options)
    assert server.url.startswith("https://")
    assert isinstance(Client(server.url, server.token).buckets(), list)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert isinstance(Client(server.url, server.token, verify=certificate).buckets(), list)
    with pytest.raises(NoServer, match="not trusted"):
        Client(server.url, server.token).buckets()


def test_server_is_found_by_the_variables_of_jupyterhub(
    moto_jupyter: JupyterProcess, works: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", moto_jupyter.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", moto_jupyter.token)
    works(Client())


def test_invalid_token_is_distinguished_from_a_refusal_of_the_store(moto_jupyter: JupyterProcess) -> None:
    with pytest.raises(Forbidden, match="token is missing or invalid"):
        Client(moto_jupyter.url, "wrong").buckets()
    with pytest.raises(Forbidden, match="token is missing or invalid"):
        Client(moto_jupyter.url, "wrong").create_bucket("never")


def test_missing_server_and_missing_extension_are_reported(
    lab_server: Callable[..., JupyterProcess], moto_jupyter: JupyterProcess
) -> None:
    with pytest.raises(NoServer, match="does not respond"):
        Client("http://127.0.0.1:1/").buckets()
    with pytest.raises(NotFound, match="no extension"):
        Client(f"{moto_jupyter.url}elsewhere/", moto_jupyter.token).buckets()


def test_token_is_not_sent_along_a_redirect() -> None:
    with RecordingServer() as other, RecordingServer(to=f"http://127.0.0.1:{other.port}/") as server:
        client = Client(f"http://127.0.0.1:{server.port}/", "secret")
        with pytest.raises(Forbidden):
            client.buckets()
        assert server.seen == ["token secret"]
        assert other.seen == []
        client.api.connection.close()


def test_client_is_imported_without_the_modules_of_the_server() -> None:
    heavy = ["boto3", "botocore", "tornado", "jupyter_server", "huggingface_hub", "fsspec", "tqdm", "IPython"]
    code = f"import sys\nfrom odhtec_jupyter import Client\nprint(*(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


class RecordingServer(LoopbackServer):
    """A server that records the credentials of requests, and can redirect them."""

    def __init__(self, to: str | None = None) -> None:
        self.seen: list[str | None] = []
        recording = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                recording.seen.append(self.headers.get("Authorization"))
                self.send_response(302 if to else 200)
                self.send_header("Content-Length", "0")
                if to:
                    self.send_header("Location", to)
                self.end_headers()

        super().__init__(Handler)
