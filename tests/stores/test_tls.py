"""Bodies over TLS: read to their last byte, and after an interruption no encrypted byte in place of a decrypted one."""

from __future__ import annotations

import select
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from odhtec_jupyter.demo.hub.repository import Repository, RepositoryFile
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import Unreachable
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import Http, ca_file, read_into, remove_ca_files
from odhtec_jupyter.stores.interruption import ReplyWait
from odhtec_jupyter.stores.s3.store import S3Store
from tests.content import noise
from tests.loopback import LoopbackServer, QuietHandler

CONTENT = noise(4 * 1024 * 1024 + 5)
CONNECTIONS = 3


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side; it counts handshakes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "127.0.0.2").configure_cert(context)
    return context


@pytest.fixture
def url(tls: ssl.SSLContext) -> Iterator[str]:
    """The address of a file."""
    repository = Repository("org/model")
    repository.commit({"data.txt": RepositoryFile.of("data.txt", CONTENT, lfs=False)})
    with HubStandIn(repository, tls=(tls, tls)) as hub:
        yield f"{hub.endpoint}/org/model/resolve/main/data.txt"


@pytest.fixture
def network(authority: trustme.CA, tmp_path: Path) -> Iterator[Network]:
    """One that trusts the authority."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    yield Network(ca_bundles=(str(bundle),))
    remove_ca_files()


@pytest.fixture
def http(network: Network) -> Iterator[Http]:
    made = Http(network)
    yield made
    made.close()


def read_all(response: Any, size: int) -> bytes:
    """The whole body, in buffers of this size."""
    buffer, body = memoryview(bytearray(size)), bytearray()
    while count := read_into(response, buffer):
        body += buffer[:count]
    return bytes(body)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that authorities were loaded from, one entry for each time."""
    files: list[str] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, cafile: str | None = None, *rest: Any) -> None:
        files.append(str(cafile))
        load(context, cafile, *rest)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    return files


def test_connections_to_a_hub_load_the_authorities_once(
    http: Http, network: Network, url: str, tls: ssl.SSLContext, loaded: list[str]
) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.callback(http.request("GET", url).close)
        assert tls.session_stats()["accept"] == CONNECTIONS
    assert loaded == [ca_file(network)]


class OneObject(QuietHandler):
    """An S3 server that has one object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("ETag", f'"{"0" * 32}"')
        self.end_headers()
        self.wfile.write(CONTENT)


def test_connections_to_a_store_load_the_authorities_once(
    network: Network, tls: ssl.SSLContext, loaded: list[str]
) -> None:
    with LoopbackServer(OneObject, tls=tls) as server, ExitStack() as stack:
        store = S3Store(S3Connection(server.url, access_key_id="key", secret_access_key="word"), network)
        stack.callback(store.close)
        bodies = [store.open("bucket", "key") for _ in range(CONNECTIONS)]
        for body in bodies:
            stack.callback(body.close)
        assert tls.session_stats()["accept"] == CONNECTIONS
        assert loaded == [ca_file(network)]


def test_authority_that_is_not_in_the_bundle_is_refused(url: str) -> None:
    http = Http(Network())
    try:
        for _ in range(2):
            with pytest.raises(Unreachable, match="certificate verify failed"):
                http.request("GET", url)
    finally:
        http.close()


@pytest.mark.parametrize("size", [1000, 16 * 1024, 100_001, len(CONTENT) + 1])
def test_body_is_read_whole_and_its_connection_is_used_again(
    http: Http, url: str, tls: ssl.SSLContext, size: int
) -> None:
    for _ in range(2):
        response = http.request("GET", url)
        assert read_all(response, size) == CONTENT
        response.release_conn()
    assert tls.session_stats()["accept"] == 1


def test_interruption_between_two_reads_yields_no_encrypted_bytes(http: Http, url: str) -> None:
    response: Any = http.request("GET", url)
    buffer, body = memoryview(bytearray(64 * 1024)), b""
    try:
        body += buffer[: read_into(response, buffer)].tobytes()
        select.select([response], [], [])  # more has arrived, and stays readable after the interruption
        ReplyWait(response).interrupt()
        while count := read_into(response, buffer):
            body += buffer[:count].tobytes()
    except OSError:
        pass  # an end within the body
    finally:
        response.close()
    assert CONTENT.startswith(body)
