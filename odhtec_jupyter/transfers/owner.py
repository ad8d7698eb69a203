"""Who continues a pending write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Owner:
    """A file of a transfer, a resumable upload, or a stream, whose write cannot continue in another process."""

    kind: Literal["transfer", "upload", "stream"]
    id: str = ""  # of the transfer or the upload
    number: int = 0  # of the file in its transfer

    def __str__(self) -> str:
        """Return the owner as the journal stores it."""
        number = f"/{self.number}" if self.kind == "transfer" else ""
        return f"{self.kind}/{self.id}{number}" if self.id else self.kind

    @property
    def share(self) -> str:
        """The name of its share of the bandwidth: one for all files of a transfer; empty for a stream."""
        return f"{self.kind}/{self.id}" if self.id else ""

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Return the owner that the journal stores as ``text``; :data:`STREAM` for a text that no version wrote."""
        kind, _, rest = text.partition("/")
        if kind == "upload" and rest:
            return cls("upload", rest)
        transfer, _, number = rest.partition("/")
        if kind == "transfer" and transfer and number.isdecimal():
            return cls("transfer", transfer, int(number))
        return STREAM


STREAM = Owner("stream")
