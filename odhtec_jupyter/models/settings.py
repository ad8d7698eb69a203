"""Settings over the wire: secrets are only written, and a reply says whether they are set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import Wire


class S3Settings(Wire):
    """The S3 connection in use, without its secrets."""

    endpoint: str | None
    region: str | None
    default_bucket: str | None
    access_key_id: str | None
    secret_access_key_set: bool
    session_token_set: bool


class S3SettingsChange(Wire):
    """A missing field keeps its value, an empty string clears it."""

    endpoint: str | None = None
    region: str | None = None
    default_bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None


class HubSettings(Wire):
    """The Hugging Face connection in use."""

    hf_endpoint: str
    hf_token_set: bool
    hf_token_from: str | None = Field(
        description="settings, configuration, hf_token_file, an environment variable, or hf auth login"
    )


class HubSettingsChange(Wire):
    """A missing field keeps its value, an empty string clears it."""

    hf_endpoint: str | None = None
    hf_token: str | None = None


class ProxySettings(Wire):
    """Proxies for S3 and Hugging Face. A password is shown as ``***``; sending ``***`` back keeps it."""

    http_proxy: str | None
    https_proxy: str | None
    no_proxy: str | None


class ProxySettingsChange(Wire):
    """A missing field keeps its value, an empty string clears it."""

    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None


class ConcurrencySettings(Wire):
    """The number of files that all transfers together move at the same time."""

    max_concurrent_transfers: int = Field(ge=1, le=64, strict=True)


class BandwidthSettings(Wire):
    """Bytes per second that all transfers, uploads and downloads together move, from 10,000; 0 for no limit."""

    max_bandwidth: int = Field(ge=0, le=10**12, strict=True)


class TestReply(Wire):
    """A successful test. The reply to a failed test is an error."""

    __test__ = False  # not a pytest class
    ok: Literal[True] = True
    message: str


class Disclaimer(Wire):
    """Information about the application, and whether its terms were accepted on this server."""

    name: str
    version: str
    text: str
    accepted: bool


class DisclaimerChange(Wire):
    """Body of ``PUT /disclaimer``."""

    accepted: bool
