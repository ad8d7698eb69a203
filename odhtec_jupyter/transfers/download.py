"""Reading an object out: a batch ahead of the reader, and on from where a connection broke."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from odhtec_jupyter.errors import OdhTecError, Unreachable
from odhtec_jupyter.stores.s3 import ObjectBody, S3Store
from odhtec_jupyter.transfers.engine import Engine, settled
from odhtec_jupyter.transfers.retry import ATTEMPTS, Stopped, delay

CHUNK = 256 * 1024  # what tornado writes best at a time
BATCH = 4  # chunks read in one go: going to a thread and back costs more than reading a chunk
CROWD = 8  # downloads at once from which each reads a single chunk, to stay small together


class ObjectStream:
    """The bytes of an open object, in order, each exactly once. Holds at most two batches and what is sent now."""

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
        self._stop = threading.Event()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Chunks until the end; leaving the loop early gives the connection up."""
        ObjectStream._open += 1
        ahead = self._read()
        try:
            while batch := await ahead:
                ahead = self._read()
                for chunk in batch:
                    yield chunk
        finally:
            ObjectStream._open -= 1
            self._stop.set()
            ahead.cancel()
            await settled(ahead)
            self._body.close()

    def _read(self) -> asyncio.Task[list[bytes]]:
        count = BATCH if ObjectStream._open <= CROWD else 1
        return asyncio.ensure_future(self._engine.in_thread(self._stop, self._read_batch, count))

    def _read_batch(self, count: int) -> list[bytes]:
        batch: list[bytes] = []
        while len(batch) < count and self._next < self._end and not self._stop.is_set():
            batch.append(self._read_chunk())
        return batch

    def _read_chunk(self) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                chunk = self._body.read(min(CHUNK, self._end - self._next))
                if not chunk:
                    raise Unreachable("The S3 store closed the connection before the end.", code="TornBody")
            except OdhTecError as error:
                if not error.transient or attempt == ATTEMPTS or not self._etag:
                    raise
                if self._stop.wait(delay(attempt, error)):
                    raise Stopped from error
                self._reopen(error)
            else:
                self._next += len(chunk)
                return chunk
        raise AssertionError("the last attempt returns or raises")

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
