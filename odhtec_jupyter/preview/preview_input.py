"""The input of a preview: an object's name and bytes, and the fields that all previews have."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from odhtec_jupyter.preview.ranged_file import KIB, RangedFile

HEAD_BYTES = 128 * KIB  # read first; enough for most formats


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
        """The size of the object in bytes."""
        return self.file.size

    @cached_property
    def head(self) -> bytes:
        """The first bytes."""
        return self.file.at(0, HEAD_BYTES)

    @cached_property
    def name(self) -> str:
        """The last part of the key, in lower case."""
        return self.key.rstrip("/").rpartition("/")[2].lower()

    @property
    def extension(self) -> str:
        """The part after the last dot; empty if the name only starts with a dot."""
        stem, _, extension = self.name.rpartition(".")
        return extension if stem else ""

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    def beginning(self, count: int) -> bytes:
        """Return the first ``count`` bytes; from :attr:`head` if that is enough."""
        return self.head[:count] if count <= len(self.head) else self.file.at(0, count)

    def common(self) -> dict[str, Any]:
        """Return the fields that all previews have. Call it last, because it counts the bytes that were read."""
        return {
            "size": self.size,
            "ETag": self.etag,
            "content_type": self.content_type,
            "bytes_read": self.file.bytes_read,
            "note": " ".join(self.notes) or None,
        }
