"""Resumable uploads over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import NonEmpty, Verify, Wire


class UploadRequest(Wire):
    """Body of ``POST /uploads``. An unfinished upload of the same file to the same key goes on where it was."""

    bucket: NonEmpty
    key: NonEmpty
    size: int = Field(ge=0)
    content_type: str | None = None
    last_modified: int | None = Field(
        default=None,
        ge=0,
        le=2**53,
        description="Of the file at its sender, ms since 1970; with the size it tells a file again",
    )
    on_conflict: Literal["fail", "overwrite", "rename"] = "fail"
    verify: Verify = "source"


class StoredPart(Wire):
    """A part that has reached the store; numbers count from 1."""

    number: int
    size: int


class Upload(Wire):
    """A resumable upload. Part ``n`` holds the bytes from ``(n - 1) * partSize`` on; the last one may be smaller."""

    upload_id: str
    bucket: str
    key: str
    size: int
    part_size: int
    part_count: int
    parts: list[StoredPart] = Field(description="Those that need not be sent again")
    bytes_done: int
    last_modified: int | None
    created_at: datetime


class UploadList(Wire):
    """Uploads that have begun and are neither completed nor dropped, newest first; without their parts."""

    uploads: list[Upload]
