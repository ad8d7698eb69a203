"""A stand-in for the Hugging Face Hub: an HTTP server for the real huggingface_hub library.

Like the hub, it is two servers: one for the API and small files, and one on another host for large files. The first
redirects to the second with signed links that expire. :attr:`HubStandIn.traffic` records the requests of both.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from odhtec_jupyter.demo.hub.api_handler import HubHandler
from odhtec_jupyter.demo.hub.cdn_handler import CdnHandler
from odhtec_jupyter.demo.hub.faults import Fault, Host
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.service import Handler, Service
from odhtec_jupyter.models import RepoType

# As on the real hub, the second server has another host name: some clients compare only host names.
_CDN_ADDRESSES = ("127.0.0.2", "127.0.0.1")


class _Listener(ThreadingHTTPServer):
    """A server with its own threads, which can close its connections."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self, address: str, handler: type[Handler], service: Service, tls: ssl.SSLContext | None = None
    ) -> None:
        self.service = service
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((address, 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name=f"{handler.host} stand-in")

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{self.server_address[0]!s}:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        with self._guard:
            for connection in self._connections:
                # A handler may be waiting for the next request of a persistent connection.
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake takes place at the first read, in the thread of the connection.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; report anything else, which is a bug in the stand-in."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class HubStandIn:
    """Serves repositories on free ports of the loopback interface until the end of its ``with`` block.

    ``tokens`` maps the tokens that the hub knows to their users; the accepted tokens of a repository need not be in it.
    ``bytes_per_second`` limits each connection, ``latency`` (seconds) delays each request. With ``slow_every``, one of
    so many connections to the host for large files has a tenth of the speed. ``tls`` are the contexts of the API's host
    and of the host for large files, for https. :attr:`mirror` has switches for differences of mirrors.
    """

    def __init__(
        self,
        *repositories: Repository,
        tokens: Mapping[str, str] | None = None,
        page_size: int = 1000,
        bytes_per_second: float | None = None,
        latency: float = 0.0,
        slow_every: int | None = None,
        link_seconds: float = 3600,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
    ) -> None:
        self.service = Service(
            tokens=dict(tokens or {}),
            page_size=page_size,
            bytes_per_second=bytes_per_second,
            latency=latency,
            slow_every=slow_every,
            link_seconds=link_seconds,
        )
        self.traffic = self.service.traffic
        self.mirror = self.service.mirror
        for repository in repositories:
            self.add(repository)
        self._tls = tls or (None, None)
        self._listeners: list[_Listener] = []

    def add(self, repository: Repository) -> Repository:
        """Serve a repository, in place of any other one with its name."""
        self.service.repositories[repository.repo_type, repository.id] = repository
        return repository

    def repository(self, repo_id: str, repo_type: RepoType = "model") -> Repository:
        """Return a repository by its id."""
        return self.service.repositories[repo_type, repo_id]

    @property
    def endpoint(self) -> str:
        """The URL for ``HF_ENDPOINT``."""
        return self._listeners[0].url

    def inject(
        self,
        fault: Fault,
        path: str = "*",
        *,
        host: Host | None = None,
        method: str | None = None,
        times: int | None = 1,
    ) -> None:
        """Apply a fault to the next ``times`` requests (None: to all).

        ``path`` is a pattern for the decoded path of the URL, which ends in the path of the file on both hosts.
        """
        self.service.faults.add(fault, path, host, method, times)

    def reset(self) -> None:
        """Remove the faults, the repositories and the recorded traffic."""
        self.service.faults.clear()
        self.service.repositories.clear()
        self.traffic.clear()

    def start(self) -> None:
        """Start both servers."""
        hub = _Listener("127.0.0.1", HubHandler, self.service, self._tls[0])
        self._listeners.append(hub)
        try:
            cdn = _Listener(_CDN_ADDRESSES[0], CdnHandler, self.service, self._tls[1])
        except OSError:  # only Linux has all of 127.0.0.0/8 by default
            cdn = _Listener(_CDN_ADDRESSES[1], CdnHandler, self.service, self._tls[1])
        self._listeners.append(cdn)
        self.service.endpoint, self.service.cdn_endpoint = hub.url, cdn.url
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """Close all connections and stop all threads."""
        self.service.closing.set()
        self.service.faults.clear()
        while self._listeners:
            self._listeners.pop().stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
