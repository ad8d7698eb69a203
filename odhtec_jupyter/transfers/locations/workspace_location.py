"""A file or folder of the workspace."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError
from odhtec_jupyter.stores.source import Checksum, Pin, RangedSource
from odhtec_jupyter.stores.workspace.file import WorkspaceFile
from odhtec_jupyter.stores.workspace.hidden import hidden_error
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.locations.location import (
    Entry,
    Existing,
    Location,
    ObjectAttributes,
    changed_before_deletion,
)
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.targets.workspace_target import WorkspaceTarget, drop_partial
from odhtec_jupyter.uris import Uri, WorkspaceUri


@dataclass(frozen=True)
class WorkspaceLocation:
    """A :class:`WritableLocation` of the workspace. Its pins are made of size, time and inode number."""

    store: WorkspaceStore
    uri: WorkspaceUri
    can_change = True
    host = None
    whole_up_to = PART_SIZE

    def entries(self, is_stopped: Callable[[], bool]) -> Iterator[list[Entry]]:
        """Yield its files. Raises :class:`BadRequest` if the slash at the end is missing or wrong."""
        uri = self.uri
        found = self.store.head(uri.path)
        if found is None:
            return
        if not found.is_folder:
            if uri.is_folder:
                raise BadRequest(f"{uri} ends in a slash, but is a file.")
            yield [_entry(found, uri.name)]
            return
        if not uri.is_folder:
            raise BadRequest(f"{uri} is a folder. Add a slash at the end to select its content.")
        yield from ([_entry(file, file.path[len(uri.path) :]) for file in page] for page in self.store.walk(uri.path))

    def stat(self) -> Entry | None:
        """Return the current state of the file; None if it does not exist."""
        file = self.store.head(self.uri.path)
        return _entry(file, "") if file else None

    def source(self, size: int, pin: Pin) -> RangedSource:
        """Return the source of the file's bytes. An empty file is compared with ``pin`` now, as nothing is read."""
        source = self.store.source(self.uri.path, size, str(pin))
        if not size:
            source.open_range(0, 0).close()
        return source

    def attributes(self, pin: Pin) -> ObjectAttributes:
        """Return none: files have no metadata."""
        return ObjectAttributes()

    def require_writable(self) -> None:
        """Raise :class:`Forbidden` for a hidden path."""
        self.store.require_visible(self.uri.path)

    def left_out(self, found: str) -> OdhTecError | None:
        """Return the error for a file that would be hidden."""
        return hidden_error(self.uri.path) if self.store.is_left_out(self.uri.path, found) else None

    def existing(
        self, targets: Sequence[Uri], sources: Sequence[Entry], is_stopped: Callable[[], bool]
    ) -> ExistingFiles:
        """Return what exists at the targets."""
        return ExistingFiles(self.store)

    def has_content(self, source: Entry, existing: Existing) -> bool:
        """Return whether the file has the checksum of a file of the hub; it is read for that."""
        if existing.size != source.size or not isinstance(source.pin, Checksum):
            return False
        file = self.store.head(self.uri.path)
        if file is None:
            return False
        verifier = Verifier(source.pin, source.size)
        reader = self.store.source(self.uri.path, file.size, file.pin).open_range(0, source.size)
        buffer = memoryview(bytearray(MIB))
        try:
            while count := reader.readinto(buffer):
                verifier.update(buffer[:count])
        finally:
            reader.close()
        return verifier.matches

    def target(
        self, source: Location, size: int, pin: Pin, *, if_absent: bool, planned_earlier: bool = False
    ) -> WorkspaceTarget | None:
        """Return the target of a file; None if this is a folder, which is created."""
        self.require_writable()  # the rules can have changed since the plan
        if not self.uri.is_folder:
            return WorkspaceTarget(self.store, self.uri, if_absent)
        if size:
            raise Conflict(
                f"{source.uri} has content, but its name ends in a slash, which is a folder in the workspace."
            )
        self.store.make_folder(self.uri.path)
        return None

    def delete(self, pin: Pin, *, folder: str | None = None) -> None:
        """Delete the file if it has not changed; in ``folder``, links are not followed."""
        now = self.store.head(self.uri.path)
        if now is None:
            return
        if now.pin != pin:
            raise changed_before_deletion(self.uri)
        self.store.delete(self.uri.path, now.pin, below=folder)

    def remove_empty_folders(self, paths: Collection[str]) -> None:
        """Remove the empty folders, subfolders first."""
        for path in sorted(paths, key=len, reverse=True):
            self.store.remove_empty_folder(path)

    async def drop(self, engine: Engine, entry: PendingWrite) -> bool:
        """Remove the partial file."""
        return await drop_partial(engine, self.store, entry)


class ExistingFiles:
    """What exists at targets in the workspace."""

    def __init__(self, store: WorkspaceStore) -> None:
        self._store = store

    def get(self, uri: Uri) -> Existing | None:
        """Return the file at ``uri``; None if there is none, or for a folder, which can exist."""
        if uri.is_folder:
            return None
        file = self._store.head(uri.path)
        return Existing(file.size, None, file.modified) if file else None


def _entry(file: WorkspaceFile, path: str) -> Entry:
    error: OdhTecError | None = Conflict(file.error, code="NotReadable") if file.error else None
    if file.is_hidden:
        error = hidden_error(file.path)
    return Entry(path, WorkspaceUri(file.path), file.size, file.pin, file.modified, error)
