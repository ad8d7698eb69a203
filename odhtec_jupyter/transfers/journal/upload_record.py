"""What the journal keeps of a resumable upload; its parts stand in the list of what is unfinished."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil

from odhtec_jupyter.models import Verify


@dataclass
class UploadRecord:
    """A row of the table ``uploads``, field by field."""

    endpoint: str  # of the store it began with
    bucket: str
    key: str
    asked: str  # the key that was asked for, before it was renamed
    size: int
    part_size: int
    content_type: str
    last_modified: int | None
    if_absent: bool
    verify: Verify
    etag: str | None = None  # set once S3 has put the parts together; empty where it did not tell
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    touched_at: float = field(default_factory=time.time)  # seconds since 1970

    @property
    def owner(self) -> str:
        """Its name in the list of what is unfinished."""
        return f"upload/{self.id}"

    @property
    def part_count(self) -> int:
        """How many parts it has; none when it is empty."""
        return ceil(self.size / self.part_size)

    def length(self, number: int) -> int:
        """The size of a part."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)
