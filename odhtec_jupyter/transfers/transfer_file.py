"""One file of a transfer and its states."""

from __future__ import annotations

from typing import Protocol

from odhtec_jupyter import models
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import Failure, FileState

DONE: frozenset[FileState] = frozenset({"completed", "skipped"})


class TransferCounts(Protocol):
    """The part of a transfer that its files update."""

    id: str
    bytes_total: int | None

    def add(self, count: int) -> None:
        """Add ``count`` bytes to the transfer's progress; negative when a file starts again."""
        ...

    def count_file(self, file: TransferFile, before: FileState) -> None:
        """Update the counts after ``file`` left the state ``before``."""
        ...


class TransferFile:
    """One file of a transfer; there may be 100,000 of them.

    ``source`` and ``target`` are URIs. ``pin`` says which content of the source is meant: the hub's etag, S3's ETag, or
    size, time and number of a file in the workspace. ``what`` is the plan for it, as in a dry run.
    """

    __slots__ = (
        "_transfer",
        "bytes_done",
        "error",
        "number",
        "path",
        "pin",
        "size",
        "source",
        "state",
        "target",
        "what",
    )

    def __init__(
        self,
        transfer: TransferCounts,
        number: int,
        path: str,
        target: str,
        size: int | None,
        *,
        source: str = "",
        pin: str = "",
        what: str = "create",
    ) -> None:
        self._transfer = transfer
        self.number = number
        self.path = path
        self.source = source
        self.target = target
        self.size = size
        self.pin = pin
        self.what = what
        self.bytes_done = 0
        self.state: FileState = "queued"
        self.error: Failure | None = None

    @property
    def owner(self) -> str:
        """Its name in the list of what is unfinished."""
        return f"transfer/{self._transfer.id}/{self.number}"

    @property
    def to_move(self) -> int:
        """How many bytes have to be moved: none of a file that is skipped or removed."""
        return 0 if self.what in {"skip", "remove"} else self.size or 0

    def skip(self) -> None:
        """Leave it out after all."""
        self._transfer.bytes_total = (self._transfer.bytes_total or 0) - self.to_move
        self.what = "skip"

    @property
    def is_removed(self) -> bool:
        """Whether it was an object of another revision, and is gone."""
        return self.what == "remove" and self.state == "completed"

    def add(self, count: int) -> None:
        """``count`` more bytes have come in or reached the target; negative when a new try begins."""
        self.bytes_done += count
        self._transfer.add(count)

    def change_source(self, size: int, pin: str) -> None:
        """Another content of the source is meant from now on."""
        self._transfer.bytes_total = (self._transfer.bytes_total or 0) - (self.size or 0) + size
        self.size, self.pin = size, pin

    def transition_to(self, state: FileState, error: OdhTecError | None = None) -> None:
        """Go on to another state; the transfer's counts follow."""
        before, self.state = self.state, state
        self.error = failure(error) if error else None
        self._transfer.count_file(self, before)

    def show(self) -> models.TransferFile:
        """As it goes over the wire."""
        return models.TransferFile(
            path=self.path,
            target=self.target,
            size=self.size,
            bytes_done=self.bytes_done,
            state=self.state,
            error=self.error,
            is_removal=self.what == "remove",
        )


def failure(error: OdhTecError) -> Failure:
    """An error as it goes over the wire."""
    return Failure(code=error.code, message=str(error))
