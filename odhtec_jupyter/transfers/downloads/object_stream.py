"""Downloads of one object: sent from a thread straight to the client, and resumed where a connection broke.

The thread that reads from S3 also sends while the client keeps up, so the event loop is involved ten times a second
and not for every piece. Bytes that the client does not accept immediately go through the loop, so that a slow client
does not occupy a thread.

A download holds one buffer, or two where the bytes must go through the loop (TLS), so fifty in parallel need about
30 MiB. The buffers are not part of the memory budget: a stalled client would keep its share from the transfers.
"""

from __future__ import annotations

import asyncio
import mmap
import select
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from odhtec_jupyter.errors import OdhTecError, Unreachable, VerificationError
from odhtec_jupyter.stores.s3.object import ObjectBody
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.engine import CLIENT_TURN_SECONDS, CLIENT_WAIT_MS, Engine, settled
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.retry import CancelToken, Retries, check

T = TypeVar("T")
LARGE_BUFFER_BYTES = 2 * 1024 * 1024
SMALL_BUFFER_BYTES = 256 * 1024
MANY_DOWNLOADS = 4  # with more downloads in parallel, each new one gets small buffers


class ReaderGone(Exception):
    """The client has closed the connection."""


class ObjectStream:
    """The bytes of an open object, in order, each exactly once."""

    def __init__(
        self,
        engine: Engine,
        store: S3Store,
        bucket: str,
        key: str,
        body: ObjectBody,
        stop: CancelToken,
        flow: Flow,
        version_id: str | None = None,
    ) -> None:
        """Setting ``stop`` cancels :meth:`views`, also while S3 sends nothing."""
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._key = key
        self._version: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        self._body = body
        self._etag = body.etag
        self._next = body.start
        self._end = body.end
        self._stop = stop
        self._flow = flow
        self.sent = 0

    async def views(self, straight: socket.socket | None = None) -> AsyncGenerator[memoryview, None]:
        """Yield the bytes piece by piece; a piece is valid until the next one is requested.

        With ``straight``, a non-blocking socket, the bytes are sent there and counted in :attr:`sent`; a piece then has
        only the bytes that the socket did not accept immediately (often none). Send it before you request the next one.
        Raises :class:`ReaderGone`. Leaving the loop early closes the connection to S3.
        """
        reading = self._engine.reading
        reading.add(self._stop)
        size = LARGE_BUFFER_BYTES if len(reading) <= MANY_DOWNLOADS else SMALL_BUFFER_BYTES
        if self._end is None:
            straight = None  # the caller counts the bytes that bypass Tornado
        else:
            size = max(1, min(size, self._end - self._next))
        try:
            with self._stop.ending(self):
                async with aclosing(self._left(straight, size) if straight else self._ahead(size)) as views:
                    async for view in views:
                        yield view
        finally:
            reading.discard(self._stop)
            self._stop.set()
            self._body.close()

    def interrupt(self) -> None:
        """Interrupt a thread that waits for bytes from S3."""
        self._body.interrupt()

    async def _left(self, target: socket.socket, size: int) -> AsyncGenerator[memoryview, None]:
        buffer = _buffer(size)
        while self._end is None or self._next < self._end:
            yield await self._in_thread(self._send, target, buffer)

    async def _ahead(self, size: int) -> AsyncGenerator[memoryview, None]:
        filling, sending = _buffer(size), _buffer(size)
        ahead = self._read(filling)
        try:
            while count := await ahead:
                filling, sending = sending, filling
                ahead = self._read(filling)
                yield sending[:count]
        finally:
            self._stop.set()
            ahead.cancel()
            await settled(ahead)

    def _read(self, buffer: memoryview) -> asyncio.Task[int]:
        return asyncio.ensure_future(self._in_thread(self._fill, buffer))

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        if self._stop.is_set():  # a stopped server has no threads any more
            raise asyncio.CancelledError
        return await self._engine.in_thread(self._stop, call, *args)

    def _send(self, target: socket.socket, buffer: memoryview) -> memoryview:
        """Read and send for one turn. Returns bytes that the client does not accept immediately. Runs in a thread."""
        writable = select.poll()
        writable.register(target, select.POLLOUT)
        until = time.monotonic() + CLIENT_TURN_SECONDS
        while time.monotonic() < until and (count := self._fill(buffer)):
            left = buffer[:count]
            while left:
                try:
                    sent = target.send(left)
                except BlockingIOError:
                    if self._stop.is_set() or not writable.poll(CLIENT_WAIT_MS):
                        return left
                except OSError as error:
                    raise ReaderGone from error
                else:
                    self.sent += sent
                    left = left[sent:]
        return buffer[:0]

    def _fill(self, buffer: memoryview) -> int:
        """Read until the buffer is full or the object ends, or what the bandwidth limit allows. Runs in a thread.

        Returns the number of bytes.
        """
        done, retries = 0, Retries()
        while (room := self._room(len(buffer) - done)) > 0:
            check(self._stop)
            interactive_priority.yield_to_requests()
            try:
                count = self._flow.move(self._body.readinto, buffer[done : done + room], self._stop)
                if not count and self._end is None:
                    self._end = self._next  # the body has marked its own end
                    break
                if not count:
                    raise Unreachable("The S3 store closed the connection before the end.", code="TornBody")
            except OdhTecError as error:
                if not self._etag:  # the rest could be of another content
                    raise
                retries.wait(error, self._stop)
                self._reopen(error)
            else:
                done += count
                self._next += count
                if self._flow.is_limited:  # so that the client receives bytes regularly
                    break
        return done

    def _room(self, count: int) -> int:
        return count if self._end is None else min(count, self._end - self._next)

    def _reopen(self, cause: OdhTecError) -> None:
        """Request the rest of the same content. Raises if the object has changed, so that versions are never mixed."""
        self._body.close()
        last = "" if self._end is None else self._end - 1
        try:
            body = self._store.open(
                self._bucket,
                self._key,
                Range=f"bytes={self._next}-{last}",
                IfMatch=self._etag,
                **self._version,
            )
        except OdhTecError as error:
            if not error.transient:
                raise error from cause
            return
        self._body = body
        if body.start != self._next or body.end is None or (self._end is not None and body.end != self._end):
            body.close()
            raise VerificationError(f"The S3 store sent a different range of {self._key} than requested.") from cause
        self._end = body.end


def _buffer(size: int) -> memoryview:
    """Allocate with mmap and not malloc, so that the memory returns to the kernel when the download ends."""
    return memoryview(mmap.mmap(-1, size))
