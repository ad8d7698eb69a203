"""The way to the store: the name of its host, a TCP connection, and the proxy."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

from odhtec_jupyter.doctor.finding import Finding, failed, ok
from odhtec_jupyter.doctor.route import MAX_NAME, Reached, Route, some
from odhtec_jupyter.errors import ProxyError, Unreachable, clipped
from odhtec_jupyter.network import Network, proxy_refused
from odhtec_jupyter.stores.http import ca_file, reason

SOCKET_SECONDS = 4.0  # for each address of a host, so that two of them are tried within a step
MAX_HEAD_BYTES = 16 * 1024  # of a proxy's reply


def dns(subject: Reached) -> Finding:
    """Resolve the host that the server connects to."""
    route = subject.route
    host, port = route.first
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        where = "in the proxy settings" if route.proxy else "in the endpoint"
        return failed(
            f"The host name {clipped(host, MAX_NAME)} cannot be resolved. Check its spelling {where}, and that this"
            " network knows it."
        )
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if addresses == [host]:
        return ok(f"{host} is an address, which needs no name server.")
    return ok(
        f"{route.first_name} has the address {some(addresses)}.".capitalize()
        if route.proxy
        else f"{host} has the address {some(addresses)}."
    )


def tcp(subject: Reached) -> Finding:
    """Connect to the port of the store, or of the proxy."""
    route = subject.route
    host, port = route.first
    where = "in the proxy settings" if route.proxy else "in the endpoint"
    name = route.first_name
    try:
        socket.create_connection((host, port), timeout=SOCKET_SECONDS).close()
    except ConnectionRefusedError:
        return failed(
            f"Port {port} of {name} refuses connections. Check the port {where}, and that the service is running."
        )
    except TimeoutError:
        return failed(
            f"Port {port} of {name} does not answer. Check the port {where}, and whether a firewall or a network policy"
            " blocks the connection."
        )
    except OSError as error:
        return failed(f"Port {port} of {name} cannot be reached: {reason(error)}. Check the network of this server.")
    return ok(f"Port {port} of {name} accepts connections.")


def proxy(subject: Reached) -> Finding:
    """Let the proxy connect to the store."""
    route = subject.route
    if not route.proxy:
        unused = subject.network.https_proxy if route.scheme == "https" else subject.network.http_proxy
        return ok(f"No proxy is used for {route.host}{', because of no_proxy' if unused else ''}.")
    if route.scheme == "https":
        connect(route, subject.network).close()
    return ok(f"Requests go through the proxy {route.proxy_address}.")


def connect(route: Route, network: Network) -> Any:
    """Return a socket to the store, through the tunnel of the proxy if there is one. Raises :class:`Unreachable`."""
    host, port = route.first
    try:
        made: Any = socket.create_connection((host, port), timeout=SOCKET_SECONDS)
    except OSError as error:
        raise Unreachable(f"{host}:{port} cannot be reached: {reason(error)}.") from error
    if not route.proxy or route.scheme != "https":
        return made
    try:
        if route.proxy.startswith("https://"):
            made = trusting(network).wrap_socket(made, server_hostname=host)
        _open_tunnel(made, route)
    except ssl.SSLCertVerificationError as error:
        made.close()
        raise ProxyError(
            f"The certificate of the proxy {route.proxy_address} is not accepted: {clipped(error.verify_message)}. Add"
            " the authority that has issued it to the CA bundle of this server (AWS_CA_BUNDLE)."
        ) from error
    except OSError as error:
        made.close()
        raise ProxyError(
            f"The proxy {route.proxy_address} ended the connection: {reason(error)}. Check the address and the port in"
            " the proxy settings."
        ) from error
    except ProxyError:
        made.close()
        raise
    return made


def trusting(network: Network) -> Any:
    """Return the TLS context of the stores, with the authorities of this network. Raises ``OSError`` for a bad file."""
    import certifi
    from urllib3.util import create_urllib3_context

    context = create_urllib3_context()
    context.load_verify_locations(ca_file(network) or certifi.where())
    return context


def _open_tunnel(made: Any, route: Route) -> None:
    from urllib3 import make_headers

    account = urlsplit(route.proxy or "")
    lines = [f"CONNECT {route.address} HTTP/1.1", f"Host: {route.address}"]
    if account.username:
        word = f"{unquote(account.username)}:{unquote(account.password or '')}"
        lines += [f"{name}: {value}" for name, value in make_headers(proxy_basic_auth=word).items()]
    made.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < MAX_HEAD_BYTES and (piece := made.recv(1024)):
        head += piece
    status = re.match(rb"HTTP/1\.[01] (\d{3})([^\r\n]{0,100})", head)
    if status is None:
        raise ProxyError(
            f"{route.proxy_address} does not answer as a proxy. Check the address and the port in the proxy settings."
        )
    if status[1] == b"407":
        raise proxy_refused(route.proxy or "")
    if not status[1].startswith(b"2"):
        text = (status[1] + status[2]).decode("latin-1").strip()
        raise ProxyError(
            f"The proxy {route.proxy_address} refuses to connect to {route.address} ({text}). Allow this address in the"
            f" proxy, or add {route.host} to no_proxy."
        )
