"""Copy one file into S3: read by parallel ranges, verified, invisible until it is whole.

The work of a part: take memory from the budget, read the range, feed the checksum when it is the part's turn, store it.
The memory goes back when that is done, so a file never has more in flight than its leases.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from odhtec_jupyter.errors import OdhTecError, TooLarge, Unreachable, VerificationError
from odhtec_jupyter.models import Verify
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.transfers.engine import Engine, finishing, together
from odhtec_jupyter.transfers.parts import MAX_OBJECT, MIB, PART_SIZE, Part, plan
from odhtec_jupyter.transfers.retry import ATTEMPTS, Stopped, StopSign, check, delay
from odhtec_jupyter.transfers.target import (
    BLOCK,
    CompletionUnknown,
    Target,
    begin_multipart,
    blocks,
    complete,
    confirm,
    drop_multipart,
    put_whole,
)
from odhtec_jupyter.transfers.verify import Verifier

T = TypeVar("T")

# Ranges of one file read at once. More than a few only cost CPU where a connection is fast; where it is slow, they
# add up.
WORKERS = 4
MOST_WORKERS = 8
FAST = 100 * MIB  # bytes per second of one connection
TRIES = 2  # of a whole file whose bytes were wrong


async def copy_to_s3(
    engine: Engine, source: RangedSource, target: Target, *, verify: Verify, on_bytes: Callable[[int], None]
) -> str | None:
    """Copy and compare; the new object's ETag. ``on_bytes`` hears of bytes that are stored (negative: a new try).

    Raises an :class:`OdhTecError`; then nothing is left behind and what was there before still is.
    """
    if source.size > MAX_OBJECT:
        raise TooLarge(f"{target.key} has {source.size} bytes; S3 takes 5 TiB at most.")
    for left in reversed(range(TRIES)):
        job = _Copy(engine, source, target, verify, on_bytes)
        try:
            return await job.run()
        except VerificationError:
            on_bytes(-job.stored)
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def read_range(source: RangedSource, part: Part, view: memoryview, done: int, stop: StopSign) -> int:
    """Read a range into memory from byte ``done`` of it on; how far it came before the connection broke, or all.

    Runs in a thread. Raises what is not worth another try, and what went wrong before a single byte came.
    """
    before = done
    try:
        reader = source.open_range(part.start + done, part.end)
        try:
            with stop.ending(reader):
                while done < part.size:
                    check(stop)
                    count = reader.readinto(view[done : min(done + BLOCK, part.size)])
                    if not count:
                        raise Unreachable("The source closed the connection before the end.", code="TornBody")
                    done += count
        finally:
            reader.close()
    except OdhTecError as error:
        if not error.transient or done == before:
            raise
    return done


def fill(source: RangedSource, part: Part, view: memoryview, stop: StopSign) -> None:
    """Read one range into memory for code that runs in a thread and cannot wait elsewhere."""
    done = attempt = 0
    while done < part.size:
        check(stop)
        try:
            done, attempt = read_range(source, part, view, done, stop), 0
        except OdhTecError as error:
            attempt += 1
            if not error.transient or attempt == ATTEMPTS:
                raise
            if stop.wait(delay(attempt, error)):
                raise Stopped from error


class _Copy:
    """One try at one file."""

    def __init__(
        self,
        engine: Engine,
        source: RangedSource,
        target: Target,
        verify: Verify,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._source = source
        self._target = target
        self._full = verify == "full"
        self._verifier = Verifier(source.checksum, source.size) if verify != "off" and source.checksum else None
        self._on_bytes = on_bytes
        self._stop = StopSign()
        self.stored = 0

    async def run(self) -> str | None:
        """Copy in one PUT or in parts, then compare the size with what the store tells."""
        etag = await (self._whole() if self._source.size <= PART_SIZE else self._in_parts())
        return await confirm(self._engine, self._target, etag, self._source.size, self._stop)

    async def _thread(self, call: Callable[..., T], *args: Any) -> T:
        return await self._engine.in_thread(self._stop, call, *args)

    def _count(self, size: int) -> None:
        self.stored += size
        self._on_bytes(size)

    def _md5(self, view: memoryview) -> bytes | None:
        """Only on request: it is the one checksum every store verifies, and the dearest."""
        return hashlib.md5(view, usedforsecurity=False).digest() if self._full else None

    async def _whole(self) -> str:
        size, target = self._source.size, self._target
        with await self._engine.budget.lease(max(size, 1), "copy") as lease:
            view = lease.view[:size]
            await self._fill(Part(1, 0, size), view)
            if self._verifier:
                await self._thread(self._verifier.update, view)
                self._verifier.compare(target.key)

            etag = await self._engine.attempt(self._stop, lambda: put_whole(target, view, self._stop, self._md5(view)))
        self._count(size)
        return etag

    async def _in_parts(self) -> str | None:
        target = self._target
        upload_id = await begin_multipart(self._engine, target, self._stop)
        try:
            parts = list(plan(self._source.size))
            etags = [""] * len(parts)
            # The checksum wants the bytes in order: each part waits for its turn.
            turns = [asyncio.Event() for _ in range(len(parts) + 1)]
            turns[0].set()
            todo = iter(parts)
            # Parts that the budget cannot hold go through in pieces, one after the other.
            relayed = parts[0].size > self._engine.budget.largest

            async with together() as group:
                running = 0

                def employ(workers: int) -> None:
                    nonlocal running
                    while running < workers:
                        running += 1
                        group.create_task(work())

                async def work() -> None:
                    for part in todo:
                        with await self._engine.budget.lease(PART_SIZE if relayed else part.size, "copy") as lease:
                            if relayed:
                                etag = await self._relay(part, lease.view, upload_id)
                            else:
                                if await self._read(part, lease.view) < FAST:
                                    employ(MOST_WORKERS)
                                etag = await self._store(part, lease.view, upload_id, turns)
                            etags[part.number - 1] = etag
                        self._count(part.size)

                employ(1 if relayed else min(WORKERS, len(parts)))
            if self._verifier:
                self._verifier.compare(target.key)
            return await complete(self._engine, target, upload_id, etags, self._stop)
        except BaseException as error:
            if not isinstance(error, CompletionUnknown):
                await finishing(drop_multipart(self._engine, target, upload_id))
            raise

    async def _relay(self, part: Part, view: memoryview, upload_id: str) -> str:
        target = self._target

        def put() -> tuple[str, Verifier | None]:
            # A new try reads the part again, so it feeds a copy of the checksum.
            verifier = self._verifier.fork() if self._verifier else None
            pieces = relay(self._source, part, view, verifier, self._stop)
            return target.store.put_part(target.bucket, target.key, upload_id, part.number, pieces, part.size), verifier

        etag, self._verifier = await self._engine.attempt(self._stop, put)
        return etag

    async def _fill(self, part: Part, view: memoryview) -> None:
        """Read one range into memory; a torn connection goes on from where it broke."""
        done = 0
        while done < part.size:
            done = await self._engine.attempt(
                self._stop, functools.partial(read_range, self._source, part, view, done, self._stop)
            )

    async def _read(self, part: Part, view: memoryview) -> float:
        """Read a range; at how many bytes per second it came."""
        start = time.monotonic()
        await self._fill(part, view)
        return part.size / max(time.monotonic() - start, 1e-6)

    async def _store(self, part: Part, view: memoryview, upload_id: str, turns: list[asyncio.Event]) -> str:
        """Feed the checksum when it is the part's turn, then store the part; its ETag."""
        target = self._target
        loop = asyncio.get_running_loop()

        def put() -> str:
            return target.store.put_part(
                target.bucket,
                target.key,
                upload_id,
                part.number,
                blocks(view, self._stop),
                part.size,
                md5=self._md5(view),
            )

        def verify_and_put() -> str:
            if self._verifier:
                self._verifier.update(view)
            loop.call_soon_threadsafe(turns[part.number].set)
            return put()

        await turns[part.number - 1].wait()
        try:
            return await self._thread(verify_and_put)  # in one go: each way to a thread and back costs
        except OdhTecError as error:
            if not error.transient:
                raise
            await asyncio.sleep(delay(1, error))
            return await self._engine.attempt(self._stop, put)


def relay(
    source: RangedSource, part: Part, view: memoryview, verifier: Verifier | None, stop: StopSign
) -> Iterator[memoryview]:
    """A part that is larger than the memory for it: read a piece, hand it on, read the next. Runs in a thread."""
    for start in range(part.start, part.end, len(view)):
        piece = Part(part.number, start, min(start + len(view), part.end))
        data = view[: piece.size]
        fill(source, piece, data, stop)
        if verifier:
            verifier.update(data)
        yield from blocks(data, stop)
