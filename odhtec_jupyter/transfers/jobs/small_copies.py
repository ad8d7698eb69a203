"""Copies of small files, several by one call in a thread.

A switch between the event loop and a thread takes longer than anything else that the processor does for a small file.
Only the usual case is handled here. A file whose first attempt fails is copied again like a large one, with retries.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.source import close_source, is_local, pin_text
from odhtec_jupyter.stores.workspace.store import PartialFile
from odhtec_jupyter.transfers.copying.ranges import read_small
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite, PendingWrites
from odhtec_jupyter.transfers.locations.location import Location
from odhtec_jupyter.transfers.locations.s3_location import S3Location
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled, check
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.workspace_target import WorkspaceTarget, drop_partial
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile
from odhtec_jupyter.uris import in_one_store

MAX_BYTES = MIB // 4  # of a file, which is the memory of its thread
MAX_FILES = 8  # for one thread at a time; in the workspace, so many files are open
MAX_SECONDS = 1.0  # after which a thread gives the remaining files back, so that others have their turn

Failed = list[tuple[TransferFile, Exception]]


def is_small_copy(writes: PendingWrites, transfer: Transfer, file: TransferFile) -> bool:
    """Return whether a file can be copied here: it is small, and no earlier run has left a part of it.

    If its source has changed since an earlier run, the first attempt fails.
    """
    in_store = in_one_store(file.source, file.target)
    return (
        file.what in {"create", "overwrite", "rename"}
        and file.to_move <= (PART_SIZE if in_store else MAX_BYTES)
        and not (file.target.is_folder and file.target.scheme == "workspace")
        and not (transfer.resumed and (file.what == "overwrite" or writes.of(file.owner) is not None))
    )


class SmallCopies(Protocol):
    """Copies of small files of one transfer."""

    async def run(self, files: Sequence[TransferFile]) -> tuple[Sequence[TransferFile], Failed]:
        """Copy files. Returns those for which there was no time, and those that failed, with the errors."""
        ...


def small_copies(
    engine: Engine,
    stores: Stores,
    transfer: Transfer,
    files: Sequence[TransferFile],
    report: Callable[[TransferFile], None],
) -> SmallCopies:
    """Return the copies for these files. ``report`` is called on the event loop with each copied file."""
    to_workspace = files[0].target.scheme == "workspace"
    return (CopiesToWorkspace if to_workspace else CopiesToS3)(engine, stores, transfer, report)


class _Copies:
    def __init__(
        self, engine: Engine, stores: Stores, transfer: Transfer, report: Callable[[TransferFile], None]
    ) -> None:
        self._engine = engine
        self._stores = stores
        self._options = transfer.options
        self._resumed = transfer.resumed
        self._folder = transfer.source.path if transfer.source.is_folder else None
        self._report = report
        self._stop = CancelToken()
        self._loop = asyncio.get_running_loop()
        self._failed: Failed = []
        self._copied: deque[TransferFile] = deque()

    def _each(self, files: Sequence[TransferFile], copy: Callable[[TransferFile], None]) -> Sequence[TransferFile]:
        """Call ``copy`` with each file until one fails. Returns those for which there was no time. Blocks."""
        until = time.monotonic() + MAX_SECONDS
        for number, file in enumerate(files):
            if number and (self._failed or self._stop.is_set() or time.monotonic() > until):
                return files[number:]
            interactive_priority.yield_to_requests()
            self._try(file, copy)
        return []

    def _try(self, file: TransferFile, call: Callable[[TransferFile], None]) -> None:
        try:
            call(file)
        except OperationCancelled:
            raise
        except Exception as error:  # the second attempt reports it
            self._failed.append((file, error))

    def _report_soon(self, file: TransferFile) -> None:
        self._copied.append(file)
        if len(self._copied) == 1:  # otherwise the next call is already on its way
            self._loop.call_soon_threadsafe(self._report_copied)

    def _report_copied(self) -> None:
        while self._copied:
            self._report(self._copied.popleft())

    def _if_absent(self, file: TransferFile) -> bool:
        return file.what != "overwrite" and self._options.on_conflict != "overwrite"

    def _flow(self, file: TransferFile) -> Flow:
        return self._engine.bandwidth.flow(file.owner.share)

    def _read(self, source: Location, file: TransferFile, view: memoryview, flow: Flow) -> bool:
        """Read and verify a file. Returns whether its source is local. Blocks."""
        bytes_of_source = source.source(file.to_move, file.pin)
        try:
            read_small(bytes_of_source, view, self._stop, flow)
            if self._options.verify != "off" and bytes_of_source.checksum:
                verifier = Verifier(bytes_of_source.checksum, file.to_move)
                verifier.update(view)
                verifier.compare(str(file.target))
        finally:
            close_source(bytes_of_source)
        return is_local(bytes_of_source)


class SourceDeletions(_Copies):
    """Deletions of the sources of moved files, of which the journal knows that their copies are complete."""

    async def run(self, files: Sequence[TransferFile]) -> tuple[Sequence[TransferFile], Failed]:
        """Delete the sources."""
        return await self._engine.in_thread(self._stop, self._each, files, self._delete), self._failed

    def _delete(self, file: TransferFile) -> None:
        self._stores.writable(file.source).delete(file.pin, folder=self._folder)
        self._report_soon(file)


class CopiesToS3(_Copies):
    """One request for each object."""

    async def run(self, files: Sequence[TransferFile]) -> tuple[Sequence[TransferFile], Failed]:
        """Copy files."""
        flow = self._flow(files[0])
        memory = max(0 if in_one_store(file.source, file.target) else file.to_move for file in files)

        with await self._engine.budget.lease(max(memory, 1), "copy") as lease:

            def copy(file: TransferFile) -> None:
                self._copy(file, lease.view[: file.to_move], flow)
                self._report_soon(file)

            return await self._engine.in_thread(self._stop, self._each, files, copy), self._failed

    def _copy(self, file: TransferFile, view: memoryview, flow: Flow) -> None:
        source, target, size = self._stores.at(file.source), self._stores.writable(file.target), file.to_move
        assert isinstance(target, S3Location)
        bucket, key, if_absent = target.uri.bucket, target.uri.key, self._if_absent(file)
        if isinstance(source, S3Location) and source.store is target.store:
            pin = pin_text(file.pin)
            to = S3Target(target.store, bucket, key)
            etag = to.store.copy(
                bucket, key, source.uri.bucket, source.uri.key, etag=pin, size=size, if_absent=if_absent
            )
            is_proven = (to.store.is_amazon and etag is not None) or etag == pin
        else:
            to = target.target(source, size, file.pin, if_absent=if_absent, planned_earlier=self._resumed)
            follow = partial(flow.send, stop=self._stop) if self._read(source, file, view, flow) else iter
            written = to.put_whole(view, self._stop, follow=follow)
            etag, is_proven = written.etag, written.is_proven
        if not is_proven:
            to.require_size(etag, size)


class CopiesToWorkspace(_Copies):
    """Partial files, which the journal knows before they exist and before they are renamed, several at a time."""

    async def run(self, files: Sequence[TransferFile]) -> tuple[Sequence[TransferFile], Failed]:
        """Copy files."""
        writes = self._engine.pending_writes
        begun = await writes.begin_partials((file.owner, file.target) for file in files)
        writing = [_Writing(file, entry) for file, entry in zip(files, begun, strict=True)]
        try:
            left = await self._write(writing)
            await self._publish([one for one in writing if one.is_written])
        finally:
            for one in writing:
                one.close()
        for one in writing:
            if one.file in left:
                writes.remove(one.entry)
            elif not one.is_published:
                await finishing(drop_partial(self._engine, self._stores.workspace, one.entry))
        return left, self._failed

    async def _write(self, writing: Sequence[_Writing]) -> Sequence[TransferFile]:
        flow = self._flow(writing[0].file)
        by_number = {one.file.number: one for one in writing}
        files = [one.file for one in writing]
        with await self._engine.budget.lease(max(1, *(file.to_move for file in files)), "copy") as lease:

            def write(file: TransferFile) -> None:
                view, target = lease.view[: file.to_move], self._target(file)
                self._read(self._stores.at(file.source), file, view, flow)
                by_number[file.number].write(target, view)

            def sync(file: TransferFile) -> None:
                by_number[file.number].sync()

            def write_all() -> Sequence[TransferFile]:
                left = self._each(files, write)
                # One after the other: the disk stores all of them together, so only the first one takes time.
                for one in writing:
                    if one.partial is not None:
                        self._try(one.file, sync)
                return left

            return await self._engine.in_thread(self._stop, write_all)

    async def _publish(self, written: Sequence[_Writing]) -> None:
        writes, by_number = self._engine.pending_writes, {one.file.number: one for one in written}
        await writes.publishing((one.entry, one.pin) for one in written)

        def publish(file: TransferFile) -> None:
            by_number[file.number].publish()

        def publish_all() -> None:
            try:
                for one in written:
                    check(self._stop)
                    self._try(one.file, publish)
            finally:
                published = [one.partial for one in written if one.is_published and one.partial]
                for partial in {partial.folder: partial for partial in published}.values():
                    with suppress(OdhTecError):  # it was moved or removed after the file was complete
                        partial.sync_folder()

        try:
            await self._engine.in_thread(self._stop, publish_all)
        finally:
            for one in written:
                if one.is_published:
                    writes.visible(one.entry)
                    self._report(one.file)

    def _target(self, file: TransferFile) -> WorkspaceTarget:
        target = self._stores.writable(file.target).target(
            self._stores.at(file.source), file.to_move, file.pin, if_absent=self._if_absent(file)
        )
        assert isinstance(target, WorkspaceTarget)
        return target


class _Writing:
    """A file of the workspace that is being written."""

    def __init__(self, file: TransferFile, entry: PendingWrite) -> None:
        self.file = file
        self.entry = entry
        self.target: WorkspaceTarget | None = None
        self.partial: PartialFile | None = None
        self.pin = ""
        self.is_written = self.is_published = False

    def write(self, target: WorkspaceTarget, view: memoryview) -> None:
        """Write the partial file. Blocks."""
        self.target = target
        self.partial = target.write_partial(view, self.entry)

    def sync(self) -> None:
        """Wait until the disk has stored the partial file. Blocks."""
        assert self.partial is not None
        self.partial.sync()
        self.pin = self.partial.pin
        self.is_written = True

    def publish(self) -> None:
        """Rename the partial file. Blocks."""
        assert self.target is not None
        assert self.partial is not None
        self.target.publish(self.partial, self.file.to_move, sync_folder=False)
        self.is_published = True

    def close(self) -> None:
        """Close the partial file."""
        self.entry.live = False
        if self.partial is not None:
            self.partial.close()
