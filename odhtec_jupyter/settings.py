"""Every setting: its trait, its environment variable, its default, its check and its help.

Precedence: runtime change (the settings routes) > traitlets configuration > environment > default. Secrets live
only in here and in the frozen connections handed to the stores; neither prints them.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_data_dir
from traitlets import Int, Unicode, default, validate
from traitlets.config import LoggingConfigurable

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.hub_token import own_token
from odhtec_jupyter.models import (
    HubSettings,
    HubSettingsChange,
    ProxySettings,
    ProxySettingsChange,
    S3Settings,
    S3SettingsChange,
)
from odhtec_jupyter.network import AMAZON, Network, Origin, bare_bucket, checked_url, origin, proxy_url, without_bucket
from odhtec_jupyter.secret_traits import secret_in

MIB = 1024 * 1024
MASK = "***"  # shown in the place of a password
HUB_ENDPOINT = "https://huggingface.co"

# Where OpenShift and Open Data Hub mount certificate authorities; those that exist are trusted in addition.
PLATFORM_CA_BUNDLES = (
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
    "/var/run/secrets/kubernetes.io/serviceaccount/service-ca.crt",
    "/etc/pki/tls/certs/odh-ca-bundle.crt",
    "/etc/pki/tls/certs/odh-trusted-ca-bundle.crt",
)


@dataclass(frozen=True)
class S3Connection:
    """What an S3 store needs. Without keys, boto3's own chain (profile, web identity, instance role) is asked."""

    endpoint: str | None = None
    region: str | None = None
    default_bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class HubConnection:
    """What a Hugging Face store needs."""

    endpoint: str = HUB_ENDPOINT
    token: str | None = field(default=None, repr=False)


def _env(*names: str) -> str:
    """The first of these environment variables that is set and not blank, in either case for proxies."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _mask(proxy: str | None) -> str | None:
    """A proxy URL with its password hidden."""
    if not proxy:
        return None
    scheme, separator, rest = proxy.partition("://")
    if not separator or ":" in scheme or "@" in scheme:  # without a scheme, as curl also takes it
        scheme, separator, rest = "", "", proxy
    account, at, host = rest.rpartition("@")  # the last one: a password may hold others
    user, colon, _ = account.partition(":")
    # Without a colon the account may be a token.
    return f"{scheme}{separator}{f'{user}:' if colon else ''}***@{host}" if at else proxy


def _origin(url: str) -> Origin | None:
    """The origin of an endpoint as it was given; None for one that cannot be used."""
    try:
        return origin(checked_url(url, "endpoint"))
    except BadRequest:
        return None


def _belongs(field: str, what: str, present: Origin | None, needed: str) -> str:
    """Why a changed endpoint is refused, and what to send with it."""
    whose = f"{present[0]}://{present[1]}:{present[2]}" if present else "the endpoint that was configured"
    verb = "belongs" if what.endswith("token") else "belong"
    return f"{field}: {what} {verb} to {whose}. Enter the {needed} of the new endpoint, too."


def _merge(change: str | None, present: str | None) -> str | None:
    """A field that was left out keeps its value, an empty one clears it."""
    return present if change is None else (change.strip() or None)


def check_secret(value: str | None, name: str) -> None:
    """Raise :class:`BadRequest` for what cannot stand in a header; the value is not repeated."""
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise BadRequest(f"{name} contains spaces or other characters that are not allowed.")


class OdhTecSettings(LoggingConfigurable):
    """The settings of ODH-TEC for Jupyter."""

    s3_endpoint = Unicode(
        help="URL of the S3 service; empty means Amazon S3. Environment: AWS_S3_ENDPOINT, then "
        "AWS_ENDPOINT_URL_S3, then AWS_ENDPOINT_URL.",
    ).tag(config=True)
    s3_access_key_id = Unicode(help="S3 access key id. Environment: AWS_ACCESS_KEY_ID.").tag(config=True)
    s3_secret_access_key = Unicode(
        help="S3 secret access key; better given as s3_secret_access_key_file. Environment: AWS_SECRET_ACCESS_KEY."
    ).tag(config=True)
    s3_secret_access_key_file = Unicode(
        help="A file that holds the S3 secret access key, as Kubernetes mounts secrets; read once."
    ).tag(config=True)
    s3_session_token = Unicode(
        help="S3 session token; better given as s3_session_token_file. Environment: AWS_SESSION_TOKEN."
    ).tag(config=True)
    s3_session_token_file = Unicode(help="A file that holds the S3 session token.").tag(config=True)
    s3_region = Unicode(help="S3 region. Environment: AWS_DEFAULT_REGION, then AWS_REGION.").tag(config=True)
    s3_bucket = Unicode(help="The bucket to open first. Environment: AWS_S3_BUCKET.").tag(config=True)
    hf_endpoint = Unicode(help="URL of the Hugging Face Hub or a mirror. Environment: HF_ENDPOINT.").tag(config=True)
    hf_token = Unicode(
        help="Hugging Face token; better given as hf_token_file. Environment: HF_TOKEN, then HUGGING_FACE_HUB_TOKEN; "
        "then what `hf auth login` stored (HF_TOKEN_PATH, HF_HOME), for the hub that it was for."
    ).tag(config=True)
    hf_account_from = "configuration"  # where hf_token is from, unless something below says otherwise
    hf_token_file = Unicode(help="A file that holds the Hugging Face token.").tag(config=True)
    http_proxy = Unicode(help="Proxy for http URLs. Environment: HTTP_PROXY.").tag(config=True)
    https_proxy = Unicode(help="Proxy for https URLs. Environment: HTTPS_PROXY.").tag(config=True)
    no_proxy = Unicode(
        help="Hosts, domains and networks reached without a proxy, separated by commas. Environment: NO_PROXY."
    ).tag(config=True)
    ca_bundle = Unicode(
        help="A PEM file of certificate authorities to trust in addition to the public ones, for S3 and the hub. "
        "Environment: AWS_CA_BUNDLE, SSL_CERT_FILE and REQUESTS_CA_BUNDLE (all that are set). The bundles that "
        "OpenShift mounts are trusted, too.",
    ).tag(config=True)
    max_concurrent_transfers = Int(
        help="How many files move at once, over all transfers (1 to 64). Environment: MAX_CONCURRENT_TRANSFERS."
    ).tag(config=True)
    max_memory = Int(
        64 * MIB,
        help="Bytes of memory that all transfers together may use for data in flight; at least 32 MiB.",
    ).tag(config=True)
    state_dir = Unicode(help="Where state is kept between starts (owner-only files, no secrets).").tag(config=True)

    keep_finished_days = Int(
        7, min=0, help="How many days finished transfers stay listed. Failed ones keep their parts that long."
    ).tag(config=True)

    keep_uploads_days = Int(
        7, min=1, help="How many days an unfinished upload waits for its sender, with the parts that have arrived."
    ).tag(config=True)

    @default("s3_endpoint")
    def _s3_endpoint(self) -> str:
        return _env("AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

    @default("s3_access_key_id")
    def _s3_access_key_id(self) -> str:
        return _env("AWS_ACCESS_KEY_ID")

    @default("s3_secret_access_key")
    def _s3_secret_access_key(self) -> str:
        return self._secret("s3_secret_access_key_file", "AWS_SECRET_ACCESS_KEY")

    @default("s3_session_token")
    def _s3_session_token(self) -> str:
        return self._secret("s3_session_token_file", "AWS_SESSION_TOKEN")

    @default("s3_region")
    def _s3_region(self) -> str:
        return _env("AWS_DEFAULT_REGION", "AWS_REGION")

    @default("s3_bucket")
    def _s3_bucket(self) -> str:
        return _env("AWS_S3_BUCKET")

    @default("hf_endpoint")
    def _hf_endpoint(self) -> str:
        return _env("HF_ENDPOINT") or HUB_ENDPOINT

    @default("hf_token")
    def _hf_token(self) -> str:
        if self.hf_token_file:
            self.hf_account_from = "hf_token_file"
            return self._secret("hf_token_file", "HF_TOKEN")
        present = _origin(self.hf_endpoint or HUB_ENDPOINT)
        logged_in = {_origin(HUB_ENDPOINT), _origin(_env("HF_ENDPOINT") or HUB_ENDPOINT)}
        token, self.hf_account_from = own_token(with_login=present in logged_in)
        return token

    def _secret(self, trait: str, variable: str) -> str:
        """What the file holds that a trait names, else an environment variable."""
        path = getattr(self, trait)
        if not path:
            return _env(variable)
        try:
            return secret_in(path)
        except BadRequest as error:  # not the variable: it may belong to another account
            self.log.error("%s: the secret in %s cannot be read: %s.", trait, path, error)
            return ""

    @default("http_proxy")
    def _http_proxy(self) -> str:
        return _env("HTTP_PROXY", "http_proxy")

    @default("https_proxy")
    def _https_proxy(self) -> str:
        return _env("HTTPS_PROXY", "https_proxy")

    @default("no_proxy")
    def _no_proxy(self) -> str:
        return _env("NO_PROXY", "no_proxy")

    @default("max_concurrent_transfers")
    def _max_concurrent_transfers(self) -> int:
        text = _env("MAX_CONCURRENT_TRANSFERS")
        if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
            self.log.warning("MAX_CONCURRENT_TRANSFERS must be a number from 1 to 64; using 2.")
            return 2
        return int(text or 2)

    @default("state_dir")
    def _state_dir(self) -> str:
        return str(Path(jupyter_data_dir()) / "odhtec")

    @validate("max_concurrent_transfers")
    def _check_concurrency(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= 64:
            raise BadRequest("maxConcurrentTransfers must be a number from 1 to 64.")
        return int(proposal["value"])

    @validate("max_memory")
    def _check_memory(self, proposal: Any) -> int:
        # Two parts for uploads and two for everything else is the least that cannot stand still.
        return max(int(proposal["value"]), 32 * MIB)

    # --- what the stores are built from ---------------------------------------------------------------------------

    @property
    def s3(self) -> S3Connection:
        """The S3 connection now in force, its endpoint repaired."""
        now = self._s3_as_given
        if not now.endpoint:
            return now
        return replace(now, endpoint=without_bucket(checked_url(now.endpoint, "endpoint"), now.default_bucket))

    @property
    def _s3_as_given(self) -> S3Connection:
        """With the endpoint as it was written: one that cannot be used must not be in the way of its repair."""
        return S3Connection(
            endpoint=self.s3_endpoint or None,
            region=self.s3_region or None,
            default_bucket=bare_bucket(self.s3_bucket),
            access_key_id=self.s3_access_key_id or None,
            secret_access_key=self.s3_secret_access_key or None,
            session_token=self.s3_session_token or None,
        )

    @property
    def hub(self) -> HubConnection:
        """The Hugging Face connection now in force."""
        return HubConnection(checked_url(self.hf_endpoint or HUB_ENDPOINT, "hfEndpoint"), self.hf_token or None)

    @property
    def network(self) -> Network:
        """Proxies and certificate authorities now in force."""
        named = [self.ca_bundle] if self.ca_bundle else []
        named += [_env(name) for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
        bundles = dict.fromkeys(path for path in (*named, *PLATFORM_CA_BUNDLES) if path and os.path.isfile(path))
        http_proxy, https_proxy = proxy_url(self.http_proxy), proxy_url(self.https_proxy)
        return Network(http_proxy or None, https_proxy or None, self.no_proxy or None, tuple(bundles))

    # --- what the settings routes show and change -----------------------------------------------------------------

    def changed_s3(self, change: S3SettingsChange) -> S3Connection:
        """The connection with a change applied, checked; nothing is stored."""
        now = self._s3_as_given
        with suppress(BadRequest):
            now = self.s3  # repaired: with another bucket, the host must not name the old one again
        endpoint = _merge(change.endpoint, now.endpoint)
        bucket = bare_bucket(_merge(change.default_bucket, now.default_bucket))
        new = replace(
            now,
            endpoint=without_bucket(checked_url(endpoint, "endpoint"), bucket) if endpoint else None,
            region=_merge(change.region, now.region),
            default_bucket=bucket,
            access_key_id=_merge(change.access_key_id, now.access_key_id),
            secret_access_key=_merge(change.secret_access_key, now.secret_access_key),
            session_token=_merge(change.session_token, now.session_token),
        )
        if new.region and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", new.region):
            raise BadRequest("region can contain letters, digits and hyphens only.")
        for name, value in (
            ("accessKeyId", new.access_key_id),
            ("secretAccessKey", new.secret_access_key),
            ("sessionToken", new.session_token),
        ):
            check_secret(value, name)
        if bool(new.access_key_id) != bool(new.secret_access_key):
            raise BadRequest("accessKeyId and secretAccessKey must be given together.")
        return self._with_own_keys(change, now, new)

    @cached_property
    def _configured(self) -> Origin | None:
        """Where boto3's own credentials may go, besides Amazon: what was configured before the first change."""
        now = self._s3_as_given
        with suppress(BadRequest):
            now = self.s3
        return _origin(now.endpoint or AMAZON)

    def _with_own_keys(self, change: S3SettingsChange, now: S3Connection, new: S3Connection) -> S3Connection:
        """``new`` without what belongs to another origin. Raises :class:`BadRequest` where nothing would be left."""
        configured = self._configured
        target, present = origin(new.endpoint or AMAZON), _origin(now.endpoint or AMAZON)
        # Without keys of ours, boto3 signs with those of the server: a profile, a web identity or an instance role.
        if not new.secret_access_key and target not in {origin(AMAZON), configured}:
            raise BadRequest(_belongs("endpoint", "The credentials of this server", configured, "access key"))
        if target == present:
            return new
        if now.secret_access_key and change.secret_access_key is None:
            raise BadRequest(_belongs("endpoint", "The stored S3 keys", present, "secret access key"))
        return replace(new, session_token=_merge(change.session_token or "", None))

    def change_s3(self, change: S3SettingsChange) -> None:
        """Store a checked change until the server stops."""
        new = self.changed_s3(change)
        self.s3_endpoint = new.endpoint or ""
        self.s3_region = new.region or ""
        self.s3_bucket = new.default_bucket or ""
        self.s3_access_key_id = new.access_key_id or ""
        self.s3_secret_access_key = new.secret_access_key or ""
        self.s3_session_token = new.session_token or ""

    def show_s3(self) -> S3Settings:
        """The S3 settings without their secrets; an endpoint that cannot be used is shown as it was given."""
        now = self._s3_as_given
        with suppress(BadRequest):
            now = self.s3
        return S3Settings(
            endpoint=_mask(now.endpoint),
            region=now.region,
            default_bucket=now.default_bucket,
            access_key_id=now.access_key_id,
            secret_access_key_set=now.secret_access_key is not None,
            session_token_set=now.session_token is not None,
        )

    def changed_hub(self, change: HubSettingsChange) -> HubConnection:
        """The hub connection with a change applied, checked; nothing is stored."""
        endpoint = _merge(change.hf_endpoint, self.hf_endpoint) or HUB_ENDPOINT
        token = _merge(change.hf_token, self.hf_token or None)
        check_secret(token, "hfToken")
        new = HubConnection(checked_url(endpoint, "hfEndpoint"), token)
        present = _origin(self.hf_endpoint or HUB_ENDPOINT)
        if new.token and change.hf_token is None and origin(new.endpoint) != present:
            raise BadRequest(_belongs("hfEndpoint", "The stored Hugging Face token", present, "token"))
        return new

    def change_hub(self, change: HubSettingsChange) -> None:
        """Store a checked change until the server stops."""
        new = self.changed_hub(change)
        self.hf_endpoint, self.hf_token = new.endpoint, new.token or ""
        if change.hf_token is not None:
            self.hf_account_from = "settings"

    def show_hub(self) -> HubSettings:
        """The hub settings without the token."""
        endpoint = self.hf_endpoint
        with suppress(BadRequest):
            endpoint = self.hub.endpoint
        is_set = bool(self.hf_token)
        return HubSettings(
            hf_endpoint=_mask(endpoint) or "",
            hf_token_set=is_set,
            hf_token_from=self.hf_account_from if is_set else None,
        )

    def changed_network(self, change: ProxySettingsChange) -> Network:
        """The network with changed proxies, checked; nothing is stored."""
        now = self.network
        values: dict[str, str | None] = {}
        for name, alias in (("http_proxy", "httpProxy"), ("https_proxy", "httpsProxy")):
            present = getattr(now, name)
            new = proxy_url(_merge(getattr(change, name), present) or "")
            if new and new != present:
                # The masked form coming back means the password that is stored, for that proxy alone.
                new = present if new == _mask(present) else checked_url(new, alias, userinfo=True)
                if urlsplit(new).password == MASK and new != present:
                    raise BadRequest(f"{alias}: the stored password belongs to another proxy. Enter the password, too.")
            values[name] = new or None
        return replace(now, **values, no_proxy=_merge(change.no_proxy, now.no_proxy))  # type: ignore[arg-type]

    def change_network(self, change: ProxySettingsChange) -> None:
        """Store checked proxies until the server stops."""
        new = self.changed_network(change)
        self.http_proxy, self.https_proxy = new.http_proxy or "", new.https_proxy or ""
        self.no_proxy = new.no_proxy or ""

    def show_network(self) -> ProxySettings:
        """The proxies without their passwords."""
        return ProxySettings(
            http_proxy=_mask(self.http_proxy),
            https_proxy=_mask(self.https_proxy),
            no_proxy=self.no_proxy or None,
        )
