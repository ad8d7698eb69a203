"""One resumable upload: its parts come in any order, side by side, from a sender that may go away and come back.

S3's multipart upload is its state. It is begun with the first part, so that an upload of which nothing came leaves
nothing behind. Parts are stored side by side; whoever completes or drops waits for them and is alone.
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
from odhtec_jupyter.transfers.journal.pending_writes import Kept, PendingWrite
from odhtec_jupyter.transfers.journal.upload_record import UploadRecord
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import drop_pending
from odhtec_jupyter.transfers.targets.s3_target import Multipart, S3Target
from odhtec_jupyter.transfers.targets.target import blocks
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_pieces import PartInPieces

MAX_NAMED_PARTS = 10  # missing parts in an error's sentence
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
        self._door = _Door()
        self._over = False

    @property
    def finished(self) -> bool:
        """Whether S3 has put the parts together already, though nobody was told."""
        return self.record.etag is not None or (self._multipart is not None and self._multipart.finished)

    def show(self, parts: Mapping[int, Kept] | None = None) -> Upload:
        """For the wire; without ``parts`` only what the journal knows of them, as a sum."""
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
        """Note that somebody is at it."""
        self.record.touched_at = time.time()
        self._engine.journal.put("uploads", astuple(self.record))

    # --- parts ----------------------------------------------------------------------------------------------------

    async def look(self, store: S3Store) -> Mapping[int, Kept]:
        """The parts that have arrived, as S3 lists them. Ends the upload when S3 has lost it."""
        async with self._door.together():
            self._require(store)
            if self.record.etag is None and (entry := self._entry) is not None and entry.upload_id is not None:
                listed = await self._reopen(self._target(store), entry)
                if self._multipart is None or listed.finished:
                    self._multipart = listed
                return self._fitting(entry.parts)
        if not self.finished:
            return {}
        return {number: Kept("", self.record.length(number)) for number in range(1, self.record.part_count + 1)}

    async def open(self, store: S3Store) -> Multipart:
        """The multipart upload, begun if need be."""
        self._require(store)
        target = self._target(store)
        if self._multipart is None and not self.finished:
            async with self._door.alone():
                self._require(store)
                if self._multipart is None and not self.finished:
                    self._multipart = await self._begin(target)
        if self.finished or self._multipart is None:
            raise Conflict(f"All parts of {self.record.key} are stored. Complete the upload.")
        self._multipart.target = target
        return self._multipart

    async def put(self, store: S3Store, number: int, view: memoryview, stop: CancelToken) -> None:
        """Store one part. The same part twice is harmless: the last one counts."""
        stored = False
        while not stored:
            multipart = await self.open(store)
            async with self._door.together():
                self._require(store)
                if self._multipart is multipart:  # else somebody has looked at it anew meanwhile
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
            self._multipart = None  # it may be gone, or put together: the next call finds out
            raise
        self.save()

    # --- the end --------------------------------------------------------------------------------------------------

    async def complete(self, store: S3Store, *, overwrite: bool) -> StoredObject:
        """Make the object visible. Raises :class:`Conflict` when parts are missing or the key has come into being."""
        async with self._door.alone():
            if self.result is not None:  # by somebody else, while this call waited
                return self.result
            self._require(store)
            record, stop = self.record, CancelToken()
            target = self._target(store, if_absent=record.if_absent and not overwrite)
            if record.etag is None:
                try:
                    record.etag = await (self._in_parts(target) if record.part_count else self._empty(target)) or ""
                except StoreError as error:
                    if error.code in EXISTS_NOW:
                        raise Conflict(
                            f"{record.key} already exists in {record.bucket}: it was created in the meantime."
                        ) from error
                    raise
                self.save()  # were the server killed now, only the comparison would be left to do
            try:
                etag = await target.confirm(self._engine, record.etag or None, record.size, stop)
            except VerificationError:
                self._end()
                raise
            self.result = StoredObject(bucket=record.bucket, key=record.key, size=record.size, ETag=etag)
            self._end()
            return self.result

    async def drop(self, store: S3Store) -> None:
        """Leave nothing of it; what cannot be aborted now is aborted later."""
        self._require(store)
        self._refuse_incoming()
        async with self._door.alone():
            self._require(store)
            if (entry := self._entry) is not None:
                self._engine.pending_writes.orphan(entry)
                await drop_pending(self._engine, store, entry)
            self._end()

    def forget(self) -> None:
        """Leave what S3 has of it to whoever looks after what nobody goes on with."""
        if (entry := self._entry) is not None:
            self._engine.pending_writes.orphan(entry)
        self._end()

    async def _empty(self, target: S3Target) -> str | None:
        stop = CancelToken()
        return await self._engine.attempt(stop, lambda: target.put_whole(memoryview(b""), stop))

    async def _in_parts(self, target: S3Target) -> str | None:
        count, entry = self.record.part_count, self._entry
        try:
            # What S3 lists counts: it may have lost parts, or have got one from somebody else.
            begun = entry is not None and entry.upload_id is not None
            multipart = self._multipart = await self._reopen(target, entry) if entry and begun else None
            arrived = self._fitting(multipart.entry.parts) if multipart else {}
            if missing := [number for number in range(1, count + 1) if number not in arrived]:
                raise _missing(missing, count)
            assert multipart is not None
            try:
                return await multipart.complete(count, CancelToken())
            except Conflict:
                if multipart.entry.completing_at is None:
                    raise
            # What is there now may be our own: an earlier try that gave no answer has done its work.
            multipart = await self._reopen(target, multipart.entry)
            return await multipart.complete(count, CancelToken())
        finally:
            self._multipart = None
            if entry is not None:
                entry.live = False

    def _refuse_incoming(self) -> None:
        for part in tuple(self.incoming):
            part.fail(gone(self.record.id))

    def _end(self) -> None:
        self._over = True
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
        if self._over:
            raise gone(self.record.id)
        if self.record.endpoint != store.host:
            raise Conflict(
                f"This upload was started at {self.record.endpoint}, but the connection in use is {store.host}.",
                code="OtherConnection",
            )

    def _fitting(self, parts: Mapping[int, Kept]) -> dict[int, Kept]:
        wanted = range(1, self.record.part_count + 1)
        return {n: parts[n] for n in wanted if n in parts and parts[n].size == self.record.length(n)}

    async def _begin(self, target: S3Target) -> Multipart:
        entry = self._entry
        if entry is not None and entry.upload_id is not None:
            return await self._reopen(target, entry)
        if entry is not None:  # the server ended before it knew S3's name for it: no part had come
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
            raise gone(self.record.id)
        return multipart


class _Door:
    """Many may be inside together; who wants to be alone waits until they have left, and keeps others out."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
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
    async def alone(self) -> AsyncIterator[None]:
        async with self._lock:
            await self._empty.wait()
            yield


def gone(upload_id: str) -> NotFound:
    """Completed, dropped, or never begun."""
    return NotFound(f"There is no unfinished upload {upload_id}.", code="NoSuchUpload")


def _missing(numbers: list[int], count: int) -> Conflict:
    named = ", ".join(str(number) for number in numbers[:MAX_NAMED_PARTS])
    more = f" and {len(numbers) - MAX_NAMED_PARTS} more" if len(numbers) > MAX_NAMED_PARTS else ""
    return Conflict(f"Of {count} parts, these are missing: {named}{more}.", code="MissingParts")
