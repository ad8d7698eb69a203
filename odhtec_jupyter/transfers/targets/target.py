"""Where a file goes: what every kind of place offers to whoever writes there.

A small file goes in one piece, a large one as an :class:`Assembly` of parts. Both are invisible until they are whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Protocol

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.runtime.engine import Engine, finishing
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.transfers.runtime.retry import CancelToken, check, goes_on

BLOCK = MIB  # bytes between two looks at the stop sign
Follow = Callable[[Iterable[memoryview]], Iterable[memoryview]]
STREAM = "stream"  # the owner of what cannot go on in another process


class Assembly(Protocol):
    """A file being put together from parts that come in any order."""

    entry: PendingWrite  # with the parts that have arrived, also in an earlier process
    finished: bool  # it turned out to be whole: only its end was not known

    @property
    def again(self) -> RangedSource | None:
        """Where the bytes that have arrived can be read again; None where only the source has them."""
        ...

    def put(self, number: int, start: int, blocks: Iterable[memoryview], size: int, *, md5: bytes | None) -> str:
        """Write part ``number``, which begins at byte ``start``; its ETag. Blocks."""
        ...

    def keep(self, number: int, etag: str, size: int) -> None:
        """A part has arrived; belongs to the event loop."""
        ...

    async def complete(self, count: int, stop: CancelToken) -> str | None:
        """Make it visible out of its ``count`` parts; the ETag where there is one."""
        ...

    async def drop(self) -> None:
        """Leave nothing of it; what was there before stays. Does not raise."""
        ...

    def leave(self) -> None:
        """Stop here and keep what has arrived, to go on later."""
        ...


class Target(Protocol):
    """One place for one file."""

    @property
    def uri(self) -> str:
        """As the user names it."""
        ...

    def part_size(self, size: int) -> int:
        """How a file of ``size`` bytes is cut."""
        ...

    @property
    def whole_up_to(self) -> int:
        """Files of at most so many bytes go in one piece."""
        ...

    def put_whole(
        self, view: memoryview, stop: CancelToken, md5: bytes | None = None, follow: Follow = iter
    ) -> str | None:
        """Write the file in one piece; its ETag, where the target has told one. Blocks.

        ``follow`` is given the blocks, and gives them on.
        """
        ...

    async def begin(self, engine: Engine, stop: CancelToken, owner: str) -> Assembly:
        """Begin to write in parts, or go on with what the owner had begun."""
        ...

    async def confirm(self, engine: Engine, etag: str | None, size: int, stop: CancelToken) -> str | None:
        """Compare what is there now with ``size``; the ETag, which some stores tell only here."""
        ...


@asynccontextmanager
async def assembling(assembly: Assembly, owner: str) -> AsyncIterator[None]:
    """Whatever ends the context, the parts are kept if the owner may go on with them, and dropped if not."""
    try:
        yield
    except BaseException as error:
        if owner == STREAM or (isinstance(error, OdhTecError) and not goes_on(error)):
            await finishing(assembly.drop())
        raise
    finally:
        if assembly.entry.live:
            assembly.leave()


def blocks(view: memoryview, stop: CancelToken) -> Iterator[memoryview]:
    """A buffer in pieces, so that a cancelled transfer ends between two of them."""
    for start in range(0, len(view), BLOCK):
        check(stop)
        interactive_priority.yield_to_requests()
        yield view[start : start + BLOCK]
