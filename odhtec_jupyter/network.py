"""The way out: which proxy a URL is reached through, and whom to trust on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Network:
    """Proxies and certificate authorities, the same for S3 and the hub."""

    http_proxy: str | None = field(default=None, repr=False)  # may hold a password
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    ca_bundles: tuple[str, ...] = ()

    def proxy_for(self, url: str) -> str | None:
        """The proxy a request to ``url`` goes through, after ``no_proxy``."""
        parts = urlsplit(url)
        proxy = self.https_proxy if parts.scheme == "https" else self.http_proxy
        if not proxy or not self.no_proxy:
            return proxy
        # Not by requests or urllib: they write to the environment of the process, and this runs in many threads.
        host, port = (parts.hostname or "").rstrip("."), str(parts.port or "")
        names = re.split(r"[\s,]+", self.no_proxy.lower())
        return None if any(_reached_directly(host, port, name) for name in names if name) else proxy


def _reached_directly(host: str, port: str, name: str) -> bool:
    """Whether an entry of ``no_proxy`` (host, domain, address, network, each with or without a port, ``*``) fits."""
    if name == "*":
        return True
    try:
        network = ip_network(name.strip("[]"), strict=False)
    except ValueError:
        name, _, wanted = name.partition(":")
        domain = name.removeprefix("*").lstrip(".")
        return bool(domain) and wanted in {"", port} and (host == domain or host.endswith(f".{domain}"))
    try:
        return ip_address(host) in network
    except ValueError:
        return False  # a name: what it resolves to is not looked up
