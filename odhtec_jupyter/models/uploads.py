"""Resumable uploads over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import NonEmpty, Verify, Wire


class UploadRequest(Wire):
    """Body of ``POST /uploads``. An unfinished upload of the same file to the same key is resumed."""

    bucket: NonEmpty
    key: NonEmpty
    size: int = Field(ge=0)
    content_type: str | None = None
    last_modified: int | None = Field(
        default=None,
        ge=0,
        le=2**53,
        description="Of the local file, in ms since 1970. With the size, it identifies the file for resuming",
    )
    on_conflict: Literal["fail", "overwrite", "rename"] = "fail"
    verify: Verify = "source"


class StoredPart(Wire):
    """A part that S3 has stored. Numbers start at 1."""

    number: int
    size: int


class Upload(Wire):
    """A resumable upload. Part ``n`` starts at byte ``(n - 1) * partSize``; the last one can be smaller."""

    upload_id: str
    bucket: str
    key: str
    size: int
    part_size: int
    part_count: int
    parts: list[StoredPart] = Field(description="The parts that are already stored")
    bytes_done: int
    last_modified: int | None
    created_at: datetime


class UploadList(Wire):
    """Unfinished uploads, newest first, without their parts."""

    uploads: list[Upload]
