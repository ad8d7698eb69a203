"""Reading ranges of a source into memory, and on from where a connection broke. Everything here runs in threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from odhtec_jupyter.errors import OdhTecError, Unreachable
from odhtec_jupyter.stores.source import RangedSource, RangeReader
from odhtec_jupyter.transfers.copying.stragglers import Stragglers
from odhtec_jupyter.transfers.copying.verifier import Verifier
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import Part
from odhtec_jupyter.transfers.runtime.retry import CancelToken, Retries, check
from odhtec_jupyter.transfers.targets.target import BLOCK

SHORT_READ_BYTES = 64 * 1024  # bytes of one read from a slow connection: each shows progress
QUICK_SECONDS = 0.5  # for a block


def read_range(
    source: RangedSource,
    part: Part,
    view: memoryview,
    done: int,
    stop: CancelToken,
    came: Callable[[int], object],
    stragglers: Stragglers,
) -> int:
    """Read a range into memory from byte ``done`` of it on; how far it came before the connection broke, or all.

    ``came`` hears of the bytes of each read. Runs in a thread. Raises what is not worth another try, and what went
    wrong before a single byte came, unless the connection was replaced.
    """
    before = done
    with stragglers.reading() as reading:
        try:
            with _opened(source, part.start + done, part.end, stop) as reader, reading.answering(reader):
                block = SHORT_READ_BYTES
                while done < part.size:
                    start = time.monotonic()
                    count = _read(reader, view[done : min(done + block, part.size)], stop)
                    done += count
                    reading.came(count)
                    came(count)
                    block = BLOCK if time.monotonic() - start < QUICK_SECONDS else SHORT_READ_BYTES
        except OdhTecError as error:
            # One that was replaced is not a failed try: where every answer is slow, these would be used up.
            if not error.transient or (done == before and not reading.is_cut()):
                raise
    return done


def fill(source: RangedSource, part: Part, view: memoryview, stop: CancelToken) -> None:
    """Read one range into memory for code that runs in a thread and cannot wait elsewhere."""
    done = 0
    retries, alone = Retries(), Stragglers()
    while done < part.size:
        check(stop)
        try:
            done = read_range(source, part, view, done, stop, _unheard, alone)
            retries.reset()
        except OdhTecError as error:
            retries.wait(error, stop)


def _unheard(_: int) -> None:
    """Nobody asks how far it is."""


def relay(
    source: RangedSource, part: Part, block: memoryview, verifier: Verifier | None, stop: CancelToken
) -> Generator[memoryview]:
    """A range that needs only the memory of a block: read one, feed the checksum, hand it on, read the next.

    A connection that breaks is followed by one from there on. Runs in a thread, which waits meanwhile. Close it.
    """
    done, retries = 0, Retries()
    while done < part.size:
        try:
            with _opened(source, part.start + done, part.end, stop) as reader:
                while done < part.size:
                    count = _read(reader, block[: part.size - done], stop)
                    done += count
                    retries.reset()
                    data = block[:count]
                    if verifier:
                        verifier.update(data)  # while it is in the processor's cache
                    yield data
        except OdhTecError as error:
            retries.wait(error, stop)


@contextmanager
def _opened(source: RangedSource, start: int, end: int, stop: CancelToken) -> Iterator[RangeReader]:
    """An open range; the stop sign ends what waits in it."""
    reader = source.open_range(start, end)
    try:
        with stop.ending(reader):
            yield reader
    finally:
        reader.close()


def _read(reader: RangeReader, buffer: memoryview, stop: CancelToken) -> int:
    """The next bytes of a range that has not ended; how many."""
    check(stop)
    interactive_priority.give_way()
    count = reader.readinto(buffer)
    if not count:
        raise Unreachable("The source closed the connection before the end.", code="TornBody")
    return count
