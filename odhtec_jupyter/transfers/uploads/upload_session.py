"""One resumable upload: a client sends its parts in any order and in parallel, and can disconnect and continue later.

S3's multipart upload is its state. It is created with the first part, so that an upload without parts leaves nothing
behind. Parts are stored in parallel; completing or dropping the upload waits for them and keeps other calls out.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import astuple
from datetime import datetime

from odhtec_jupyter.errors import Conflict, NotFound, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.models import StoredObject, StoredPart, Upload
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.pending_writes import PartRecord, PendingWrite
from odhtec_jupyter.transfers.journal.upload_record import UploadRecord
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import drop_pending
from odhtec_jupyter.transfers.targets.s3_target import Multipart, S3Target
from odhtec_jupyter.transfers.targets.target import blocks
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_pieces import PartInPieces

MAX_NAMED_PARTS = 10  # missing parts that an error lists
EXISTS_NOW = {"PreconditionFailed", "ConditionalRequestConflict"}


class UploadSession:
    """Belongs to the event loop. Every call is given the store of the present settings: keys may be renewed."""

    def __init__(self, engine: Engine, record: UploadRecord, on_end: Callable[[UploadSession], None]) -> None:
        self.record = record
        self.result: StoredObject | None = None
        self.incoming: set[IncomingPart] = set()
        self.pieces: dict[int, PartInPieces] = {}  # parts that come in several requests, by number
        self._engine = engine
        self._on_end = on_end
        self._multipart: Multipart | None = None
        self._lock = _SharedLock()
        self._ended = False

    @property
    def finished(self) -> bool:
        """Whether S3 has already completed the object, although no client has received the reply."""
        return self.record.etag is not None or (self._multipart is not None and self._multipart.finished)

    def show(self, parts: Mapping[int, PartRecord] | None = None) -> Upload:
        """Return the API model; without ``parts`` it has only the sum of the part sizes in the journal."""
        record, entry = self.record, self._entry
        known = parts if parts is not None else (entry.parts if entry else {})
        return Upload(
            upload_id=record.id,
            bucket=record.bucket,
            key=record.key,
            size=record.size,
            part_size=record.part_size,
            part_count=record.part_count,
            parts=[StoredPart(number=number, size=part.size) for number, part in sorted((parts or {}).items())],
            bytes_done=record.size if self.finished else sum(part.size for part in known.values()),
            last_modified=record.last_modified,
            created_at=datetime.fromisoformat(record.created_at),
        )

    def save(self) -> None:
        """Save the record with the current time as its last use."""
        self.record.touched_at = time.time()
        self._engine.journal.put("uploads", astuple(self.record))

    # --- parts ----------------------------------------------------------------------------------------------------

    async def list_parts(self, store: S3Store) -> Mapping[int, PartRecord]:
        """Return the stored parts as S3 lists them. Ends the upload if S3 no longer has it."""
        async with self._lock.shared():
            self._require(store)
            if self.record.etag is None and (entry := self._entry) is not None and entry.upload_id is not None:
                listed = await self._reopen(self._target(store), entry)
                if self._multipart is None or listed.finished:
                    self._multipart = listed
                return self._valid_parts(entry.parts)
        if not self.finished:
            return {}
        return {number: PartRecord("", self.record.length(number)) for number in range(1, self.record.part_count + 1)}

    async def open(self, store: S3Store) -> Multipart:
        """Return the multipart upload; create it if necessary."""
        self._require(store)
        target = self._target(store)
        if self._multipart is None and not self.finished:
            async with self._lock.exclusive():
                self._require(store)
                if self._multipart is None and not self.finished:
                    self._multipart = await self._begin(target)
        if self.finished or self._multipart is None:
            raise Conflict(f"All parts of {self.record.key} are stored. Complete the upload.")
        self._multipart.target = target
        return self._multipart

    async def put(self, store: S3Store, number: int, view: memoryview, stop: CancelToken) -> None:
        """Store one part. A part that is stored twice replaces the earlier one."""
        stored = False
        while not stored:
            multipart = await self.open(store)
            async with self._lock.shared():
                self._require(store)
                if self._multipart is multipart:  # otherwise another call has listed the parts in the meantime
                    await self._put(multipart, number, view, stop)
                    stored = True

    async def _put(self, multipart: Multipart, number: int, view: memoryview, stop: CancelToken) -> None:
        full = self.record.verify == "full"

        def put() -> str:
            md5 = hashlib.md5(view, usedforsecurity=False).digest() if full else None
            return multipart.put(number, 0, blocks(view, stop), len(view), md5=md5)

        try:
            multipart.keep(number, await self._engine.attempt(stop, put), len(view))
        except StoreError:
            self._multipart = None  # it may be aborted or completed: the next call finds out
            raise
        self.save()

    # --- the end --------------------------------------------------------------------------------------------------

    async def complete(self, store: S3Store, *, overwrite: bool) -> StoredObject:
        """Make the object visible. Raises :class:`Conflict` when parts are missing or the key was created."""
        async with self._lock.exclusive():
            if self.result is not None:  # completed by another call while this one waited
                return self.result
            self._require(store)
            record, stop = self.record, CancelToken()
            target = self._target(store, if_absent=record.if_absent and not overwrite)
            if record.etag is None:
                try:
                    record.etag = (
                        await (self._complete_parts(target) if record.part_count else self._put_empty(target)) or ""
                    )
                except StoreError as error:
                    if error.code in EXISTS_NOW:
                        raise Conflict(
                            f"{record.key} already exists in {record.bucket}: it was created in the meantime."
                        ) from error
                    raise
                self.save()  # if the server is killed now, only the comparison remains
            try:
                etag = await target.confirm(self._engine, record.etag or None, record.size, stop)
            except VerificationError:
                self._end()
                raise
            self.result = StoredObject(bucket=record.bucket, key=record.key, size=record.size, ETag=etag)
            self._end()
            return self.result

    async def drop(self, store: S3Store) -> None:
        """Delete the upload; what cannot be aborted now is aborted later."""
        self._require(store)
        self._refuse_incoming()
        async with self._lock.exclusive():
            self._require(store)
            if (entry := self._entry) is not None:
                self._engine.pending_writes.orphan(entry)
                await drop_pending(self._engine, store, entry)
            self._end()

    def forget(self) -> None:
        """Remove the upload from the journal and leave its multipart upload to the sweeper."""
        if (entry := self._entry) is not None:
            self._engine.pending_writes.orphan(entry)
        self._end()

    async def _put_empty(self, target: S3Target) -> str | None:
        stop = CancelToken()
        return (await self._engine.attempt(stop, lambda: target.put_whole(memoryview(b""), stop))).etag

    async def _complete_parts(self, target: S3Target) -> str | None:
        count, entry = self.record.part_count, self._entry
        try:
            # S3's list counts: parts may be lost, or another client may have stored one.
            started = entry is not None and entry.upload_id is not None
            multipart = self._multipart = await self._reopen(target, entry) if entry and started else None
            arrived = self._valid_parts(multipart.entry.parts) if multipart else {}
            if missing := [number for number in range(1, count + 1) if number not in arrived]:
                raise _missing(missing, count)
            assert multipart is not None
            try:
                return await multipart.complete(count, CancelToken())
            except Conflict:
                if multipart.entry.completing_at is None:
                    raise
            # The object may be our own: an earlier Complete without a reply may have succeeded.
            multipart = await self._reopen(target, multipart.entry)
            return await multipart.complete(count, CancelToken())
        finally:
            self._multipart = None
            if entry is not None:
                entry.live = False

    def _refuse_incoming(self) -> None:
        for part in tuple(self.incoming):
            part.fail(no_such_upload(self.record.id))

    def _end(self) -> None:
        self._ended = True
        self._multipart = None
        self._engine.journal.write("DELETE FROM uploads WHERE id = ?", [(self.record.id,)])
        self._on_end(self)
        self._refuse_incoming()

    # --- S3 -------------------------------------------------------------------------------------------------------

    @property
    def _entry(self) -> PendingWrite | None:
        return self._engine.pending_writes.of(self.record.owner)

    def _target(self, store: S3Store, *, if_absent: bool = False) -> S3Target:
        record = self.record
        return S3Target(store, record.bucket, record.key, content_type=record.content_type, if_absent=if_absent)

    def _require(self, store: S3Store) -> None:
        if self._ended:
            raise no_such_upload(self.record.id)
        if self.record.endpoint != store.host:
            raise Conflict(
                f"This upload was started at {self.record.endpoint}, but the connection in use is {store.host}.",
                code="OtherConnection",
            )
        if self.record.connection and self.record.fingerprint != store.connection.fingerprint:
            raise Conflict(
                f"This upload was started with another account of the connection “{self.record.connection}”.",
                code="OtherConnection",
            )

    def _valid_parts(self, parts: Mapping[int, PartRecord]) -> dict[int, PartRecord]:
        wanted = range(1, self.record.part_count + 1)
        return {n: parts[n] for n in wanted if n in parts and parts[n].size == self.record.length(n)}

    async def _begin(self, target: S3Target) -> Multipart:
        entry = self._entry
        if entry is not None and entry.upload_id is not None:
            return await self._reopen(target, entry)
        if entry is not None:  # the server stopped before it knew the upload ID, so no part was stored
            await Multipart.reopen(self._engine, target, entry, CancelToken())
        return await Multipart.begin(self._engine, target, CancelToken(), self.record.owner)

    async def _reopen(self, target: S3Target, entry: PendingWrite) -> Multipart:
        try:
            multipart = await Multipart.reopen(self._engine, target, entry, CancelToken())
        except OdhTecError:
            entry.live = self._multipart is not None
            raise
        if multipart is None:
            self._end()
            raise no_such_upload(self.record.id)
        return multipart


class _SharedLock:
    """A readers-writer lock: many holders of :meth:`shared`, or one of :meth:`exclusive`, which newcomers wait for."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._lock:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        async with self._lock:
            await self._empty.wait()
            yield


def no_such_upload(upload_id: str) -> NotFound:
    """Return the error for an upload that was completed or dropped, or never existed."""
    return NotFound(f"There is no unfinished upload {upload_id}.", code="NoSuchUpload")


def _missing(numbers: list[int], count: int) -> Conflict:
    named = ", ".join(str(number) for number in numbers[:MAX_NAMED_PARTS])
    more = f" and {len(numbers) - MAX_NAMED_PARTS} more" if len(numbers) > MAX_NAMED_PARTS else ""
    return Conflict(f"Of {count} parts, these are missing: {named}{more}.", code="MissingParts")
