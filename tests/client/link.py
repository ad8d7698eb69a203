"""A client behind a fault proxy, which sees each of its requests to the Jupyter server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from odhtec_jupyter.client import Client
from odhtec_jupyter.demo.jupyter_process import JupyterProcess
from tests.faults.proxy import Proxy
from tests.faults.traffic import Exchange


class Link:
    """The client and the proxy. Kinds of requests: ``range``, ``download``, ``head``, ``upload`` and ``other``."""

    def __init__(self, client: Client, proxy: Proxy) -> None:
        self.client, self.proxy = client, proxy

    def ranges(self) -> list[tuple[int, int]]:
        """The ranges that were requested, in the order of their bytes; the ends are exclusive."""
        found = (one.headers["range"].removeprefix("bytes=").split("-") for one in self.proxy.traffic.seen("range"))
        return sorted((int(start), int(last) + 1) for start, last in found)


def kind(exchange: Exchange) -> str:
    """What a request is about."""
    if "/objects/upload/" in exchange.path:
        return "upload"
    if "/objects/download/" not in exchange.path:
        return "other"
    return "head" if exchange.method == "HEAD" else "range" if "range" in exchange.headers else "download"


@contextmanager
def link_to(server: JupyterProcess) -> Iterator[Link]:
    """A client whose requests pass through a proxy."""
    url = urlsplit(server.url)
    with Proxy(f"http://{url.netloc}", kind=kind) as proxy:
        client = Client(f"{proxy.url}{url.path}", server.token)
        try:
            yield Link(client, proxy)
        finally:
            proxy.rules.clear()
            client.api.connection.close()
