"""All resumable uploads of this server: created, resumed, completed once, and dropped when they are abandoned."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import StoredObject, Upload, UploadList, UploadRequest
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.upload_record import UploadRecord
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import part_size
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.uploads import incoming_part
from odhtec_jupyter.transfers.uploads.incoming_part import IncomingPart
from odhtec_jupyter.transfers.uploads.part_pieces import PartInPieces, out_of_order
from odhtec_jupyter.transfers.uploads.streamed_upload import require_room
from odhtec_jupyter.transfers.uploads.upload_session import UploadSession, no_such_upload
from odhtec_jupyter.transfers.uploads.upload_target import choose_target, content_type

MAX_ANSWERS = 256  # kept of completed uploads, for a client that has not received the reply
DAY_SECONDS = 86400.0


class Uploads:
    """The resumable uploads. Not thread-safe; ``store`` is called each time: the connection may change."""

    def __init__(self, engine: Engine, store: Callable[[str], S3Store], *, keep_days: int) -> None:
        """``store`` returns the store of a connection by its name.

        ``keep_days``: :meth:`expire` drops an upload that was not used for this long.
        """
        self._engine = engine
        self._store = store
        self._keep = keep_days * DAY_SECONDS
        self._sessions: dict[str, UploadSession] = {}
        self._completed: OrderedDict[str, StoredObject] = OrderedDict()

    def load(self) -> None:
        """Load the uploads of an earlier server process."""
        for row in self._engine.journal.rows("uploads"):
            columns: dict[str, Any] = dict(row)
            self._add(UploadRecord(**columns | {"if_absent": bool(row["if_absent"])}))

    def save_all(self) -> None:
        """Write all uploads to a new journal, because the old one was lost."""
        self._engine.journal.put("uploads", *(astuple(session.record) for session in self._sessions.values()))

    # --- reading --------------------------------------------------------------------------------------------------

    def get(self, upload_id: str) -> UploadSession:
        """Return an unfinished upload. Raises ``NoSuchUpload``."""
        if upload_id not in self._sessions:
            raise no_such_upload(upload_id)
        return self._sessions[upload_id]

    def find(self, upload_id: str) -> UploadRecord | None:
        """Return the record of this upload, or None."""
        session = self._sessions.get(upload_id)
        return session.record if session else None

    async def show(self, upload_id: str) -> Upload:
        """Return one upload with the parts that S3 has."""
        session = self.get(upload_id)
        return session.show(await session.list_parts(self._store_of(session)))

    def show_all(self, connection: str = "") -> UploadList:
        """Return the uploads of a connection, newest first."""
        store = self._store(connection)
        found = [session for session in self._sessions.values() if _is_of(session.record, store)]
        return UploadList(uploads=[session.show() for session in reversed(found)])

    # --- creating -------------------------------------------------------------------------------------------------

    async def begin(self, request: UploadRequest, connection: str = "") -> tuple[Upload, bool]:
        """Return an upload to send parts to, and whether it is a resumed one."""
        store = self._store(connection)
        _require_allowed(store, request.bucket, request.size)
        _check(request)
        require_room(self._engine, request.key, request.size)
        if session := await self._find_resumable(store, request):
            session.save()
            return session.show(await session.list_parts(store)), True
        while True:
            target = await self._choose(store, request)
            # Nothing is awaited from here on: of two clients that send the same file, the second finds the first's.
            if session := next((s for s in self._same_file(store, request) if s.record.key == target.key), None):
                session.record.if_absent, session.record.verify = target.if_absent, request.verify
                session.save()
                return session.show(await session.list_parts(store)), True
            if request.on_conflict != "rename" or target.key not in self._reserved(store, request):
                break
        session = self._add(
            UploadRecord(
                endpoint=store.host,
                bucket=request.bucket,
                key=target.key,
                requested_key=request.key,
                size=request.size,
                part_size=part_size(request.size),
                content_type=content_type(request.key, request.content_type),
                last_modified=request.last_modified,
                if_absent=target.if_absent,
                verify=request.verify,
                connection=store.name,
                fingerprint=store.connection.fingerprint if store.name else "",
            )
        )
        session.save()
        await self._engine.journal.written()
        return session.show({}), False

    async def _find_resumable(self, store: S3Store, request: UploadRequest) -> UploadSession | None:
        """Return one for which it no longer matters whether the key exists; remove those that S3 no longer has."""
        for session in self._same_file(store, request):
            try:
                await session.list_parts(store)
            except OdhTecError as error:
                if error.code != "NoSuchUpload":
                    raise
                continue
            renamed = session.record.key != request.key
            if session.finished or (renamed and request.on_conflict == "rename"):
                return session
        return None

    async def _choose(self, store: S3Store, request: UploadRequest) -> S3Target:
        reserved = self._reserved(store, request)
        target = await self._engine.attempt(
            CancelToken(),
            lambda: choose_target(
                store, request.bucket, request.key, request.content_type, request.on_conflict, reserved, in_parts=True
            ),
        )
        assert target is not None  # only `skip` has none
        return target

    def _same_file(self, store: S3Store, request: UploadRequest) -> list[UploadSession]:
        """Return the unfinished uploads of the same file, newest first."""
        if request.last_modified is None:
            return []

        def same(record: UploadRecord) -> bool:
            return (
                _is_of(record, store)
                and (record.bucket, record.requested_key, record.size) == (request.bucket, request.key, request.size)
                and record.last_modified == request.last_modified
                and record.content_type == content_type(request.key, request.content_type)
            )

        return [session for session in reversed(self._sessions.values()) if same(session.record)]

    def _reserved(self, store: S3Store, request: UploadRequest) -> frozenset[str]:
        """Return the keys of unfinished uploads of other files."""
        same_file = self._same_file(store, request)
        return frozenset(
            session.record.key
            for session in self._sessions.values()
            if _is_of(session.record, store) and session.record.bucket == request.bucket and session not in same_file
        )

    def _add(self, record: UploadRecord) -> UploadSession:
        session = self._sessions[record.id] = UploadSession(self._engine, record, self._ended)
        return session

    # --- parts and the end ----------------------------------------------------------------------------------------

    async def receive(
        self, upload_id: str, number: int, length: int | None, on_failure: Callable[[OdhTecError], None]
    ) -> IncomingPart:
        """Prepare for a part of ``length`` bytes. Raises before the body is read where that is possible."""
        session = self.get(upload_id)
        store = self._writable_store_of(session)
        return await self._open(session, store, number, length, on_failure)

    async def receive_piece(
        self, upload_id: str, number: int, offset: int, length: int | None, on_failure: Callable[[OdhTecError], None]
    ) -> PartInPieces:
        """Prepare for ``length`` bytes of a part from ``offset`` on; earlier requests have sent the bytes before."""
        session = self.get(upload_id)
        store = self._writable_store_of(session)
        size = incoming_part.size_of_part(session, number)
        if length is None:
            raise incoming_part.no_length()
        known = session.pieces.get(number)
        if offset:
            if known is None:
                raise out_of_order(number, offset)
            known.resume(offset, length, on_failure)
            return known
        if not 0 < length <= size:
            raise BadRequest(f"Content-Length is {length}, but part {number} has {size} bytes.")
        if known is not None:
            await known.abort()
        part = await self._open(session, store, number, size, on_failure)

        def forget(ended: PartInPieces) -> None:
            if session.pieces.get(number) is ended:
                del session.pieces[number]

        pieces = session.pieces[number] = PartInPieces(part, forget)
        return pieces

    async def _open(
        self,
        session: UploadSession,
        store: S3Store,
        number: int,
        length: int | None,
        on_failure: Callable[[OdhTecError], None],
    ) -> IncomingPart:
        part = IncomingPart(self._engine, session, store, number, length, on_failure=on_failure)
        try:
            await session.open(store)
            part.check()  # the upload may have been dropped in the meantime
        except BaseException:
            await part.abort()
            raise
        return part

    async def complete(self, upload_id: str, *, overwrite: bool) -> StoredObject:
        """Make the object visible. A repeated call returns the same result."""
        if upload_id in self._completed:
            return self._completed[upload_id]
        session = self.get(upload_id)
        return await session.complete(self._writable_store_of(session), overwrite=overwrite)

    async def drop(self, upload_id: str) -> None:
        """Delete the upload and its parts."""
        session = self.get(upload_id)
        store = self._store_of(session)
        _require_allowed(store, session.record.bucket)
        await session.drop(store)

    async def expire(self) -> None:
        """Drop uploads that were not used for ``keep_days``."""
        owners = {session.record.owner for session in self._sessions.values()}
        for entry in self._engine.pending_writes.entries:
            if entry.owner.kind == "upload" and entry.owner not in owners:
                self._engine.pending_writes.orphan(entry)  # the server stopped between the updates of the two records
        limit = time.time() - self._keep
        for session in list(self._sessions.values()):
            if session.record.touched_at < limit and not session.incoming:
                try:
                    await session.drop(self._store_of(session))
                except OdhTecError:  # the connection has changed or does not work
                    session.forget()

    def _store_of(self, session: UploadSession) -> S3Store:
        return self._store(session.record.connection)

    def _writable_store_of(self, session: UploadSession) -> S3Store:
        """Return the store for writing: an earlier server can have started the upload under another policy."""
        store = self._store_of(session)
        _require_allowed(store, session.record.bucket, session.record.size)
        return store

    def _ended(self, session: UploadSession) -> None:
        self._sessions.pop(session.record.id, None)
        if session.result is not None:
            self._completed[session.record.id] = session.result
            while len(self._completed) > MAX_ANSWERS:
                self._completed.popitem(last=False)


def _is_of(record: UploadRecord, store: S3Store) -> bool:
    """Return whether an upload was started with the connection of a store."""
    return (record.endpoint, record.connection) == (store.host, store.name)


def _require_allowed(store: S3Store, bucket: str, size: int | None = None) -> None:
    """Raise :class:`Forbidden` (ReadOnly) or :class:`PolicyDenied` if the object cannot be stored."""
    store.require_writable()
    store.require_bucket(bucket)
    store.policy.require_size(size)


def _check(request: UploadRequest) -> None:
    """Raise :class:`BadRequest` for a key or content type that no header or journal can hold."""
    fitting(request.key)
    sent_type = request.content_type or ""
    if not (sent_type.isascii() and sent_type.isprintable()):
        raise BadRequest("contentType must be printable ASCII.")
