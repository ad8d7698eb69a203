"""The test of a connection over the wire: one line for each check, in the order in which they depend on each other."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import Wire

CheckStatus = Literal["ok", "warning", "failed", "skipped"]
MAX_REPO_NAME = 2048  # characters; it can be an address
MAX_BUCKET_NAME = 255  # characters; S3 allows 63, older stores more


class ConnectionTestRequest(Wire):
    """How to test a connection."""

    write: bool = Field(
        default=False, description="Whether to store a small object under a random key, which is removed again"
    )
    bucket: str | None = Field(
        default=None,
        max_length=MAX_BUCKET_NAME,
        description="The bucket to test; without it the default bucket, or for reading the first one in the list",
    )


class ConnectionCheck(Wire):
    """One line of the report: what was tested, and one sentence that says what to change."""

    id: str = Field(
        description="definition, environment, dns, tcp, proxy, tls, service, clock, credentials, region, buckets, "
        "list, read, write, multipart, checksum, condition or delete; of Hugging Face: dns, tcp, proxy, tls, api, "
        "token, repository or files"
    )
    title: str
    status: CheckStatus = Field(description="skipped: not tested, and the message says why")
    message: str


class ConnectionTest(Wire):
    """The report about a connection. It contains no secret."""

    connection: str
    endpoint: str | None = Field(description="Null for Amazon S3")
    bucket: str | None = Field(description="The tested bucket; null if there was none")
    status: CheckStatus = Field(description="The worst status of the checks: failed, warning, or ok")
    checks: list[ConnectionCheck]
    started_at: datetime
    seconds: float
    text: str = Field(description="The report as plain text, for a support ticket")


class HubTestRequest(Wire):
    """How to test Hugging Face."""

    repo: str | None = Field(
        default=None, max_length=MAX_REPO_NAME, description="A model repository whose files are listed and read"
    )


class HubTest(Wire):
    """The report about Hugging Face, or the mirror in use. It contains no secret."""

    endpoint: str
    repo: str | None = Field(description="The tested repository; null if there was none")
    status: CheckStatus = Field(description="The worst status of the checks: failed, warning, or ok")
    checks: list[ConnectionCheck]
    started_at: datetime
    seconds: float
    text: str = Field(description="The report as plain text, for a support ticket")
