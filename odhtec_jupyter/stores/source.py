"""Where bytes come from: something that can be read by range and says beforehand what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class RangeReader(Protocol):
    """An open range; read into caller's memory until it is complete."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill at most ``len(buffer)`` bytes; 0 at the end. Raises a transient error on a broken connection."""
        ...

    def interrupt(self) -> None:
        """End a :meth:`readinto` that another thread waits in, with an error."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...


@dataclass(frozen=True)
class Checksum:
    """What the source promises: ``sha256`` of the bytes, or git's ``blob`` id (sha1 over a header and the bytes)."""

    algorithm: str
    digest: str


class RangedSource(Protocol):
    """A file pinned to one content: a read after it has changed is an error, never a mixture."""

    size: int
    checksum: Checksum | None

    def open_range(self, start: int, end: int) -> RangeReader:
        """Bytes ``start`` to ``end`` (exclusive)."""
        ...
