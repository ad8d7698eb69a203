"""Reading ranges of a source, with retries from the byte where a connection broke. Everything runs in threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from odhtec_jupyter.errors import OdhTecError, Unreachable
from odhtec_jupyter.stores.source import RangedSource, RangeReader, is_local, is_ordered
from odhtec_jupyter.transfers.copying.stragglers import Stragglers
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import Part
from odhtec_jupyter.transfers.runtime.retry import CancelToken, Retries, check
from odhtec_jupyter.transfers.targets.target import BLOCK_BYTES

SHORT_READ_BYTES = 64 * 1024  # one read from a slow connection, so that progress shows
QUICK_SECONDS = 0.5  # for a block


def read_range(
    source: RangedSource,
    part: Part,
    view: memoryview,
    done: int,
    stop: CancelToken,
    on_read: Callable[[int], object],
    stragglers: Stragglers,
    flow: Flow,
) -> int:
    """Read a range into memory from its byte ``done``. Return where it ended: at its end or where the connection broke.

    ``on_read`` is called with the bytes of each read. Raises errors that are not transient, and transient ones before
    the first byte, unless the connection was replaced.
    """
    before = done
    limited = None if is_local(source) else flow
    with stragglers.reading(limited) as reading:
        try:
            with _opened(source, part.start + done, part.end, stop) as reader, reading.answering(reader):
                block = SHORT_READ_BYTES
                while done < part.size:
                    start = time.monotonic()
                    count = _read(reader, view[done : min(done + block, part.size)], stop, limited)
                    done += count
                    reading.add(count)
                    on_read(count)
                    block = BLOCK_BYTES if time.monotonic() - start < QUICK_SECONDS else SHORT_READ_BYTES
                if not is_ordered(source) and stragglers.is_slow(reading):
                    reader.interrupt()  # so that the connection is not used for another range
        except OdhTecError as error:
            # A replaced connection is not a failed attempt: a slow source would use up all attempts.
            if not error.transient or (done == before and not reading.is_cut()):
                raise
    return done


def fill(source: RangedSource, part: Part, view: memoryview, stop: CancelToken, flow: Flow) -> None:
    """Read a whole range into memory, with retries in the calling thread."""
    done = 0
    retries, alone = Retries(), Stragglers()
    while done < part.size:
        check(stop)
        try:
            done = read_range(source, part, view, done, stop, _ignore, alone, flow)
            retries.reset()
        except OdhTecError as error:
            retries.wait(error, stop)


def _ignore(_: int) -> None:
    """Progress of this read is not shown."""


def read_small(source: RangedSource, view: memoryview, stop: CancelToken, flow: Flow) -> None:
    """Read a whole small file into memory. Raises transient errors, too."""
    if not view:  # there is no range of zero bytes
        return
    limited = None if is_local(source) else flow
    done = 0
    with _opened(source, 0, len(view), stop) as reader:
        while done < len(view):
            done += _read(reader, view[done:], stop, limited)


def relay(
    source: RangedSource,
    part: Part,
    block: memoryview,
    verifier: Verifier | None,
    stop: CancelToken,
    flow: Flow | None,
) -> Generator[memoryview]:
    """Yield a range block by block, in the memory of one block, and update the checksum.

    After a broken connection it continues from there. Runs in a thread. The caller closes the generator. The bandwidth
    limit applies with a ``flow``, also to a local source, whose blocks are sent as soon as they are read.
    """
    done, retries = 0, Retries()
    while done < part.size:
        try:
            with _opened(source, part.start + done, part.end, stop) as reader:
                while done < part.size:
                    count = _read(reader, block[: part.size - done], stop, flow)
                    done += count
                    retries.reset()
                    data = block[:count]
                    if verifier:
                        verifier.update(data)  # while the data is in the processor's cache
                    yield data
        except OdhTecError as error:
            retries.wait(error, stop)


@contextmanager
def _opened(source: RangedSource, start: int, end: int, stop: CancelToken) -> Iterator[RangeReader]:
    """Open a range. The token interrupts a read that waits."""
    reader = source.open_range(start, end)
    try:
        with stop.ending(reader):
            yield reader
    finally:
        reader.close()


def _read(reader: RangeReader, buffer: memoryview, stop: CancelToken, flow: Flow | None) -> int:
    """Read the next bytes and return how many. Raises :class:`Unreachable` if the range ended early."""
    check(stop)
    interactive_priority.yield_to_requests()
    count = flow.move(reader.readinto, buffer, stop) if flow else reader.readinto(buffer)
    if not count:
        raise Unreachable("The source closed the connection before the end.", code="TornBody")
    return count
