"""Connections to S3 and to Hugging Face, as the settings hand them to the stores. Neither prints its secrets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
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

    @property
    def fingerprint(self) -> str:
        """The endpoint, and a hash that tells its accounts apart.

        It contains no secret, and not the access key ID either. Temporary keys are replaced all the time, so they do
        not count.
        """
        account = "temporary" if self.session_token else self.access_key_id or ""
        account = f"profile {self.profile}" if self.profile else account
        account = "anonymous" if self.anonymous else account
        digest = hashlib.sha256(f"{self.endpoint or ''}\n{account}".encode()).hexdigest()[:16]
        return f"{self.endpoint or 'amazonaws.com'}#{digest}"

    def is_renewed_by(self, other: S3Connection) -> bool:
        """Return whether ``other`` is this connection with new keys of, as far as can be known, the same account."""
        if not (self.access_key_id and other.access_key_id) or self.fingerprint != other.fingerprint:
            return False
        keys = ("access_key_id", "secret_access_key", "session_token")
        return replace(other, **{name: getattr(self, name) for name in keys}) == self


@dataclass(frozen=True)
class HubConnection:
    """What a Hugging Face store needs."""

    endpoint: str = HUB_ENDPOINT
    token: str | None = field(default=None, repr=False)
