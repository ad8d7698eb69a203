"""What is looked at: an object's name and bytes, and what every preview says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from odhtec_jupyter.preview.ranged_file import KIB, RangedFile

HEAD_BYTES = 128 * KIB  # what is read first, for most formats all that is needed


@dataclass
class PreviewInput:
    """One object, open for a preview."""

    key: str
    file: RangedFile
    etag: str | None
    content_type: str
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self.file.size

    @cached_property
    def head(self) -> bytes:
        """The first bytes."""
        return self.file.at(0, HEAD_BYTES)

    @cached_property
    def name(self) -> str:
        """The last part of the key, in lower case: no format cares for case."""
        return self.key.rstrip("/").rpartition("/")[2].lower()

    @property
    def extension(self) -> str:
        """What follows the last dot, without it; nothing where the name only begins with one."""
        stem, _, extension = self.name.rpartition(".")
        return extension if stem else ""

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    def beginning(self, count: int) -> bytes:
        """The first ``count`` bytes; the head again where that is enough."""
        return self.head[:count] if count <= len(self.head) else self.file.at(0, count)

    def common(self) -> dict[str, Any]:
        """What all previews say. Asked for last: it counts what was read."""
        return {
            "size": self.size,
            "ETag": self.etag,
            "content_type": self.content_type,
            "bytes_read": self.file.bytes_read,
            "note": " ".join(self.notes) or None,
        }
