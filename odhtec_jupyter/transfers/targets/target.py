"""The interface of all targets.

A small file is written in one piece, a large file as an :class:`Assembly` of parts. Both are invisible until complete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.transfers.runtime.retry import CancelToken, check, keeps_parts
from odhtec_jupyter.uris import Uri

BLOCK_BYTES = MIB  # between two checks for a cancellation
Follow = Callable[[Iterable[memoryview]], Iterable[memoryview]]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written in one piece."""

    etag: str | None
    is_proven: bool  # the reply proves that the target has exactly these bytes


class Assembly(Protocol):
    """A file that is assembled from parts, which arrive in any order."""

    entry: PendingWrite  # with the stored parts, including those of an earlier process
    finished: bool  # an earlier process completed it without recording that

    @property
    def again(self) -> RangedSource | None:
        """The source from which stored bytes can be read again; None if the target does not return them."""
        ...

    def put(self, number: int, start: int, blocks: Iterable[memoryview], size: int, *, md5: bytes | None) -> str:
        """Write part ``number``, which starts at byte ``start``, and return its ETag. Blocks."""
        ...

    def keep(self, number: int, etag: str, size: int) -> None:
        """Record a stored part. Call it in the event loop only."""
        ...

    async def complete(self, count: int, stop: CancelToken) -> str | None:
        """Make the file of ``count`` parts visible; return its ETag if the target has ETags."""
        ...

    async def drop(self) -> None:
        """Remove all parts; an existing file at the target is not changed. Does not raise."""
        ...

    def leave(self) -> None:
        """Stop and keep the stored parts, to continue later."""
        ...


class Target(Protocol):
    """The target of one file."""

    @property
    def uri(self) -> Uri:
        """The URI of the target."""
        ...

    def part_size(self, size: int) -> int:
        """Return the part size in bytes for a file of ``size`` bytes."""
        ...

    @property
    def whole_up_to(self) -> int:
        """The size in bytes up to which a file is written in one piece."""
        ...

    def put_whole(
        self, view: memoryview, stop: CancelToken, md5: bytes | None = None, follow: Follow = iter
    ) -> Written | None:
        """Write the file by one call; return None if that takes the steps of :meth:`write_whole`. Blocks.

        ``follow`` receives the blocks and returns the blocks to write.
        """
        ...

    async def write_whole(self, engine: Engine, view: memoryview, stop: CancelToken, owner: Owner) -> None:
        """Write the file in steps, and compare its size."""
        ...

    async def begin(self, engine: Engine, stop: CancelToken, owner: Owner) -> Assembly:
        """Start writing in parts, or continue the owner's pending write."""
        ...

    async def confirm(self, engine: Engine, etag: str | None, size: int, stop: CancelToken) -> str | None:
        """Compare the stored size with ``size``; return the ETag, which some stores return only here."""
        ...


@asynccontextmanager
async def assembling(assembly: Assembly, owner: Owner) -> AsyncIterator[None]:
    """If the context ends with an error, keep the parts if the owner can continue with them, or else drop them."""
    try:
        yield
    except BaseException as error:
        if owner == STREAM or (isinstance(error, OdhTecError) and not keeps_parts(error)):
            await finishing(assembly.drop())
        raise
    finally:
        if assembly.entry.live:
            assembly.leave()


def blocks(view: memoryview, stop: CancelToken) -> Iterator[memoryview]:
    """Yield a buffer in blocks, so that a cancelled transfer stops between two of them."""
    for start in range(0, len(view), BLOCK_BYTES):
        check(stop)
        interactive_priority.yield_to_requests()
        yield view[start : start + BLOCK_BYTES]
