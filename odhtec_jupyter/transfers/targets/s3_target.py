"""An S3 object as a target: one PUT, or a multipart upload that can continue after any interruption.

A multipart upload is in the journal from before it is created in S3 until its object is visible or its parts are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from odhtec_jupyter.errors import Conflict, StoreError, Unreachable, VerificationError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.writer import WRONG_DIGEST
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.transfers.journal.pending_writes import PartRecord, PendingWrite
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE, part_size
from odhtec_jupyter.transfers.runtime.retry import CancelToken, check
from odhtec_jupyter.transfers.targets.pending_multipart import (
    drop_pending,
    drop_unnamed,
    is_visible,
    joined_etag,
    other_uploads,
    require_total,
)
from odhtec_jupyter.transfers.targets.target import Follow, Written, blocks
from odhtec_jupyter.transfers.targets.write_condition import WriteCondition
from odhtec_jupyter.uris import S3Uri

MAX_HASHED_BYTES = MIB  # of an object whose MD5 is computed although verify does not ask for it
COMPARED_BYTES = 64 * 1024  # of an object that is read again, at a time
# The codes of refusals that an earlier attempt can be the reason for.
STORED_BEFORE = {"PreconditionFailed", "NoSuchUpload", "ConditionalRequestConflict"}


@dataclass(frozen=True)
class S3Target:
    """The target of one object, with the content type, metadata and headers to store."""

    store: S3Store
    bucket: str
    key: str
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # Cache-Control and others that S3 keeps
    if_absent: bool = False  # S3 refuses the write if the key was created in the meantime
    whole_up_to: int = PART_SIZE
    condition: WriteCondition | None = None

    @property
    def uri(self) -> S3Uri:
        """``s3://bucket/key``."""
        return self.store.uri(self.bucket, self.key)

    def part_size(self, size: int) -> int:
        """Return 8 MiB, or more if the file would have more than 10,000 parts."""
        return part_size(size)

    def put_whole(
        self, view: memoryview, stop: CancelToken, md5: bytes | None = None, follow: Follow = iter
    ) -> Written:
        """Store an object with one PUT. Blocks.

        The ETag of a small object is compared with its MD5, which costs less than the HEAD that it replaces.
        """
        if md5 is None and len(view) <= MAX_HASHED_BYTES:
            md5 = hashlib.md5(view, usedforsecurity=False).digest()
        try:
            self.require_condition()
            if self.if_absent:
                self.store.require_guard(self.bucket, self.key, in_parts=False)
            etag = self.store.put(
                self.bucket,
                self.key,
                follow(blocks(view, stop)),
                len(view),
                content_type=self.content_type,
                metadata=self.metadata,
                headers=self.headers,
                if_absent=self.if_absent,
                md5=md5,
            )
        except StoreError as error:
            if error.code == WRONG_DIGEST:
                return self._judge_wrong(view, stop, error)
            try:
                etag = self.stored_before(f'"{hashlib.md5(view, usedforsecurity=False).hexdigest()}"', error)
            except StoreError:
                # The ETag of an encrypted object does not show that it is ours.
                if error.code not in STORED_BEFORE or (found := self._read_again(view, stop)) is None:
                    raise
                return found
        return Written(etag, is_proven=md5 is not None and etag == f'"{md5.hex()}"')

    def _judge_wrong(self, view: memoryview, stop: CancelToken, error: StoreError) -> Written:
        """Delete our object, whose ETag is the MD5 of other bytes, and raise ``error``. Blocks.

        Some stores have ETags that only look like MD5s. There, the object has the bytes that were sent and stays.
        """
        if (found := self._read_again(view, stop)) is not None:
            self.store.abilities.hashes_etags = False
            return found
        self._delete_wrong()
        raise error

    def _read_again(self, view: memoryview, stop: CancelToken) -> Written | None:
        """Return the object if it has exactly these bytes, for which it is read; None if it cannot be read. Blocks."""
        try:
            head = self.store.head(self.bucket, self.key)
            if head is None or head.size != len(view):
                return None
            if len(view) and not _has_bytes(
                self.store.source(self.bucket, self.key, head.size, head.etag or ""), view, stop
            ):
                return None
        except VerificationError:  # it has changed in the meantime
            return None
        except StoreError as error:
            if error.transient:
                raise
            return None
        return Written(head.etag, is_proven=True)

    async def write_whole(self, engine: Engine, view: memoryview, stop: CancelToken, owner: Owner) -> None:
        """Raise: it is never called, because :meth:`put_whole` writes the object."""
        raise NotImplementedError

    def _delete_wrong(self) -> None:
        """Delete our object after its bytes turned out to be wrong, if S3 permits it. Blocks."""
        try:
            self.store.delete_exactly(self.bucket, self.key)
        except StoreError as error:
            if error.transient:
                raise

    def require_condition(self) -> None:
        """Raise :class:`StoreError` (412) if the condition is not met. Blocks."""
        if self.condition is not None:
            self.condition.require(self.store, self.bucket, self.key)

    def stored_before(self, etag: str | None, error: StoreError) -> str:
        """Return the ETag if an earlier attempt stored the object and only its reply was lost; else raise ``error``."""
        if error.code not in STORED_BEFORE:
            raise error
        try:
            head = self.store.head(self.bucket, self.key)
        except StoreError:  # the credentials can write but not read
            raise error from None
        if head is None or etag is None or head.etag != etag:
            raise error
        return etag

    async def begin(self, engine: Engine, stop: CancelToken, owner: Owner = STREAM) -> Multipart:
        """Create a multipart upload, or continue the owner's."""
        entry = engine.pending_writes.of(owner) if owner != STREAM else None
        if entry is not None:
            if entry.uri == self.uri and entry.endpoint == self.store.host:
                if resumed := await Multipart.reopen(engine, self, entry, stop):
                    return resumed
            else:  # the target has been renamed since
                engine.pending_writes.orphan(entry)
        return await Multipart.begin(engine, self, stop, owner)

    async def confirm(self, engine: Engine, etag: str | None, size: int, stop: CancelToken) -> str | None:
        """Compare the stored size with ``size``. Raises :class:`VerificationError` after deleting our wrong object."""
        return await engine.attempt(stop, lambda: self.require_size(etag, size))

    def require_size(self, etag: str | None, size: int) -> str | None:
        """Compare the stored size like :meth:`confirm`, and return the ETag. Blocks."""
        try:
            head = self.store.head(self.bucket, self.key)
        except StoreError as error:
            if error.status != 403:
                raise
            return etag  # the credentials can write but not read
        if head is not None and head.size == size:
            return etag or head.etag
        if head is not None and etag and head.etag == etag:
            self._delete_wrong()
        found = "nothing" if head is None else f"{head.size} bytes"
        raise VerificationError(f"{self.uri} has {found} after {size} bytes were stored.")


def _has_bytes(source: RangedSource, view: memoryview, stop: CancelToken) -> bool:
    """Return whether a source has exactly these bytes. Blocks."""
    block = memoryview(bytearray(min(len(view), COMPARED_BYTES)))
    reader = source.open_range(0, len(view))
    done = 0
    try:
        with stop.ending(reader):
            while done < len(view):
                check(stop)
                count = reader.readinto(block[: len(view) - done])
                if not count or block[:count] != view[done : done + count]:
                    return False
                done += count
    finally:
        reader.close()
    return True


class Multipart:
    """A multipart upload of this server: an :class:`Assembly`."""

    again = None  # S3 does not return the bytes of parts

    def __init__(self, engine: Engine, target: S3Target, entry: PendingWrite) -> None:
        self._engine = engine
        self.target = target
        self.entry = entry
        self.finished = False
        entry.live = True

    @property
    def upload_id(self) -> str:
        """The id of the upload in S3."""
        assert self.entry.upload_id is not None
        return self.entry.upload_id

    @classmethod
    async def begin(cls, engine: Engine, target: S3Target, stop: CancelToken, owner: Owner) -> Multipart:
        """Create a multipart upload. If S3 creates it while we are being stopped, it is aborted again."""
        store = target.store
        entry = await engine.pending_writes.begin(owner, target.uri, store.host)
        known = other_uploads(engine, entry)
        made: list[str] = []
        tries = 0

        def create() -> None:
            nonlocal tries
            tries += 1
            made.append(
                store.create_multipart(
                    target.bucket,
                    target.key,
                    content_type=target.content_type,
                    metadata=target.metadata,
                    headers=target.headers,
                )
            )

        try:
            if target.if_absent:
                await engine.attempt(stop, lambda: store.require_guard(target.bucket, target.key, in_parts=True))
            await engine.attempt(stop, create)
            if tries > 1 and None not in known:  # a reply with the id of an upload was lost
                await engine.attempt(stop, lambda: drop_unnamed(store, target.uri, entry.started_at, {*known, made[0]}))
            await engine.pending_writes.set_upload_id(entry, made[0])
        except BaseException as error:
            entry.live = False
            if made:
                entry.upload_id = made[0]
            if made or (isinstance(error, StoreError) and not error.transient):
                await finishing(drop_pending(engine, store, entry))
            raise
        return cls(engine, target, entry)

    @classmethod
    async def reopen(cls, engine: Engine, target: S3Target, entry: PendingWrite, stop: CancelToken) -> Multipart | None:
        """Continue an upload of an earlier run with the parts that S3 lists; return None if the upload is gone."""
        if entry.upload_id is None:
            engine.pending_writes.orphan(entry)
            await drop_pending(engine, target.store, entry)
            return None
        multipart = cls(engine, target, entry)
        try:
            listed = await engine.attempt(
                stop, lambda: target.store.list_parts(target.bucket, target.key, multipart.upload_id)
            )
        except StoreError as error:
            entry.live = False
            if error.code == "NoSuchUpload":
                if await engine.attempt(stop, multipart._is_visible):
                    multipart.finished = True
                    return multipart
                engine.pending_writes.remove(entry)
                return None
            if error.status not in {403, 501}:
                raise
            entry.live = True
            return multipart  # the credentials can write but not read
        except BaseException:
            entry.live = False
            raise
        engine.pending_writes.set_parts(
            entry, {number: PartRecord(part.etag, part.size) for number, part in listed.items()}
        )
        return multipart

    def put(self, number: int, start: int, pieces: Iterable[memoryview], size: int, *, md5: bytes | None) -> str:
        """Store one part and return its ETag. Blocks."""
        target = self.target
        require_total(target.store, self.entry, size, number)
        return target.store.put_part(target.bucket, target.key, self.upload_id, number, pieces, size, md5=md5)

    def keep(self, number: int, etag: str, size: int) -> None:
        """Record a stored part."""
        self._engine.pending_writes.add_part(self.entry, number, etag, size)

    async def complete(self, count: int, stop: CancelToken) -> str | None:
        """Complete the upload and return the ETag. Raises :class:`Conflict` if the key was created in the meantime."""
        etags = [self.entry.parts[number].etag for number in range(1, count + 1)]
        target, store = self.target, self.target.store
        require_total(store, self.entry)
        unanswered = self.entry.completing_at is not None  # in an earlier run
        if self.finished:
            self._engine.pending_writes.visible(self.entry)
            return joined_etag(etags)

        def check_target() -> None:
            target.require_condition()
            # Ceph RGW ignores If-None-Match on Complete.
            if target.if_absent and store.existing(target.bucket, target.key, in_parts=True) is not None:
                raise Conflict(f"{target.key} already exists in {target.bucket}: it was created in the meantime.")

        def send_complete() -> str | None:
            nonlocal unanswered
            try:
                return store.complete_multipart(
                    target.bucket, target.key, self.upload_id, etags, if_absent=target.if_absent
                )
            except Unreachable:
                unanswered = True
                raise
            except StoreError as error:
                unanswered = unanswered or error.transient
                return target.stored_before(joined_etag(etags), error)

        await self._engine.attempt(stop, check_target)
        await self._engine.pending_writes.completing(self.entry)
        try:
            etag = await self._engine.attempt(stop, send_complete)
        except Unreachable as error:
            self.entry.live = False
            raise CompletionUnknown(str(error), code=error.code) from error
        except StoreError:
            if not unanswered:
                self._engine.pending_writes.completion_refused(self.entry)
            raise
        self._engine.pending_writes.visible(self.entry)
        return etag

    async def drop(self) -> None:
        """Abort the upload, or leave it for later if S3 can still be completing it."""
        self._engine.pending_writes.orphan(
            self.entry
        )  # so that a new attempt does not continue it if it cannot be aborted now
        await drop_pending(self._engine, self.target.store, self.entry)

    def leave(self) -> None:
        """Keep the stored parts."""
        self.entry.live = False

    def _is_visible(self) -> bool:
        return is_visible(self.target.store, self.entry)


class CompletionUnknown(Unreachable):
    """S3 did not reply to Complete. It can still be completing the upload, so the upload must not be aborted."""
