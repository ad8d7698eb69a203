"""A streamed upload of unknown or known size: bytes arrive in order from a client that cannot send them again.

Bytes fill a leased part; a full part is stored in the background while the next one fills. Only the memory budget slows
the client down: :meth:`write` returns when there is room for more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from odhtec_jupyter.errors import BadRequest, OdhTecError, TooLarge
from odhtec_jupyter.transfers.copying.connection_scaler import FAST_BYTES_PER_SECOND
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing, settled
from odhtec_jupyter.transfers.runtime.memory_budget import Lease
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT, MAX_PARTS, MIB, open_part_size, part_size
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.s3_target import CompletionUnknown, Multipart, S3Target
from odhtec_jupyter.transfers.targets.target import Written, blocks
from odhtec_jupyter.transfers.uploads.forwarding import Forwarding
from odhtec_jupyter.transfers.uploads.part_buffer import Incoming, PartBuffer
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

MAX_PARTS_IN_FLIGHT = 3  # parts of one upload being stored while the next one fills
MAX_OPEN_PART_BYTES = 32 * MIB
LARGE_PART_BYTES = 16 * MIB  # where client and S3 are fast: each part costs a millisecond or two of CPU


class StreamedUpload:
    """An object being received: :meth:`write` …, then :meth:`finish`; :meth:`abort` at any time."""

    def __init__(
        self,
        engine: Engine,
        target: S3Target,
        *,
        size: int | None,
        at_most: int | None = None,
        on_failure: Callable[[OdhTecError], None] | None = None,
    ) -> None:
        """``size`` in bytes if the client has sent it, else ``at_most`` if a limit is known.

        ``on_failure`` is called with an error that occurs outside a call.
        """
        target.store.policy.require_size(size)
        if size is not None:
            require_room(engine, target.key, size)
        self._engine = engine
        self.target = self._target = target
        self._size = size
        self._at_most = at_most
        self._on_failure = on_failure
        self._stop = CancelToken()
        self._flow = engine.bandwidth.flow()
        self._buffer: PartBuffer | None = None
        self._multipart: Multipart | None = None
        self._parts = 0
        self._quick = False  # one connection to S3 is fast enough
        self._crowded = False  # other uploads have waited for memory
        self._storing: set[asyncio.Task[Any]] = set()
        self._completing: asyncio.Task[str | None] | None = None
        self._failure: BaseException | None = None
        self._closed = False
        self.received = 0

    async def write(self, data: bytes | memoryview) -> None:
        """Append bytes; returns when there is room for more. Raises the error that stopped the upload."""
        view = memoryview(data)
        while view:
            self._raise_failure()
            buffer = self._buffer or await self._begin_part()
            count = await buffer.write(view)
            self._raise_failure()
            view = view[count:]
            await self._advance(buffer, count)

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` write into the part's memory, without the copy of :meth:`write`. Returns the number of bytes.

        Where client and S3 are fast and the bandwidth has no limit, the bytes are forwarded to S3 immediately.
        """
        self._raise_failure()
        buffer = self._buffer or await self._begin_part()
        if self._multipart and self._quick and not self._flow.is_limited and (sender := body.sender()):
            return await self._forward(self._multipart, buffer, sender)
        count = await buffer.receive(body, at_most)
        self._raise_failure()
        await self._advance(buffer, count)
        return count

    async def _advance(self, buffer: PartBuffer, count: int) -> None:
        self.received += count
        self._target.store.policy.require_size(self.received)
        whole = self._multipart is None and self.received == self._size  # goes as one PUT, in finish
        if buffer.full and not whole:
            await self._store_part()

    async def finish(self) -> str | None:
        """Store the remaining bytes and make the object visible. Returns its ETag; call it after the last byte."""
        try:
            self._raise_failure()
            if self._size is not None and self.received != self._size:
                raise BadRequest(
                    f"{self._target.key}: received {self.received} bytes, but Content-Length says {self._size}."
                )
            if self._multipart:
                etag = await self._finish_parts()
            else:
                written = await self._put_whole()
                if written.is_proven:
                    return written.etag
                etag = written.etag
            return await self._target.confirm(self._engine, etag, self.received, self._stop)
        except BaseException:
            await finishing(self.abort())
            raise
        finally:
            self._closed = True
            self._release()

    async def abort(self) -> None:
        """Discard everything that is not visible yet; can be called twice and while a write waits."""
        self._closed = True
        self._stop.set()
        for task in list(self._storing):
            task.cancel()
            await settled(task)
        if self._completing is not None:
            # Ceph RGW accepts Complete and Abort in parallel, and later deletes the parts of the visible object.
            await settled(self._completing)
        self._release()
        multipart, self._multipart = self._multipart, None
        if multipart:
            await multipart.drop()

    # --- parts ----------------------------------------------------------------------------------------------------

    async def _begin_part(self) -> PartBuffer:
        number = self._parts + 1
        if number > MAX_PARTS:
            raise TooLarge(f"{self._target.key} is too large to be sent without a Content-Length.")
        if self._size is None:
            size = open_part_size(number, MAX_OPEN_PART_BYTES)
            left = MAX_OBJECT if self._at_most is None else self._at_most - self.received
        else:
            size, left = part_size(self._size), self._size - self.received
            if left <= 0:
                raise BadRequest(f"{self._target.key}: received more bytes than the {self._size} of Content-Length.")
        self._crowded = self._crowded or self._engine.budget.contended("upload")
        if self._quick and not self._crowded and self._engine.budget.largest // 3 >= LARGE_PART_BYTES:
            size = max(size, LARGE_PART_BYTES)
        size = max(1, min(size, left))
        buffer = await PartBuffer.lease(self._engine.budget, size, self._target.key, self._fail, self._flow)
        if self._closed:
            buffer.drop()
            raise self._failure or BadRequest("The upload was aborted.")
        self._buffer = buffer
        return buffer

    async def _store_part(self) -> None:
        lease, size = self._detach_lease()
        try:
            if self._multipart is None:
                self._multipart = await self._target.begin(self._engine, self._stop)
            await self._wait_for_others()
        except BaseException:
            lease.release()
            await finishing(self.abort())  # also if it was aborted while S3 created the upload
            raise
        self._parts += 1
        self._store_aside(self._multipart, self._parts, lease, size)

    async def _wait_for_others(self) -> None:
        while len(self._storing) >= MAX_PARTS_IN_FLIGHT:
            await asyncio.wait(self._storing, return_when=asyncio.FIRST_COMPLETED)
        self._raise_failure()

    def _store_aside(self, multipart: Multipart, number: int, lease: Lease, size: int) -> None:
        task = asyncio.ensure_future(self._put_part(multipart, number, lease, size))
        self._storing.add(task)
        task.add_done_callback(lambda task: self._stored(task, lease))

    async def _put_part(self, multipart: Multipart, number: int, lease: Lease, size: int) -> None:
        view = lease.view[:size]

        def put() -> str:
            return multipart.put(number, 0, blocks(view, self._stop), size, md5=None)

        started = time.monotonic()
        etag = await self._engine.attempt(self._stop, put)
        self._keep(multipart, number, etag, size, started)

    def _keep(self, multipart: Multipart, number: int, etag: str, size: int, started: float) -> None:
        multipart.keep(number, etag, size)
        self._quick = size / max(time.monotonic() - started, 1e-6) >= FAST_BYTES_PER_SECOND

    def _stored(self, task: asyncio.Task[Any], lease: Lease) -> None:
        # Here and not in the task: a task that is cancelled before it starts runs no code.
        lease.release()
        self._storing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    async def _forward(self, multipart: Multipart, buffer: PartBuffer, sender: SocketReader) -> int:
        """Store a part while it is received. Returns the number of bytes; if it stops, the part is stored as usual."""
        await self._wait_for_others()
        number, size, before, started = self._parts + 1, buffer.size, buffer.filled, time.monotonic()

        def put(pieces: Iterable[memoryview]) -> str:
            return multipart.put(number, 0, pieces, size, md5=None)

        with buffer.receiving(watched=False) as memory:
            forwarding = Forwarding(self._engine, self._stop, sender, memory, before, put)
            self._storing.add(forwarding.answer)
            forwarding.answer.add_done_callback(self._storing.discard)
            whole = await forwarding.wait_received()
            if self._closed or self._failure:
                await forwarding.cancel()
        count = forwarding.filled - before
        buffer.advance(count)
        self.received += count
        self._target.store.policy.require_size(self.received)
        self._raise_failure()
        if whole:
            self._parts = number
            lease, _ = self._detach_lease()
            forwarding.on_answer(lambda: self._forwarded(forwarding.answer, multipart, number, lease, size, started))
        else:
            self._quick = False
            await self._advance(buffer, 0)
        return count

    def _forwarded(
        self, answer: asyncio.Task[str], multipart: Multipart, number: int, lease: Lease, size: int, started: float
    ) -> None:
        """Handle the end of the request that stored a forwarded part."""
        error = None if answer.cancelled() else answer.exception()
        if isinstance(error, OdhTecError) and error.transient and not self._closed:
            self._store_aside(multipart, number, lease, size)
            return
        lease.release()
        if error:
            self._fail(error)
        elif not answer.cancelled():
            self._keep(multipart, number, answer.result(), size, started)

    async def _finish_parts(self) -> str | None:
        if self._buffer is not None:
            await self._store_part()
        while self._storing:
            await asyncio.wait(self._storing)
        self._raise_failure()
        multipart = self._multipart
        assert multipart is not None

        async def completing() -> str | None:
            try:
                etag = await multipart.complete(self._parts, self._stop)
            except CompletionUnknown:
                self._multipart = None
                raise
            self._multipart = None
            return etag

        self._completing = asyncio.ensure_future(completing())
        return await self._completing

    async def _put_whole(self) -> Written:
        lease, size = self._detach_lease() if self._buffer else (None, 0)
        view = lease.view[:size] if lease else memoryview(b"")

        try:
            return await self._engine.attempt(self._stop, lambda: self._target.put_whole(view, self._stop))
        finally:
            if lease:
                lease.release()

    # --- memory and failures --------------------------------------------------------------------------------------

    def _detach_lease(self) -> tuple[Lease, int]:
        """Return the current lease, which the caller must release, and the number of bytes in it."""
        assert self._buffer is not None
        buffer, self._buffer = self._buffer, None
        return buffer.detach(), buffer.filled

    def _release(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            buffer.drop()

    def _fail(self, error: BaseException) -> None:
        if self._failure is None and not self._closed:
            self._failure = error
            if self._on_failure and isinstance(error, OdhTecError):
                self._on_failure(error)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise BadRequest("The upload was aborted.")


def require_room(engine: Engine, key: str, size: int) -> None:
    """Raise :class:`TooLarge` if the object is too large for S3 or its parts for the memory budget."""
    if size > MAX_OBJECT:
        raise TooLarge(f"{key} has {size} bytes, but an object in S3 can have up to 5 TiB.")
    if part_size(size) > engine.budget.largest:
        raise TooLarge(f"{key} needs parts of {part_size(size)} bytes. Increase OdhTecSettings.max_memory.")
