"""Network addresses: URLs and their origins, proxies, and certificate authorities."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit, urlunsplit

from odhtec_jupyter.errors import BadRequest, ProxyError
from odhtec_jupyter.policy import Policy

AMAZON = "https://s3.amazonaws.com"
_HOST = re.compile(r"(?:\[[0-9a-f:.]+(?:%25[\w.~-]+)?\]|[^\[\]\\:]+)(?::\d{0,5})?", re.IGNORECASE | re.ASCII)
PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]


@dataclass(frozen=True)
class Network:
    """Proxies, certificate authorities and the policy, the same for S3 and the hub.

    The policy is here because every store needs a network: none can send a request that the policy does not allow.
    """

    http_proxy: str | None = field(default=None, repr=False)  # can contain a password
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: str | None = None
    ca_bundles: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy for requests to ``url``, taking ``no_proxy`` into account.

        Raises :class:`OdhTecError` for a proxy that is not a URL: the libraries would show it in their error, with its
        password.
        """
        parts = urlsplit(url)
        proxy = self.https_proxy if parts.scheme == "https" else self.http_proxy
        if proxy and self._is_direct(parts):
            return None
        if proxy:
            _require_proxy(proxy, parts.scheme)
        return proxy

    def _is_direct(self, parts: SplitResult) -> bool:
        if not self.no_proxy:
            return False
        # Without requests and urllib, which write to the environment of the process, because this runs in many threads.
        host, port = (parts.hostname or "").rstrip("."), str(parts.port or "")
        names = re.split(r"[\s,]+", self.no_proxy.lower())
        return any(_reached_directly(host, port, name) for name in names if name)


def _reached_directly(host: str, port: str, name: str) -> bool:
    """Return whether an entry of ``no_proxy`` applies: a host, domain, address or network, with a port, or ``*``."""
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
        return False  # names are not resolved


def proxy_url(text: str) -> str:
    """Return a proxy as a URL. Like curl, it uses http if an environment variable has no scheme."""
    scheme, found, _ = text.partition("://")
    # A later "://" can be part of a password.
    return text if not text or (found and not {":", "@"} & set(scheme)) else f"http://{text}"


def _require_proxy(proxy: str, scheme: str) -> None:
    try:
        checked_url(proxy, "proxy", userinfo=True)
    except BadRequest:
        raise ProxyError(
            f"The proxy for {scheme} addresses is not a valid URL. Enter it in the settings as"
            " http://user:password@host:port, with / as %2F, # as %23 and ? as %3F in the password."
        ) from None


def proxy_refused(proxy: str) -> ProxyError:
    """Return the error for a proxy that requires authentication (407)."""
    host = proxy.rpartition("@")[2].rpartition("://")[2].rstrip("/")
    return ProxyError(
        f"The proxy {host} requires a user name and a password, or rejects the configured ones. Enter the proxy in the"
        " settings as http://user:password@host:port."
    )


def origin(url: str) -> Origin:
    """Return scheme, host and port of a URL, which a credential belongs to.

    Raises :class:`ValueError` for a bad port.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS.get(scheme)


def checked_url(value: str, name: str, *, schemes: tuple[str, ...] = ("http", "https"), userinfo: bool = False) -> str:
    """Return ``value`` as an absolute URL without a trailing slash; a host without scheme gets https."""
    text = value.strip()
    if text and "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:  # its message can contain a password
        raise BadRequest(f"{name} must be a URL such as https://host:port.") from None
    # urlsplit removes line ends silently.
    if not text.isprintable() or " " in text:
        raise BadRequest(f"{name} must not contain spaces or control characters.")
    # urlsplit reads only "::1" from the host "a[::1]b", but the rest is still in the URL.
    if parts.scheme not in schemes or not parts.hostname or not _HOST.fullmatch(parts.netloc.rpartition("@")[2]):
        raise BadRequest(f"{name} must be a URL such as https://host:port.")
    if parts.query or parts.fragment:
        raise BadRequest(f"{name} must not have a query or a fragment.")
    if parts.username is not None and not userinfo:
        raise BadRequest(f"{name} must not contain a user name or a password.")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def without_bucket(endpoint: str, bucket: str | None) -> str:
    """Return the endpoint without the bucket in its host or path, which some data connections repeat there."""
    if not bucket:
        return endpoint
    parts = urlsplit(endpoint)
    netloc, path = parts.netloc, parts.path
    # Repeated until nothing changes, because this runs each time the settings are read.
    while netloc.lower().startswith(f"{bucket.lower()}.") and "." in netloc[len(bucket) + 1 :]:
        netloc = netloc[len(bucket) + 1 :]
    if path.strip("/") == bucket:
        path = ""
    return urlunsplit((parts.scheme, netloc, path, "", ""))


def bare_bucket(text: str | None) -> str | None:
    """Return the name of a bucket; some data connections have an address, an ARN or a slash."""
    name = re.sub(r"^(?:s3[an]?://|arn:aws[a-z-]{0,20}:s3:::)", "", (text or "").strip(), flags=re.IGNORECASE)
    if "://" in name or name.startswith("arn:"):  # an ARN of another service
        return name
    return name.strip("/").partition("/")[0] or None
