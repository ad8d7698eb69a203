"""The way to the store: names, ports and proxies that do not work."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme

from odhtec_jupyter.network import Network
from tests.conftest import free_port
from tests.doctor.conftest import Examine
from tests.loopback import LoopbackServer, QuietHandler
from tests.odd_store import OddStore
from tests.recorder import Recorder


def test_unknown_host_is_named(examine: Examine) -> None:
    found = examine("https://no-such-host.invalid")
    assert found.line("dns") == (
        "failed",
        "The host name no-such-host.invalid cannot be resolved. Check its spelling in the endpoint, and that this"
        " network knows it.",
    )
    assert found.failed == ["dns"]
    assert found.line("tcp") == ("skipped", "Not tested, because “Host name” failed.")
    assert found.line("list") == ("skipped", "Not tested, because “Host name” failed.")


def test_closed_port_is_named(examine: Examine) -> None:
    port = free_port()
    assert examine(f"http://127.0.0.1:{port}").line("tcp") == (
        "failed",
        f"Port {port} of 127.0.0.1 refuses connections. Check the port in the endpoint, and that the service is"
        " running.",
    )


@pytest.fixture
def silent() -> Iterator[int]:
    """A port whose queue of connections is full, as behind a firewall that drops packets."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as first, socket.socket() as rest:
        port: int = server.getsockname()[1]
        for one in (first, rest):
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port


def test_port_that_does_not_answer_is_named(examine: Examine, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odhtec_jupyter.doctor.path.SOCKET_SECONDS", 0.2)
    assert examine(f"http://127.0.0.1:{silent}").line("tcp") == (
        "failed",
        f"Port {silent} of 127.0.0.1 does not answer. Check the port in the endpoint, and whether a firewall or a"
        " network policy blocks the connection.",
    )


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_proxy_that_refuses_the_store_is_named(examine: Examine) -> None:
    with Recorder(403) as refusing:
        network = Network(https_proxy=f"http://user:HIDDEN@127.0.0.1:{refusing.port}")
        found = examine("https://s3.example.com", network=network)
    assert found.line("proxy") == (
        "failed",
        f"The proxy 127.0.0.1:{refusing.port} refuses to connect to s3.example.com:443 (403 Forbidden). Allow this"
        " address in the proxy, or add s3.example.com to no_proxy.",
    )
    assert found.failed == ["proxy"]
    assert "Proxy-Authorization" in refusing.requests[0] or "proxy-authorization" in refusing.requests[0]


def test_proxy_that_requires_a_password_is_named(examine: Examine) -> None:
    with Recorder(407) as refusing:
        found = examine("https://s3.example.com", network=Network(https_proxy=refusing.url))
    assert found["proxy"].status == "failed"
    assert f"The proxy 127.0.0.1:{refusing.port} requires a user name and a password" in found["proxy"].message


def test_unknown_proxy_and_closed_port_of_a_proxy_are_named(examine: Examine) -> None:
    unknown = examine("https://s3.example.com", network=Network(https_proxy="http://no-proxy.invalid:3128"))
    assert unknown.line("dns") == (
        "failed",
        "The host name no-proxy.invalid cannot be resolved. Check its spelling in the proxy settings, and that this"
        " network knows it.",
    )
    port = free_port()
    closed = examine("https://s3.example.com", network=Network(https_proxy=f"http://127.0.0.1:{port}"))
    assert closed.line("tcp") == (
        "failed",
        f"Port {port} of the proxy 127.0.0.1 refuses connections. Check the port in the proxy settings, and that the"
        " service is running.",
    )


def test_proxy_that_is_not_a_url_is_named_without_its_password(examine: Examine) -> None:
    found = examine("https://s3.example.com", network=Network(https_proxy="http://user:HIDDEN#@proxy:port"))
    assert found.failed == ["definition"]
    assert "The proxy for https addresses is not a valid URL." in found["definition"].message


class Garbage(QuietHandler):
    """A service that does not speak HTTP."""

    def handle(self) -> None:
        self.request.recv(100)
        self.request.sendall(b"SSH-2.0-server\r\n\r\n")


def test_service_that_is_not_a_proxy_is_named(examine: Examine) -> None:
    with LoopbackServer(Garbage) as server:
        found = examine("https://s3.example.com", network=Network(https_proxy=server.url))
    assert found.line("proxy") == (
        "failed",
        f"127.0.0.1:{server.port} does not answer as a proxy. Check the address and the port in the proxy settings.",
    )


def test_used_and_unused_proxies_are_shown(examine: Examine, odd_store: OddStore) -> None:
    unused = Network(http_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1")
    assert examine(odd_store.endpoint, network=unused).line("proxy") == (
        "ok",
        "No proxy is used for 127.0.0.1, because of no_proxy.",
    )
    # A server that is asked for whole URLs, as a proxy is, answers here with the list of buckets.
    used = examine("http://store.invalid", network=Network(http_proxy=odd_store.endpoint))
    assert used.line("proxy") == ("ok", f"Requests go through the proxy 127.0.0.1:{odd_store.port}.")


class Console(QuietHandler):
    """A web page, which ends the test."""

    def do_GET(self) -> None:
        body = b"<html></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class BadGateway(BaseHTTPRequestHandler):
    """A proxy that does not reach the store."""

    def do_GET(self) -> None:
        self.send_response(502)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_proxy_that_answers_instead_of_the_store_is_named(examine: Examine) -> None:
    with LoopbackServer(BadGateway) as proxy:
        found = examine("http://store.invalid", network=Network(http_proxy=proxy.url))
    assert found.line("service") == (
        "failed",
        f"The proxy 127.0.0.1:{proxy.port} answered with status 502 instead of the store. Check whether the proxy can"
        " reach it, or add its host to no_proxy.",
    )


class Tunnel(QuietHandler):
    """A proxy that connects to any port of this machine, whatever the name of the host is."""

    def do_CONNECT(self) -> None:
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as store:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=forward, args=(store, self.connection), daemon=True)
            back.start()
            forward(self.connection, store)
            back.join()
        self.close_connection = True


def forward(source: Any, target: Any) -> None:
    """Forward what arrives until the sender has ended."""
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two has gone


@pytest.mark.parametrize("with_tls", [False, True], ids=["http proxy", "https proxy"])
def test_store_is_tested_through_the_tunnel_of_a_proxy(examine: Examine, tmp_path: Path, with_tls: bool) -> None:
    authority = trustme.CA(organization_name="Test authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("store.invalid", "127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with (
        LoopbackServer(Console, tls=context) as store,
        LoopbackServer(Tunnel, tls=context if with_tls else None) as one,
    ):
        url = f"https://store.invalid:{store.port}"
        trusted = Network(https_proxy=one.url, ca_bundles=(str(tmp_path / "ca.pem"),))
        found = examine(url, network=trusted)
        unknown = examine(url, network=Network(https_proxy=one.url))
    assert found.line("dns") == ("ok", "127.0.0.1 is an address, which needs no name server.")
    assert found.line("proxy") == ("ok", f"Requests go through the proxy 127.0.0.1:{one.port}.")
    assert found["tls"].status == "ok"
    assert found.failed == ["service"]
    assert "answered with a web page" in found["service"].message
    assert unknown.failed == (["proxy"] if with_tls else ["tls"])
    if with_tls:
        assert f"The certificate of the proxy 127.0.0.1:{one.port} is not accepted" in unknown["proxy"].message
