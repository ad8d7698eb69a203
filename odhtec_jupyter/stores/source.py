"""Where bytes come from: something that can be read by range and says beforehand what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from odhtec_jupyter.errors import VerificationError


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


class RangesIgnoredError(VerificationError):
    """The whole file was sent where a range was asked for: it can only be read from its start, over one connection."""


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


def is_ordered(source: RangedSource) -> bool:
    """Whether only one connection at a time may read a source, in order."""
    return bool(getattr(source, "is_ordered", False))


def close_source(source: RangedSource) -> None:
    """End what a source keeps between ranges."""
    close = getattr(source, "close", None)
    if close is not None:
        close()
