"""Copy one file: verified, invisible until it is whole, resumable part by part.

Where one connection is fast, one thread reads, updates the checksum and sends block by block, which costs the least.
Otherwise ranges are read in parallel. Each part then leases memory from the budget, reads its range, updates the
checksum in the order of the parts, and is stored. The memory is released after that, so a file never has more bytes in
flight than its leases.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from contextvars import copy_context

from odhtec_jupyter.errors import OdhTecError, TooLarge, VerificationError
from odhtec_jupyter.models import Verify
from odhtec_jupyter.stores.source import RangedSource, RangesIgnoredError, close_source, is_local, is_ordered
from odhtec_jupyter.transfers.copying.connection_scaler import ConnectionScaler
from odhtec_jupyter.transfers.copying.copy_whole import MAX_FILE_ATTEMPTS, copy_whole
from odhtec_jupyter.transfers.copying.part_order import PartOrder
from odhtec_jupyter.transfers.copying.part_progress import PartProgress
from odhtec_jupyter.transfers.copying.ranges import read_range, relay
from odhtec_jupyter.transfers.copying.stragglers import Stragglers
from odhtec_jupyter.transfers.copying.throughput import Throughput, Timer
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.engine import Engine, together
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT, Cutting, Part, stream_size
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.target import BLOCK_BYTES, Assembly, Target, assembling, blocks

CONNECTIONS_PER_SLOW_PART = 4  # connections for one part where one is slow


async def copy_file(
    engine: Engine,
    source: RangedSource,
    target: Target,
    *,
    verify: Verify,
    on_bytes: Callable[[int], None],
    owner: Owner = STREAM,
) -> str | None:
    """Copy and verify a file. Returns the new ETag, if any.

    ``on_bytes`` is called with the number of bytes that reached the target; negative if they must be sent again.
    Raises an :class:`OdhTecError`; then nothing new is visible and an existing object or file is unchanged. The stored
    parts are kept for the ``owner`` after a cancellation or an error that can go away, and the next call resumes there.
    """
    if source.size > MAX_OBJECT:
        raise TooLarge(f"{target.uri} has {source.size} bytes, but an object in S3 can have up to 5 TiB.")
    if source.size <= target.whole_up_to and engine.pending_writes.of(owner) is None:
        ends = source, target
        return await copy_whole(engine, source.size, lambda: ends, verify=verify, on_bytes=on_bytes, owner=owner)
    may_stream = True
    left = MAX_FILE_ATTEMPTS
    try:
        while True:
            left -= 1
            job = _Copy(engine, source, target, verify, on_bytes, owner, may_stream=may_stream)
            ordered = is_ordered(source)
            try:
                return await job.run()
            except RangesIgnoredError:
                on_bytes(-job.stored)
                if ordered:
                    raise
                left += 1  # not a failure of the file: it is now read over one connection
            except OdhTecError as error:
                # A proxy before the store may refuse large requests, for example of more than 100 MB.
                too_large = error.status == 413 and job.streams
                if not isinstance(error, VerificationError) and not too_large:
                    raise
                on_bytes(-job.stored)
                if not left:
                    raise
                may_stream = not too_large
    finally:
        close_source(source)


class _Copy:
    """One attempt to copy one file."""

    def __init__(
        self,
        engine: Engine,
        source: RangedSource,
        target: Target,
        verify: Verify,
        on_bytes: Callable[[int], None],
        owner: Owner,
        *,
        may_stream: bool,
    ) -> None:
        self._engine = engine
        self._source = source
        self._target = target
        self._full = verify == "full"
        self._verifier = Verifier(source.checksum, source.size) if verify != "off" and source.checksum else None
        self._on_bytes = on_bytes
        self._owner = owner
        self._flow = engine.bandwidth.flow(owner.share)
        self._may_stream = may_stream
        self._stop = CancelToken()
        self._order = PartOrder()
        self._stragglers = Stragglers()
        self._scaler = ConnectionScaler(may_stream=False)
        self._judge: Callable[[float], object] = self._scaler.judge
        self.stored = 0

    @property
    def streams(self) -> bool:
        """Whether one connection copies large parts."""
        return self._scaler.streams

    async def run(self) -> str | None:
        """Copy in parts, then compare the size with the one the target reports."""
        etag = await self._in_parts()
        return await self._target.confirm(self._engine, etag, self._source.size, self._stop)

    def _count(self, size: int) -> None:
        self.stored += size
        self._on_bytes(size)

    def _touch(self, _: int) -> None:
        """Show that the transfer is active while a stored part is read again; its bytes are already counted."""
        self._on_bytes(0)

    def _md5(self, view: memoryview) -> bytes | None:
        """Return the MD5 with verify=full only: every store verifies it, but it is the most expensive checksum."""
        return hashlib.md5(view, usedforsecurity=False).digest() if self._full else None

    def _sent(self, pieces: Iterable[memoryview], progress: PartProgress, flow: Flow) -> Iterable[memoryview]:
        """Count the pieces of memory while they are sent. Those of a local source are subject to the limit here."""
        return progress.track(flow.send(pieces, self._stop) if is_local(self._source) else pieces)

    async def _in_parts(self) -> str | None:
        target, size = self._target, self._source.size
        assembly = await target.begin(self._engine, self._stop, self._owner)
        async with assembling(assembly, self._owner):
            stored = {number: part.size for number, part in assembly.entry.parts.items()}
            cutting = Cutting(size, target.part_size(size), stored)
            self._count(sum(part.size for part in cutting.kept.values()))
            if assembly.finished:
                return await assembly.complete(len(cutting.kept), self._stop)
            await self._move(assembly, cutting)
            if self._verifier:
                self._verifier.compare(str(target.uri))
            return await assembly.complete(cutting.count, self._stop)

    async def _move(self, assembly: Assembly, cutting: Cutting) -> None:
        """Copy the parts that are not stored yet; the checksum includes all parts."""
        relayed = cutting.step > self._engine.budget.largest  # the memory cannot hold a part
        # With verify=full a request has the MD5 of its part in a header, so the whole part must be in memory.
        streamed = stream_size(cutting.size)
        may_stream = self._may_stream and not self._full and cutting.left >= cutting.step + streamed
        scaler = self._scaler = ConnectionScaler(
            may_stream=may_stream, size=1 if relayed or is_ordered(self._source) else None
        )
        loop, running = asyncio.get_running_loop(), 0
        context = copy_context()

        watched: AbstractAsyncContextManager[None] = self._stragglers.watched()
        if is_ordered(self._source):  # another connection would send the file again from its first byte
            watched = nullcontext()
        async with watched, together() as group:

            def employ() -> None:
                nonlocal running
                while running < scaler.size and cutting.left:
                    running += 1
                    group.create_task(work())

            async def work() -> None:
                nonlocal running
                while running <= scaler.size and (part := cutting.next(streamed if scaler.streams else None)):
                    through = relayed or part.size > cutting.step
                    await self._work(assembly, part, arrived=part.number in cutting.kept, through=through)
                    employ()
                running -= 1

            def judge(rate: float) -> None:
                if scaler.judge(rate):
                    # In the context of this thread, the end of its range would end the requests of the new connections.
                    loop.call_soon_threadsafe(employ, context=context)

            self._judge = judge
            employ()

    async def _work(self, assembly: Assembly, part: Part, *, arrived: bool, through: bool) -> None:
        """Lease memory for a part, or for one block if ``through``, and copy the part."""
        if arrived and not self._verifier:
            return
        memory = BLOCK_BYTES if through else part.size
        progress, flow = PartProgress(self._touch if arrived else self._count), self._flow.branch()
        with await self._engine.budget.lease(memory, "copy") as lease, progress:
            timer = Timer(flow)
            if through:
                await self._relay(assembly, part, lease.view, progress, flow, arrived=arrived)
            else:
                await self._bring(assembly, part, lease.view, progress, flow, arrived=arrived)
        if not arrived:
            self._count(part.size - progress.reported)
            self._scaler.stored(part.size, is_limited=timer.is_limited)

    async def _bring(
        self, assembly: Assembly, part: Part, view: memoryview, progress: PartProgress, flow: Flow, *, arrived: bool
    ) -> None:
        """Copy one part in memory; one that is already stored is only read for the checksum."""

        def put() -> str:
            pieces = self._sent(blocks(view, self._stop), progress, flow)
            return assembly.put(part.number, part.start, pieces, part.size, md5=self._md5(view))

        if not arrived:
            assembly.keep(part.number, await self._pass(part, view, self._source, progress, flow, put), part.size)
            return
        kept = assembly.entry.parts[part.number].etag

        def compare() -> str:
            # The earlier run may have read wrong bytes; only the ETag shows what is stored.
            if assembly.again or hashlib.md5(view, usedforsecurity=False).hexdigest() == kept.strip('"'):
                return kept
            return put()

        etag = await self._pass(part, view, assembly.again or self._source, progress, flow, compare)
        if etag != kept:
            assembly.keep(part.number, etag, part.size)

    async def _pass(
        self,
        part: Part,
        view: memoryview,
        source: RangedSource,
        progress: PartProgress,
        flow: Flow,
        put: Callable[[], str],
    ) -> str:
        """Read a part, update the checksum in order, and store the part. Returns its ETag.

        All in one call in a thread where that is possible, because each switch to a thread costs time.
        """
        done, hashed = 0, self._verifier is None

        def read_and_put() -> str | None:
            nonlocal done, hashed
            if done < part.size:
                throughput, count_read = Throughput(self._judge, flow), progress.reader(flow, is_local=is_local(source))

                def on_read(count: int) -> None:
                    throughput.add(count)
                    count_read(count)

                done = read_range(source, part, view, done, self._stop, on_read, self._stragglers, flow)
            if done < part.size:
                return None  # the connection broke
            if self._verifier and not hashed:
                if not self._order.wait(part.number):
                    return None
                self._verifier.update(view)
                hashed = True
                self._order.end()
            return put()

        if self._scaler.slow:
            await self._fill(part, view, source, progress)
            done = part.size
        etag: str | None = None
        while etag is None:
            etag = await self._engine.attempt(self._stop, read_and_put)
        return etag

    async def _relay(
        self, assembly: Assembly, part: Part, block: memoryview, progress: PartProgress, flow: Flow, *, arrived: bool
    ) -> None:
        """Copy a part block by block: each is read, hashed and sent before the next one is read."""
        source = (assembly.again or self._source) if arrived else self._source
        timer = Timer(flow)

        def put() -> tuple[str, Verifier | None] | None:
            if self._verifier and not self._order.wait(part.number):
                return None
            # A retry reads the part again, so each attempt updates a copy of the checksum.
            verifier = self._verifier.fork() if self._verifier else None
            if arrived:
                kept, seen = assembly.entry.parts[part.number].etag, hashlib.md5(usedforsecurity=False)
                limited = None if is_local(source) else flow
                with closing(relay(source, part, block, verifier, self._stop, limited)) as pieces:
                    for piece in pieces:
                        seen.update(piece)
                if assembly.again or seen.hexdigest() == kept.strip('"'):
                    return kept, verifier
                verifier = self._verifier.fork() if self._verifier else None
            timer.restart()
            with closing(relay(source, part, block, verifier, self._stop, flow)) as pieces:
                etag = assembly.put(part.number, part.start, progress.track(pieces), part.size, md5=None)
            if (rate := timer.rate(part.size)) is not None:
                self._judge(rate)
            return etag, verifier

        done = None
        while done is None:
            done = await self._engine.attempt(self._stop, put)
        etag, self._verifier = done
        self._order.end()
        if not arrived or etag != assembly.entry.parts[part.number].etag:
            assembly.keep(part.number, etag, part.size)

    async def _fill(self, part: Part, view: memoryview, source: RangedSource, progress: PartProgress) -> None:
        """Read one range into memory over several slow connections: the memory for parts is limited."""
        step = max(1, -(-part.size // CONNECTIONS_PER_SLOW_PART))
        async with together() as group:
            for start in range(part.start, part.end, step):
                piece = Part(part.number, start, min(start + step, part.end))
                at = start - part.start
                group.create_task(self._fill_piece(piece, view[at : at + piece.size], source, progress))

    async def _fill_piece(self, part: Part, view: memoryview, source: RangedSource, progress: PartProgress) -> None:
        """Read a range over one connection; after a break it resumes at the same byte."""
        done, flow = 0, self._flow.branch()
        count_read = progress.reader(flow, is_local=is_local(source))

        def read() -> int:
            return read_range(source, part, view, done, self._stop, count_read, self._stragglers, flow)

        while done < part.size:
            done = await self._engine.attempt(self._stop, read)
