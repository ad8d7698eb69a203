"""Reading an object out: one buffer ahead of the reader, and on from where a connection broke.

A download holds two buffers of its own and nothing else, so fifty of them at once cost some 40 MiB. They are not part
of the budget: a reader that stands still would keep its share from the transfers for as long as it likes.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import AsyncGenerator

from odhtec_jupyter.errors import OdhTecError, Unreachable
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.s3_object import ObjectBody
from odhtec_jupyter.transfers.engine import Engine, settled
from odhtec_jupyter.transfers.retry import ATTEMPTS, Stopped, StopSign, delay

LARGE_BUFFER = 2 * 1024 * 1024
SMALL_BUFFER = 256 * 1024
CROWD = 4  # downloads at once from which on each new one takes small buffers


class ObjectStream:
    """The bytes of an open object, in order, each exactly once."""

    _open = 0

    def __init__(self, engine: Engine, store: S3Store, bucket: str, key: str, body: ObjectBody) -> None:
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._key = key
        self._body = body
        self._etag = body.headers.get("etag")
        self._next = body.start
        self._end = body.end
        self._stop = StopSign()

    async def views(self) -> AsyncGenerator[memoryview, None]:
        """The bytes piece by piece; a piece is valid until the next is asked for.

        Leaving the loop early gives the connection up.
        """
        ObjectStream._open += 1
        size = LARGE_BUFFER if ObjectStream._open <= CROWD else SMALL_BUFFER
        size = max(1, min(size, self._end - self._next))
        # Asked from the kernel and not from malloc, so that it is the kernel's again when the download ends.
        filling, sending = (memoryview(mmap.mmap(-1, size)) for _ in range(2))
        ahead = self._read(filling)
        try:
            while count := await ahead:
                filling, sending = sending, filling
                ahead = self._read(filling)
                yield sending[:count]
        finally:
            ObjectStream._open -= 1
            self._stop.set()
            ahead.cancel()
            await settled(ahead)
            self._body.close()

    def _read(self, buffer: memoryview) -> asyncio.Task[int]:
        return asyncio.ensure_future(self._engine.in_thread(self._stop, self._fill, buffer))

    def _fill(self, buffer: memoryview) -> int:
        """Read until the buffer is full or the object ends; how many bytes. Runs in a thread."""
        done = attempt = 0
        wanted = min(len(buffer), self._end - self._next)
        while done < wanted and not self._stop.is_set():
            try:
                count = self._body.readinto(buffer[done:wanted])
                if not count:
                    raise Unreachable("The S3 store closed the connection before the end.", code="TornBody")
            except OdhTecError as error:
                attempt += 1
                if not error.transient or attempt == ATTEMPTS or not self._etag:
                    raise
                if self._stop.wait(delay(attempt, error)):
                    raise Stopped from error
                self._reopen(error)
            else:
                done += count
                self._next += count
        return done

    def _reopen(self, cause: OdhTecError) -> None:
        """Ask for the rest of the same content; one that has changed meanwhile is an error, not a mixture."""
        self._body.close()
        try:
            self._body = self._store.open(
                self._bucket, self._key, Range=f"bytes={self._next}-{self._end - 1}", IfMatch=self._etag
            )
        except OdhTecError as error:
            if not error.transient:
                raise error from cause
