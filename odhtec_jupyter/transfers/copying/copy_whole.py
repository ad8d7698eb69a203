"""Copy a small file in one piece: one call in a thread reads, compares and writes it.

Each switch between the event loop and a thread costs time, and many small files are copied in parallel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from odhtec_jupyter.errors import VerificationError
from odhtec_jupyter.models import Verify
from odhtec_jupyter.stores.source import RangedSource, close_source, is_local
from odhtec_jupyter.transfers.copying.part_progress import PartProgress
from odhtec_jupyter.transfers.copying.ranges import read_range
from odhtec_jupyter.transfers.copying.stragglers import Stragglers
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import Part
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.target import Target, Written

Ends = Callable[[], tuple[RangedSource, Target]]
MAX_FILE_ATTEMPTS = 2  # of a file whose bytes were wrong, or whose parts were too large


async def copy_whole(
    engine: Engine,
    size: int,
    ends: Ends,
    *,
    verify: Verify,
    on_bytes: Callable[[int], None],
    owner: Owner = STREAM,
) -> str | None:
    """Copy and verify a file of ``size`` bytes in memory. Returns the new ETag, if any.

    ``ends`` returns source and target; it is called in a thread. ``on_bytes`` is called with the number of bytes that
    reached the target, negative if they must be sent again. Raises an :class:`OdhTecError`; then nothing new is
    visible and an existing object is unchanged.
    """
    for attempt in range(1, MAX_FILE_ATTEMPTS + 1):
        copy = _Whole(engine, size, ends, verify, owner)
        try:
            return await copy.run(on_bytes)
        except VerificationError:
            if attempt == MAX_FILE_ATTEMPTS:
                raise
            on_bytes(-copy.counted)
        finally:
            copy.close()
    raise AssertionError


class _Whole:
    """One attempt to copy the file."""

    def __init__(self, engine: Engine, size: int, ends: Ends, verify: Verify, owner: Owner) -> None:
        self._engine = engine
        self._size = size
        self._ends = ends
        self._verify = verify
        self._owner = owner
        self._stop = CancelToken()
        self._flow = engine.bandwidth.flow(owner.share)
        self._opened: tuple[RangedSource, Target] | None = None
        self._read = 0  # bytes that are in memory
        self._is_ready = False  # they are complete and verified
        self.counted = 0

    async def run(self, on_bytes: Callable[[int], None]) -> str | None:
        def count(size: int) -> None:
            self.counted += size
            on_bytes(size)

        engine, stop, size, written = self._engine, self._stop, self._size, None
        with await engine.budget.lease(max(size, 1), "copy") as lease, PartProgress(count) as progress:
            view = lease.view[:size]
            while not self._is_ready:  # a broken connection is continued
                written = await engine.attempt(stop, lambda: self._move(view, progress))
            assert self._opened is not None
            target = self._opened[1]
            if written is None:
                await target.write_whole(engine, view, stop, self._owner)
        count(size - progress.reported)
        if written is None:
            return None
        if written.is_proven:
            return written.etag
        return await target.confirm(engine, written.etag, size, stop)

    def _move(self, view: memoryview, progress: PartProgress) -> Written | None:
        """Read the file, and write it if that takes one call. Blocks."""
        if self._opened is None:
            self._opened = self._ends()
        source, target = self._opened
        if self._read < self._size:
            part = Part(1, 0, self._size)
            count = progress.reader(self._flow, is_local=is_local(source))
            self._read = read_range(source, part, view, self._read, self._stop, count, Stragglers(), self._flow)
            if self._read < self._size:
                return None
        if self._verify != "off" and source.checksum:
            verifier = Verifier(source.checksum, self._size)
            verifier.update(view)
            verifier.compare(str(target.uri))
        # With verify=full the store compares a checksum, too.
        md5 = hashlib.md5(view, usedforsecurity=False).digest() if self._verify == "full" else None

        def follow(pieces: Iterable[memoryview]) -> Iterable[memoryview]:
            # The bytes of a local source are subject to the bandwidth limit when they are sent.
            return progress.track(self._flow.send(pieces, self._stop) if is_local(source) else pieces)

        written = target.put_whole(view, self._stop, md5, follow)
        self._is_ready = True
        return written

    def close(self) -> None:
        if self._opened is not None:
            close_source(self._opened[0])
