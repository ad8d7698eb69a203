"""Connections to S3 and to Hugging Face, as the settings hand them to the stores. Neither prints its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

AddressingStyle = Literal["auto", "path", "virtual"]
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
    profile: str | None = None  # of the AWS configuration, where boto3 finds the credentials if there are no keys
    anonymous: bool = False  # requests are not signed
    requester_pays: bool = False  # accept the costs of requests to buckets that charge the requester
    read_only: bool = False
    addressing_style: AddressingStyle | None = None  # None: "path", or "auto" for Amazon without an endpoint


@dataclass(frozen=True)
class HubConnection:
    """What a Hugging Face store needs."""

    endpoint: str = HUB_ENDPOINT
    token: str | None = field(default=None, repr=False)
