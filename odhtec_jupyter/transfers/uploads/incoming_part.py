"""One part of a resumable upload while it is received: it is sent to S3 only when it is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.models import StoredPart
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.upload_record import UploadRecord
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.uploads.part_buffer import Incoming, PartBuffer


class PartsOwner(Protocol):
    """The resumable upload that a part belongs to."""

    record: UploadRecord
    incoming: set[IncomingPart]

    async def put(self, store: S3Store, number: int, view: memoryview, stop: CancelToken) -> None:
        """Store a whole part."""
        ...


class IncomingPart:
    """A part being received: :meth:`write` or :meth:`receive` …, then :meth:`finish`; :meth:`abort` at any time."""

    def __init__(
        self,
        engine: Engine,
        session: PartsOwner,
        store: S3Store,
        number: int,
        length: int | None,
        *,
        on_failure: Callable[[OdhTecError], None],
    ) -> None:
        """``length`` is the Content-Length. ``on_failure`` is called with an error that occurs outside a call.

        Raises :class:`BadRequest` if the upload has no part of this number and size.
        """
        self.number = number
        self.size = size_of_part(session, number)
        if length is None:
            raise no_length()
        if length != self.size:
            raise BadRequest(f"Content-Length is {length}, but part {number} has {self.size} bytes.")
        self._engine = engine
        self._session = session
        self._store = store
        self.on_failure = on_failure
        self._stop = CancelToken()
        self._flow = engine.bandwidth.flow(session.record.owner.share)
        self._buffer: PartBuffer | None = None
        self._failure: OdhTecError | None = None
        self._closed = False
        session.incoming.add(self)

    @property
    def received(self) -> int:
        """The number of bytes received."""
        return self._buffer.filled if self._buffer is not None else 0

    @property
    def is_over(self) -> bool:
        """Whether the part accepts no more bytes."""
        return self._closed or self._failure is not None

    async def write(self, data: bytes | memoryview) -> None:
        """Append bytes. Raises the error that stopped the part."""
        buffer, left = await self._ready(), memoryview(data)
        while left:
            if buffer.full:
                raise BadRequest(f"Part {self.number} has {self.size} bytes, but more were received.")
            left = left[await buffer.write(left) :]
            self.check()

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` write into the part's memory. Returns the number of bytes."""
        buffer = await self._ready()
        count = await buffer.receive(body, at_most)
        self.check()
        return count

    async def finish(self) -> StoredPart:
        """Store the part; the body has been read to its end."""
        try:
            self.check()
            if self._buffer is None or not self._buffer.full:
                raise BadRequest(f"Part {self.number} has {self.size} bytes, but fewer were received.")
            with self._buffer.detach() as lease:
                await self._session.put(self._store, self.number, lease.view, self._stop)
        except asyncio.CancelledError:
            self.check()  # raises if the part was dropped in the meantime
            raise
        finally:
            await self.abort()
        return StoredPart(number=self.number, size=self.size)

    async def abort(self) -> None:
        """Discard the part; can be called twice."""
        self.drop()

    def drop(self) -> None:
        """Discard the part without awaiting."""
        self._closed = True
        self._stop.set()
        self._session.incoming.discard(self)
        if self._buffer is not None:
            self._buffer.drop()

    def fail(self, error: OdhTecError) -> None:
        """Stop the part because its upload has ended or its sender is too slow."""
        if self._failure is None and not self._closed:
            self._failure = error
            self._stop.set()
            if self._buffer is not None:
                self._buffer.drop()
            self.on_failure(error)

    async def _ready(self) -> PartBuffer:
        self.check()
        if self._buffer is None:
            name = f"Part {self.number} of {self._session.record.key}"
            buffer = await PartBuffer.lease(self._engine.budget, self.size, name, self.fail, self._flow)
            if self._closed or self._failure:
                buffer.drop()
                self.check()
            self._buffer = buffer
        return self._buffer

    def check(self) -> None:
        """Raise the error that stopped the part, if any."""
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise BadRequest("The upload was aborted.")


def size_of_part(session: PartsOwner, number: int) -> int:
    """Return the size of a part in bytes. Raises :class:`BadRequest` if the upload has no such part."""
    if not 1 <= number <= session.record.part_count:
        raise BadRequest(f"part {number}: this upload has {session.record.part_count} parts, starting at 1.")
    return session.record.length(number)


def no_length() -> BadRequest:
    """Return the error for a body without a Content-Length."""
    return BadRequest("A part requires a Content-Length.", code="MissingContentLength", status=411)
