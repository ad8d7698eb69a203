"""Settings of the network: proxies and certificate authorities, and changes at run time."""

from __future__ import annotations

import os
from dataclasses import replace
from urllib.parse import urlsplit

from traitlets import Unicode, default

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import ProxySettings, ProxySettingsChange
from odhtec_jupyter.network import Network, checked_url, proxy_url
from odhtec_jupyter.settings.group import SettingsGroup
from odhtec_jupyter.settings.values import MASK, env, mask, merge

# Where OpenShift and Open Data Hub mount certificate authorities; existing ones are trusted in addition.
PLATFORM_CA_BUNDLES = (
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
    "/var/run/secrets/kubernetes.io/serviceaccount/service-ca.crt",
    "/etc/pki/tls/certs/odh-ca-bundle.crt",
    "/etc/pki/tls/certs/odh-trusted-ca-bundle.crt",
)


class NetworkTraits(SettingsGroup):
    """How S3 and Hugging Face are reached: through which proxies, and with which certificate authorities."""

    http_proxy = Unicode(help="Proxy for http URLs. Environment variable: HTTP_PROXY.").tag(config=True)
    https_proxy = Unicode(help="Proxy for https URLs. Environment variable: HTTPS_PROXY.").tag(config=True)
    no_proxy = Unicode(
        help="Hosts, domains and networks to reach without a proxy, separated by commas. Environment variable: "
        "NO_PROXY."
    ).tag(config=True)
    ca_bundle = Unicode(
        help="PEM file with certificate authorities to trust for S3 and Hugging Face, in addition to the public ones. "
        "The files in the environment variables AWS_CA_BUNDLE, SSL_CERT_FILE and REQUESTS_CA_BUNDLE and the bundles "
        "that OpenShift mounts are trusted, too."
    ).tag(config=True)

    @default("http_proxy")
    def _http_proxy(self) -> str:
        return env("HTTP_PROXY", "http_proxy")

    @default("https_proxy")
    def _https_proxy(self) -> str:
        return env("HTTPS_PROXY", "https_proxy")

    @default("no_proxy")
    def _no_proxy(self) -> str:
        return env("NO_PROXY", "no_proxy")

    @property
    def network(self) -> Network:
        """The proxies and certificate authorities in force now."""
        named = [self.ca_bundle] if self.ca_bundle else []
        named += [env(name) for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
        bundles = dict.fromkeys(path for path in (*named, *PLATFORM_CA_BUNDLES) if path and os.path.isfile(path))
        http_proxy, https_proxy = proxy_url(self.http_proxy), proxy_url(self.https_proxy)
        return Network(http_proxy or None, https_proxy or None, self.no_proxy or None, tuple(bundles))

    def changed_network(self, change: ProxySettingsChange) -> Network:
        """Return the network with changed and checked proxies; nothing is stored."""
        now = self.network
        values: dict[str, str | None] = {}
        for name, alias in (("http_proxy", "httpProxy"), ("https_proxy", "httpsProxy")):
            present = getattr(now, name)
            new = proxy_url(merge(getattr(change, name), present) or "")
            if new and new != present:
                # The masked URL means the stored password of this proxy, and of no other.
                new = present if new == mask(present) else checked_url(new, alias, userinfo=True)
                if urlsplit(new).password == MASK and new != present:
                    raise BadRequest(f"{alias}: the stored password belongs to another proxy. Enter the password, too.")
            values[name] = new or None
        return replace(now, **values, no_proxy=merge(change.no_proxy, now.no_proxy))  # type: ignore[arg-type]

    def change_network(self, change: ProxySettingsChange) -> None:
        """Check changed proxies and store them until the server stops."""
        new = self.changed_network(change)
        self.http_proxy, self.https_proxy = new.http_proxy or "", new.https_proxy or ""
        self.no_proxy = new.no_proxy or ""

    def show_network(self) -> ProxySettings:
        """Return the proxies without their passwords."""
        return ProxySettings(
            http_proxy=mask(self.http_proxy),
            https_proxy=mask(self.https_proxy),
            no_proxy=self.no_proxy or None,
        )
