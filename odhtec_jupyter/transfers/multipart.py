"""A streamed upload of unknown or known size: bytes come in order from a sender that cannot be asked again.

Bytes fill a part that was leased beforehand; a full part is stored in the background while the next one fills. The
sender is slowed by the budget alone: :meth:`write` returns when there is room for more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from odhtec_jupyter.errors import BadRequest, OdhTecError, SlowSender, TooLarge
from odhtec_jupyter.transfers.budget import Lease
from odhtec_jupyter.transfers.engine import Engine, finishing, settled
from odhtec_jupyter.transfers.parts import MAX_OBJECT, MAX_PARTS, MIB, open_part_size, part_size
from odhtec_jupyter.transfers.retry import StopSign
from odhtec_jupyter.transfers.target import (
    CompletionUnknown,
    Target,
    begin_multipart,
    blocks,
    complete,
    confirm,
    drop_multipart,
    put_whole,
)

IN_FLIGHT = 3  # parts of one upload being stored while the next one fills
LARGEST_OPEN_PART = 32 * MIB
PATIENCE = 15.0  # seconds a sender may stand still while others wait for its memory
SLOWEST = 64 * 1024  # bytes per second, the least while others wait


class StreamedUpload:
    """One object being sent to us. Use: :meth:`write` …, then :meth:`finish`; :meth:`abort` at any time."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        *,
        size: int | None,
        at_most: int | None = None,
        on_failure: Callable[[OdhTecError], None] | None = None,
    ) -> None:
        """``size`` in bytes where the sender told it, else ``at_most`` where that is known.

        ``on_failure`` hears of an error outside of a call.
        """
        if size is not None and size > MAX_OBJECT:
            raise TooLarge(f"{target.key} has {size} bytes; S3 takes 5 TiB at most.")
        if size is not None and part_size(size) > engine.budget.largest:
            raise TooLarge(f"{target.key} needs parts of {part_size(size)} bytes: raise OdhTecSettings.max_memory.")
        self._engine = engine
        self.target = self._target = target
        self._size = size
        self._at_most = at_most
        self._on_failure = on_failure
        self._stop = StopSign()
        self._lease: Lease | None = None
        self._filled = 0
        self._filling_since = self._last_data = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._upload_id: str | None = None
        self._etags: list[str] = []
        self._storing: set[asyncio.Task[None]] = set()
        self._completing: asyncio.Task[str | None] | None = None
        self._failure: BaseException | None = None
        self._closed = False
        self._receiving = False
        self.received = 0

    async def write(self, data: bytes | memoryview) -> None:
        """Take bytes; returns when there is room for more. Raises what stopped the upload."""
        view = memoryview(data)
        while view:
            self._raise_failure()
            if self._lease is None:
                await self._begin_part()
            assert self._lease is not None
            count = min(len(view), self._lease.size - self._filled)
            self._lease.view[self._filled : self._filled + count] = view[:count]
            view = view[count:]
            await self._took(count)

    async def receive(self, read: Callable[[memoryview], Awaitable[int]], at_most: int) -> int:
        """Let ``read`` put bytes straight into the part's memory; how many it put. Spares :meth:`write` its copy."""
        self._raise_failure()
        if self._lease is None:
            await self._begin_part()
        assert self._lease is not None
        room = self._lease.view[self._filled : min(self._filled + at_most, self._lease.size)]
        self._receiving = True
        try:
            count = await read(room)
        finally:
            self._receiving = False
            if self._closed or self._failure is not None:
                self._release()
        self._raise_failure()
        await self._took(count)
        return count

    async def _took(self, count: int) -> None:
        assert self._lease is not None
        self._filled += count
        self.received += count
        self._last_data = asyncio.get_running_loop().time()
        whole = self._upload_id is None and self.received == self._size  # goes as one PUT, in finish
        if self._filled == self._lease.size and not whole:
            await self._store_part()

    async def finish(self) -> str | None:
        """Store what is left and make the object visible; its ETag. The sender has said all."""
        try:
            self._raise_failure()
            if self._size is not None and self.received != self._size:
                raise BadRequest(f"{self._target.key}: {self.received} bytes came, {self._size} were announced.")
            etag = await (self._finish_parts() if self._upload_id else self._put_whole())
            return await confirm(self._engine, self._target, etag, self.received, self._stop)
        except BaseException:
            await finishing(self.abort())
            raise
        finally:
            self._closed = True
            self._release()

    async def abort(self) -> None:
        """Drop everything that was not made visible; may be called twice and while a write waits."""
        self._closed = True
        self._stop.set()
        for task in list(self._storing):
            task.cancel()
            await settled(task)
        if self._completing is not None:
            # Ceph RGW answers 200 to both and later deletes the parts of the visible object.
            await settled(self._completing)
        self._release()
        upload_id, self._upload_id = self._upload_id, None
        if upload_id:
            await drop_multipart(self._engine, self._target, upload_id)

    # --- parts ----------------------------------------------------------------------------------------------------

    async def _begin_part(self) -> None:
        number = len(self._etags) + 1
        if number > MAX_PARTS:
            raise TooLarge(f"{self._target.key} is too large to be sent without telling its size first.")
        if self._size is None:
            left = MAX_OBJECT if self._at_most is None else self._at_most - self.received
            size = max(1, min(open_part_size(number, LARGEST_OPEN_PART), left))
        else:
            size = min(part_size(self._size), self._size - self.received)
            if size <= 0:
                raise BadRequest(f"{self._target.key}: more bytes came than the {self._size} that were announced.")
        lease = await self._engine.budget.lease(size, "upload")
        if self._closed:
            lease.release()
            raise self._failure or BadRequest("The upload was aborted.")
        self._lease, self._filled = lease, 0
        self._filling_since = self._last_data = asyncio.get_running_loop().time()
        self._watch = asyncio.get_running_loop().call_later(PATIENCE, self._look_at_sender)

    async def _store_part(self) -> None:
        lease, size = self._take_lease()
        try:
            if self._upload_id is None:
                self._upload_id = await self._create()
            while len(self._storing) >= IN_FLIGHT:
                await asyncio.wait(self._storing, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure()
        except BaseException:
            lease.release()
            await finishing(self.abort())  # also when it was aborted while S3 made the upload
            raise
        self._etags.append("")
        task = asyncio.ensure_future(self._put_part(self._upload_id, len(self._etags), lease, size))
        self._storing.add(task)
        task.add_done_callback(lambda task: self._stored(task, lease))

    async def _create(self) -> str:
        return await begin_multipart(self._engine, self._target, self._stop)

    async def _put_part(self, upload_id: str, number: int, lease: Lease, size: int) -> None:
        target, view = self._target, lease.view[:size]

        def put() -> str:
            return target.store.put_part(target.bucket, target.key, upload_id, number, blocks(view, self._stop), size)

        self._etags[number - 1] = await self._engine.attempt(self._stop, put)

    def _stored(self, task: asyncio.Task[None], lease: Lease) -> None:
        # Here and not in the task: one that is cancelled before it began runs no line of its own.
        lease.release()
        self._storing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    async def _finish_parts(self) -> str | None:
        if self._lease is not None:
            await self._store_part()
        while self._storing:
            await asyncio.wait(self._storing)
        self._raise_failure()
        target, upload_id = self._target, self._upload_id
        assert upload_id is not None

        async def completing() -> str | None:
            try:
                etag = await complete(self._engine, target, upload_id, self._etags, self._stop)
            except CompletionUnknown:
                self._upload_id = None
                raise
            self._upload_id = None
            return etag

        self._completing = asyncio.ensure_future(completing())
        return await self._completing

    async def _put_whole(self) -> str:
        target = self._target
        lease, size = self._take_lease() if self._lease else (None, 0)
        view = lease.view[:size] if lease else memoryview(b"")

        try:
            return await self._engine.attempt(self._stop, lambda: put_whole(target, view, self._stop))
        finally:
            if lease:
                lease.release()

    # --- memory and slow senders ----------------------------------------------------------------------------------

    def _take_lease(self) -> tuple[Lease, int]:
        """The lease that was filling, from now on the caller's, and how much of it is filled."""
        assert self._lease is not None
        lease, self._lease = self._lease, None
        if self._watch:
            self._watch.cancel()
        return lease, self._filled

    def _release(self) -> None:
        # While somebody reads into the memory it is not ours to give; receive() will.
        if self._lease is not None and not self._receiving:
            self._take_lease()[0].release()

    def _look_at_sender(self) -> None:
        """While others wait for memory, a sender that stands still must not keep its own."""
        now = asyncio.get_running_loop().time()
        idle, filling = now - self._last_data, now - self._filling_since
        if self._engine.budget.contended("upload") and (idle >= PATIENCE or self._filled < SLOWEST * filling):
            self._fail(
                SlowSender(
                    f"{self._target.key}: the upload sent too little while others waited for memory; send it again."
                )
            )
            self._release()
        elif self._lease is not None:
            self._watch = asyncio.get_running_loop().call_later(PATIENCE / 3, self._look_at_sender)

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
