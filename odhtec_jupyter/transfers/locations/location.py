"""The interface of all locations: a URI together with its store.

Methods block and run in threads, unless they are coroutines. A folder is a location, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from odhtec_jupyter.errors import OdhTecError, VerificationError
from odhtec_jupyter.stores.source import Pin, RangedSource
from odhtec_jupyter.stores.workspace.hidden import HIDDEN_FILE
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.targets.target import Target
from odhtec_jupyter.uris import Uri


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a source. ``path`` is relative to the requested source."""

    path: str
    uri: Uri
    size: int
    pin: Pin
    modified: datetime | None = None
    error: OdhTecError | None = None  # why it cannot be read

    @property
    def is_hidden(self) -> bool:
        """Whether it exists but is hidden."""
        return self.error is not None and self.error.code == HIDDEN_FILE


@dataclass(frozen=True, slots=True)
class Existing:
    """The object or file at a target. ``metadata`` is None if it was not requested."""

    size: int
    etag: str | None
    modified: datetime | None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ObjectAttributes:
    """What an object stores beside its bytes."""

    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # Cache-Control and others that S3 keeps


class ExistingTargets(Protocol):
    """What exists at the targets of a plan."""

    def get(self, uri: Uri) -> Existing | None:
        """Return what exists at ``uri``, or None."""
        ...


class Location(Protocol):
    """A location that can be read."""

    @property
    def uri(self) -> Uri:
        """The URI."""
        ...

    can_change: bool  # whether its content can change; that of a commit cannot

    @property
    def host(self) -> str | None:
        """The host whose requests are limited; None for the workspace."""
        ...

    def entries(self, is_stopped: Callable[[], bool]) -> Iterator[list[Entry]]:
        """Yield its files in pages; none if there is nothing."""
        ...

    def stat(self) -> Entry | None:
        """Return the current state of a file; None if it does not exist, or cannot change."""
        ...

    def source(self, size: int, pin: Pin) -> RangedSource:
        """Return the source of a file's bytes; reading fails if its content no longer matches ``pin``."""
        ...

    def attributes(self, pin: Pin) -> ObjectAttributes:
        """Return what a copy of this file in S3 stores beside the bytes.

        Raises :class:`VerificationError` if the file no longer matches ``pin``.
        """
        ...


class WritableLocation(Location, Protocol):
    """A location that can also be written."""

    whole_up_to: int  # the size in bytes up to which a file is written in one piece

    def require_writable(self) -> None:
        """Raise an :class:`OdhTecError` if nothing can be written here: a hidden path, a key that is too long."""
        ...

    def left_out(self, found: str) -> OdhTecError | None:
        """Return why a file must not be written here, or None.

        ``found`` is the part of the path that the user did not name.
        """
        ...

    def existing(
        self, targets: Sequence[Uri], sources: Sequence[Entry], is_stopped: Callable[[], bool]
    ) -> ExistingTargets:
        """Return what exists at the targets, which are at or below this location, of the files ``sources``."""
        ...

    def has_content(self, source: Entry, existing: Existing) -> bool:
        """Return whether what exists here certainly has the content of ``source``; name and time do not prove that."""
        ...

    def target(
        self, source: Location, size: int, pin: Pin, *, if_absent: bool, planned_earlier: bool = False
    ) -> Target | None:
        """Return the target of a file; None if this is a folder, which is created.

        ``planned_earlier``: the plan is of an earlier run, so what it found out about the store can be unknown.
        """
        ...

    def delete(self, pin: Pin, *, folder: str | None = None) -> None:
        """Delete a file if it still matches ``pin``; a missing file is no error.

        ``folder`` is the path of the folder that the user named, if it is in one. Raises :class:`VerificationError`.
        """
        ...

    def remove_empty_folders(self, paths: Collection[str]) -> None:
        """Remove the folders of ``paths`` that are empty, where folders exist without files."""
        ...

    async def drop(self, engine: Engine, entry: PendingWrite) -> bool:
        """Drop a pending write to this location; return False if that is not possible yet."""
        ...


def changed_before_deletion(uri: Uri) -> VerificationError:
    """Return the error for a source that changed after it was copied."""
    return VerificationError(f"{uri} has changed since it was copied, so it was not deleted.", code="SourceChanged")
