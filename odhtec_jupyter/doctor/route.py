"""How a service is reached, and how its names are shown in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from odhtec_jupyter.errors import clipped
from odhtec_jupyter.network import PORTS, Network

MAX_NAMES = 5  # that a sentence lists
MAX_NAME = 100  # characters of a foreign name in a sentence


@dataclass(frozen=True)
class Route:
    """How a service is reached."""

    scheme: str
    host: str
    port: int
    proxy: str | None = field(repr=False)  # can contain a password

    @property
    def address(self) -> str:
        """Host and port of the service."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def proxy_address(self) -> str:
        """Host and port of the proxy, without its password."""
        parts = urlsplit(self.proxy or "")
        return f"{parts.hostname}:{parts.port or PORTS.get(parts.scheme, 80)}"

    @property
    def first(self) -> tuple[str, int]:
        """Host and port that the server connects to: those of the proxy, if there is one."""
        if not self.proxy:
            return self.host, self.port
        parts = urlsplit(self.proxy)
        return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 80)

    @property
    def first_name(self) -> str:
        """What is at :attr:`first`, for a sentence."""
        return f"the proxy {self.first[0]}" if self.proxy else self.first[0]


class Reached(Protocol):
    """What is tested: a connection to S3, or Hugging Face."""

    @property
    def network(self) -> Network:
        """The proxies and certificate authorities for it."""

    @property
    def route(self) -> Route:
        """How it is reached."""

    def close(self) -> None:
        """Close the connections to it."""


def route_to(url: str, network: Network) -> Route:
    """Return how an address is reached. Raises :class:`ProxyError` for a proxy that is not a URL."""
    parts = urlsplit(url)
    port = parts.port or PORTS[parts.scheme]
    return Route(parts.scheme, parts.hostname or "", port, network.proxy_for(url))


def some(names: Sequence[str]) -> str:
    """Return the first of these names for a sentence."""
    shown = ", ".join(clipped(name, MAX_NAME) for name in names[:MAX_NAMES])
    return f"{shown}, …" if len(names) > MAX_NAMES else shown
