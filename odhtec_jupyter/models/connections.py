"""Connections over the wire: secrets are only written, and a reply says whether they are set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import Wire

AddressingStyle = Literal["auto", "path", "virtual"]


class ConnectionSummary(Wire):
    """A named connection to an S3 store, without its secrets."""

    name: str
    title: str | None
    source: str = Field(
        description="environment, prefixed, directory, pipelines, profiles, mc, configured, or session: added while "
        "the server runs"
    )
    error: str | None = Field(description="Why the connection cannot be used; then its other values are not complete")
    removable: bool = Field(description="Whether it can be removed and replaced: only those of the source session can")
    endpoint: str | None = Field(description="Null for Amazon S3")
    preset: str = Field(description="The preset that the endpoint belongs to: amazon, compatible or huggingface")
    region: str | None
    default_bucket: str | None
    access_key_id: str | None = Field(description="Null for users who are not allowed to read `odhtec-settings`, too")
    secret_access_key_set: bool
    session_token_set: bool
    profile: str | None = Field(description="The profile of the AWS configuration that has the credentials")
    anonymous: bool = Field(description="Requests are not signed")
    requester_pays: bool = Field(description="Requests accept the costs in buckets that charge the requester")
    read_only: bool = Field(description="Nothing can be written through this connection")
    addressing_style: AddressingStyle | None
    ca_bundle_set: bool = Field(description="Whether the connection trusts certificate authorities of its own")
    secret_name: str | None = Field(description="The Kubernetes Secret with these credentials, for manifests")


class ConnectionProblem(Wire):
    """A connection that is not used, because an earlier source has one with its name."""

    name: str
    source: str
    message: str


class ConnectionPreset(Wire):
    """What a common store needs, as a start for a new connection. ``<…>`` is to be replaced."""

    id: str
    title: str
    endpoint: str | None
    region: str
    addressing_style: AddressingStyle
    help: str
    lacks: list[str] = Field(default=[], description="What the store does not support")


class ConnectionList(Wire):
    """All connections, in the order of their sources."""

    connections: list[ConnectionSummary]
    problems: list[ConnectionProblem]
    presets: list[ConnectionPreset]


class ConnectionRequest(Wire):
    """A connection to add until the server stops. It replaces an added one of the same name.

    Keys that are left out are kept if endpoint and access key ID stay the same.
    """

    name: str
    title: str = ""
    endpoint: str | None = None
    region: str | None = None
    default_bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    anonymous: bool = False
    requester_pays: bool = False
    read_only: bool = False
    addressing_style: AddressingStyle | None = None
