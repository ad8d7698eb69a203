"""A resumable upload in the journal; its parts are in its pending write."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil

from odhtec_jupyter.models import Verify
from odhtec_jupyter.transfers.owner import Owner


@dataclass
class UploadRecord:
    """A row of the table ``uploads``; the fields are its columns."""

    endpoint: str  # of the store it was started with
    bucket: str
    key: str
    requested_key: str  # before it was renamed
    size: int
    part_size: int
    content_type: str
    last_modified: int | None
    if_absent: bool
    verify: Verify
    etag: str | None = None  # set when S3 has completed the upload; empty if S3 returned none
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    touched_at: float = field(default_factory=time.time)  # seconds since 1970
    connection: str = ""  # its name; empty for the default one
    fingerprint: str = ""  # of a connection with a name

    @property
    def owner(self) -> Owner:
        """The owner of its pending write."""
        return Owner("upload", self.id)

    @property
    def part_count(self) -> int:
        """The number of parts; 0 for an empty file."""
        return ceil(self.size / self.part_size)

    def length(self, number: int) -> int:
        """Return the size of a part in bytes."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)
