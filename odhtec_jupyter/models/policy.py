"""Wire model of the policy: what the administrator of the server allows."""

from __future__ import annotations

from pydantic import Field

from odhtec_jupyter.models.wire import Wire


class Policy(Wire):
    """What the administrator allows. It stays the same until the server stops. Empty lists allow everything."""

    read_only: bool = Field(description="Nothing is written to S3")
    allowed_endpoints: list[str] = Field(
        description="Patterns for the endpoints of S3: a host, a host with a port, or a URL"
    )
    allowed_buckets: list[str] = Field(
        description="Patterns for buckets, as connection@bucket, or as bucket for all connections"
    )
    allow_user_connections: bool = Field(description="Connections can be added and removed")
    allow_presign: bool = Field(description="Links can be created")
    presign_max_seconds: int = Field(description="The longest time that a link can be valid")
    allow_settings_changes: bool = Field(description="The settings of the server can be changed")
    allowed_hub_repos: list[str] = Field(
        description="Patterns for repositories, as org/name, datasets/org/name and spaces/org/name"
    )
    max_object_bytes: int = Field(description="The size of the largest object that can be stored; 0 for no limit")
