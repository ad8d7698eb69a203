"""One file of a transfer and its states."""

from __future__ import annotations

from typing import Protocol

from odhtec_jupyter import models
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import Failure, FileState
from odhtec_jupyter.stores.source import Pin
from odhtec_jupyter.transfers.owner import Owner
from odhtec_jupyter.uris import Uri

DONE: frozenset[FileState] = frozenset({"completed", "skipped"})


class Owning(Protocol):
    """The part of a transfer that its files use."""

    id: str
    source: Uri
    target: Uri | None
    bytes_total: int | None

    def add(self, count: int) -> None:
        """Add ``count`` bytes to the transfer's progress; negative when a file starts again."""
        ...

    def count_file(self, file: TransferFile, before: FileState) -> None:
        """Update the counts after ``file`` left the state ``before``."""
        ...


class TransferFile:
    """One file of a transfer; a transfer can have 100,000 of them.

    ``pin`` identifies the content of the source. ``what`` is the planned action, as in a dry run.
    """

    __slots__ = (
        "_source",
        "_target",
        "_transfer",
        "bytes_done",
        "error",
        "number",
        "path",
        "pin",
        "size",
        "state",
        "what",
    )

    def __init__(
        self,
        transfer: Owning,
        number: int,
        path: str,
        target: Uri,
        size: int | None,
        *,
        source: Uri | None = None,
        pin: Pin = "",
        what: str = "create",
    ) -> None:
        self._transfer = transfer
        self.number = number
        self.path = path
        # Where they follow from the path, they are computed, because they would take most of the memory.
        source = source or target
        self._source = None if source == transfer.source.below(path) else source
        self._target = None if target == self._usual_target else target
        self.size = size
        self.pin = pin
        self.what = what
        self.bytes_done = 0
        self.state: FileState = "queued"
        self.error: Failure | None = None

    @property
    def source(self) -> Uri:
        """The URI of its source. Both URIs of a file that is only deleted name the object."""
        return self._source or self._transfer.source.below(self.path)

    @property
    def target(self) -> Uri:
        """The URI of its target."""
        return self._target or self._usual_target

    @property
    def _usual_target(self) -> Uri:
        target = self._transfer.target
        return self.source if target is None else target.below(self.path)

    @property
    def owner(self) -> Owner:
        """The owner of its pending write."""
        return Owner("transfer", self._transfer.id, self.number)

    @property
    def to_move(self) -> int:
        """The number of bytes to transfer: 0 for a file that is skipped or removed."""
        return 0 if self.what in {"skip", "remove"} else self.size or 0

    def skip(self) -> None:
        """Skip the file although it was planned to be transferred."""
        self._transfer.bytes_total = (self._transfer.bytes_total or 0) - self.to_move
        self.what = "skip"

    @property
    def is_removed(self) -> bool:
        """Whether it is an object of another revision that was deleted."""
        return self.what == "remove" and self.state == "completed"

    def add(self, count: int) -> None:
        """Add ``count`` bytes to the progress; negative when the file starts again."""
        self.bytes_done += count
        self._transfer.add(count)

    def change_source(self, size: int, pin: Pin) -> None:
        """Transfer another content of the source, with this size and pin."""
        self._transfer.bytes_total = (self._transfer.bytes_total or 0) - (self.size or 0) + size
        self.size, self.pin = size, pin

    def start(self) -> None:
        """Mark the file as running. The journal need not know: a queued file is continued in the same way."""
        self.state, self.error = "running", None

    def transition_to(self, state: FileState, error: OdhTecError | None = None) -> None:
        """Change the state, and with it the counts of the transfer."""
        before, self.state = self.state, state
        self.error = failure(error) if error else None
        self._transfer.count_file(self, before)

    def show(self) -> models.TransferFile:
        """Return the file as the API reports it."""
        return models.TransferFile(
            path=self.path,
            target=str(self.target),
            size=self.size,
            bytes_done=self.bytes_done,
            state=self.state,
            error=self.error,
            is_removal=self.what == "remove",
        )


def failure(error: OdhTecError) -> Failure:
    """Return an error as the API reports it."""
    return Failure(code=error.code, message=str(error))
