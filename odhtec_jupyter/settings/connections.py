"""Connections to S3 and to Hugging Face, as the settings hand them to the stores. Neither prints its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field

HUB_ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True)
class S3Connection:
    """What an S3 store needs. Without keys, boto3 looks for credentials: a profile, web identity or instance role."""

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
