"""A file of the workspace as a target: it is written to a partial file and renamed when complete."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from odhtec_jupyter.errors import OdhTecError, VerificationError
from odhtec_jupyter.stores.source import Checksum
from odhtec_jupyter.stores.workspace.store import PartialFile, WorkspaceStore
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.owner import Owner
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.runtime.retry import CancelToken, keeps_parts
from odhtec_jupyter.transfers.targets.target import Follow
from odhtec_jupyter.uris import WorkspaceUri


@dataclass(frozen=True)
class WorkspaceTarget:
    """The target of one file in the workspace."""

    store: WorkspaceStore
    uri: WorkspaceUri
    if_absent: bool = False
    whole_up_to: int = PART_SIZE

    def part_size(self, size: int) -> int:
        """Return 8 MiB for every size."""
        return PART_SIZE

    def put_whole(self, view: memoryview, stop: CancelToken, md5: bytes | None = None, follow: Follow = iter) -> None:
        """Return None: the journal must know the partial file first."""

    async def write_whole(self, engine: Engine, view: memoryview, stop: CancelToken, owner: Owner) -> None:
        """Write a small file in two calls in threads, without parts in the journal."""
        (entry,) = await engine.pending_writes.begin_partials([(owner, self.uri)])
        partial: PartialFile | None = None

        def write() -> PartialFile:
            nonlocal partial
            partial = self.write_partial(view, entry)
            return partial

        try:
            written = await engine.in_thread(stop, write)
            await engine.pending_writes.publishing([(entry, written.pin)])
            await engine.in_thread(stop, self.publish, written, len(view))
        except OdhTecError as error:
            if not keeps_parts(error):  # otherwise a later run continues with it
                await finishing(drop_partial(engine, self.store, entry))
            raise
        finally:
            entry.live = False
            if partial is not None:
                partial.close()
        engine.pending_writes.visible(entry)

    def write_partial(self, view: memoryview, entry: PendingWrite) -> PartialFile:
        """Write a whole file under its hidden name, which the journal knows by ``entry``. Blocks."""
        partial = self.store.begin(self.uri.path, entry.token or "")
        try:
            partial.write_at(0, view)
        except BaseException:
            partial.close()
            raise
        return partial

    def publish(self, partial: PartialFile, size: int, *, sync_folder: bool = True) -> None:
        """Rename a partial file. Raises :class:`VerificationError` if it does not have ``size`` bytes. Blocks."""
        found = partial.publish(if_absent=self.if_absent, sync_folder=sync_folder)
        if found.size != size:
            raise _wrong_size(self.uri, found.size, size)

    async def begin(self, engine: Engine, stop: CancelToken, owner: Owner) -> FileAssembly:
        """Create a partial file, or continue the owner's."""
        entry = engine.pending_writes.of(owner)
        if entry is not None:
            token = entry.token or ""
            if entry.uri == self.uri:
                partial = await engine.in_thread(stop, self.store.reopen, self.uri.path, token)
                if partial is not None:
                    return FileAssembly(engine, self, entry, partial)
                if await engine.in_thread(stop, self._was_published, entry):
                    return FileAssembly(engine, self, entry, None)
            await drop_partial(engine, self.store, entry)
        (entry,) = await engine.pending_writes.begin_partials([(owner, self.uri)])
        try:
            partial = await engine.in_thread(stop, self.store.begin, self.uri.path, entry.token or "")
        except BaseException:
            entry.live = False
            await finishing(drop_partial(engine, self.store, entry))
            raise
        return FileAssembly(engine, self, entry, partial)

    def _was_published(self, entry: PendingWrite) -> bool:
        """Return whether an earlier run renamed the file without recording that."""
        found = self.store.head(self.uri.path) if entry.published_pin else None
        return found is not None and found.pin == entry.published_pin

    async def confirm(self, engine: Engine, etag: str | None, size: int, stop: CancelToken) -> str | None:
        """Compare the size of the file with ``size``. Raises :class:`VerificationError`."""
        found = await engine.in_thread(stop, self.store.head, self.uri.path)
        if found is None or found.size != size:
            raise _wrong_size(self.uri, found.size if found else None, size)
        return None


class FileAssembly:
    """A partial file: an :class:`Assembly`."""

    def __init__(
        self, engine: Engine, target: WorkspaceTarget, entry: PendingWrite, partial: PartialFile | None
    ) -> None:
        """``partial`` is None if the file is already renamed."""
        self._engine = engine
        self._target = target
        self._partial = partial
        self.entry = entry
        self.finished = partial is None
        entry.live = True

    @property
    def again(self) -> PartialSource:
        """The written bytes, which are read from the disk instead of the source."""
        assert self._partial is not None
        return PartialSource(self._partial)

    def put(self, number: int, start: int, pieces: Iterable[memoryview], size: int, *, md5: bytes | None) -> str:
        """Write one part at its offset. Blocks."""
        assert self._partial is not None
        for piece in pieces:
            self._partial.write_at(start, piece)
            start += len(piece)
        self._partial.sync()  # so that the journal never records bytes that a crash of the machine loses
        return ""

    def keep(self, number: int, etag: str, size: int) -> None:
        """Record a written part."""
        self._engine.pending_writes.add_part(self.entry, number, etag, size)

    async def complete(self, count: int, stop: CancelToken) -> None:
        """Rename the partial file to its name."""
        if partial := self._partial:
            # Recorded first, or else a later run would treat the file as a conflict.
            await self._engine.pending_writes.publishing([(self.entry, partial.pin)])
            await self._engine.in_thread(stop, lambda: partial.publish(if_absent=self._target.if_absent))
            partial.close()
        self._engine.pending_writes.visible(self.entry)

    async def drop(self) -> None:
        """Remove the partial file."""
        self.entry.live = False
        with suppress(OdhTecError):
            if self._partial:
                await self._engine.in_thread(CancelToken(), self._partial.drop)
            self._engine.pending_writes.remove(self.entry)

    def leave(self) -> None:
        """Keep the partial file."""
        self.entry.live = False
        if self._partial:
            self._partial.close()


class PartialSource:
    """A partial file as a source."""

    size = 0
    checksum: Checksum | None = None
    is_local = True

    def __init__(self, partial: PartialFile) -> None:
        self._partial = partial

    def open_range(self, start: int, end: int) -> PartialRange:
        """Open the bytes from ``start`` to before ``end``."""
        return PartialRange(self._partial, start, end)


class PartialRange:
    """An open range of a partial file."""

    def __init__(self, partial: PartialFile, start: int, end: int) -> None:
        self._partial = partial
        self._next = start
        self._end = end

    def readinto(self, buffer: memoryview) -> int:
        """Read at most ``len(buffer)`` bytes and return their number; 0 at the end."""
        count = self._partial.read_into(self._next, buffer[: self._end - self._next])
        self._next += count
        return count

    def interrupt(self) -> None:
        """Do nothing: a read from the disk ends by itself."""

    def close(self) -> None:
        """Do nothing: the file stays open."""


def _wrong_size(uri: WorkspaceUri, found: int | None, size: int) -> VerificationError:
    there = "nothing" if found is None else f"{found} bytes"
    return VerificationError(f"{uri} has {there} after {size} bytes were written.")


async def drop_partial(engine: Engine, store: WorkspaceStore, entry: PendingWrite) -> bool:
    """Remove a partial file; return False if that fails. Does not raise errors of the file system."""

    def drop() -> None:
        if partial := store.reopen(entry.uri.path, entry.token or ""):
            partial.drop()

    try:
        await engine.in_thread(CancelToken(), drop)
    except OdhTecError:
        return False
    engine.pending_writes.remove(entry)
    return True
