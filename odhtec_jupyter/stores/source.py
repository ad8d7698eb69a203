"""Sources of bytes, which can be read by range and have a known content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from odhtec_jupyter.errors import VerificationError


class RangeReader(Protocol):
    """An open range, to be read into the caller's memory until it is complete."""

    def readinto(self, buffer: memoryview) -> int:
        """Read up to ``len(buffer)`` bytes; 0 at the end. Raises a transient error if the connection breaks."""
        ...

    def interrupt(self) -> None:
        """Make a :meth:`readinto` of another thread end with an error."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class RangesIgnoredError(VerificationError):
    """The whole file was sent instead of a range, so it can only be read from its start over one connection."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum that the source announces: ``sha256`` of the bytes, or git's ``blob`` ID.

    The blob ID is the sha1 of a header and the bytes.
    """

    algorithm: str
    digest: str


# What identifies the current content of a file: the checksum of a file of the hub, the ETag of an object, or size, time
# and inode number of a file in the workspace.
Pin = str | Checksum


def pin_text(pin: Pin) -> str:
    """Return a pin as text, for the journal."""
    return f"{pin.algorithm}:{pin.digest}" if isinstance(pin, Checksum) else pin


def parse_pin(text: str) -> Pin:
    """Return the pin that :func:`pin_text` wrote. ETags start with a quote, pins of the workspace with a digit."""
    algorithm, _, digest = text.partition(":")
    return Checksum(algorithm, digest) if algorithm in {"sha256", "blob"} else text


class RangedSource(Protocol):
    """A file pinned to one content: reading it after a change raises an error and never mixes two contents."""

    size: int
    checksum: Checksum | None

    def open_range(self, start: int, end: int) -> RangeReader:
        """Open bytes ``start`` to ``end`` (exclusive)."""
        ...


def is_ordered(source: RangedSource) -> bool:
    """Return whether a source must be read in order over one connection."""
    return bool(getattr(source, "is_ordered", False))


def is_local(source: RangedSource) -> bool:
    """Return whether a source is on this machine: reading it moves no bytes over the network."""
    return bool(getattr(source, "is_local", False))


def close_source(source: RangedSource) -> None:
    """Close what a source keeps open between ranges."""
    close = getattr(source, "close", None)
    if close is not None:
        close()
