"""Blocks of an object that threads read before they are requested, over several connections."""

from __future__ import annotations

import threading
from collections import deque

from odhtec_jupyter.client.files.ranges import ObjectVersion, RangeStream
from odhtec_jupyter.errors import Cancelled

BLOCK_BYTES = 4 * 1024 * 1024
BLOCKS_AHEAD = 2  # beside the one that is being read: at most three blocks are in memory
PIECE_BYTES = 256 * 1024  # read at a time, so that a block can be used before all of it has arrived


class ReadAhead:
    """Reads on from a position, as long as the caller follows. Its threads end with their blocks or with :meth:`close`.

    It has no reference to the file, so that a file that was not closed can be collected.
    """

    def __init__(self, source: ObjectVersion, position: int) -> None:
        self.position = position
        self.received = 0  # bytes, also those that were not used
        self._source = source
        self._next = position
        self._changed = threading.Condition()
        self._blocks: deque[_Block] = deque()
        self._unused: list[bytearray] = []
        self._fill_up()

    def readinto(self, view: memoryview) -> int:
        """Read bytes into the buffer; wait for at least one. Return their number; 0 at the end of the object."""
        if not self._blocks:
            return 0
        block = self._blocks[0]
        offset = self.position - block.start
        with self._changed:
            self._changed.wait_for(lambda: block.filled > offset or block.error is not None)
        if block.filled == offset:
            assert block.error is not None
            raise block.error
        count = min(len(view), block.filled - offset)
        view[:count] = memoryview(block.buffer)[offset : offset + count]
        self.skip(count)
        return count

    def reaches(self, position: int) -> bool:
        """Return whether a position is in the blocks that are read or being read."""
        return self.position <= position < self._next

    def skip(self, count: int) -> None:
        """Move the position on, without waiting for the bytes."""
        self.position += count
        while self._blocks and self._blocks[0].end <= self.position:
            block = self._blocks.popleft()
            if block.filled == block.end - block.start:
                self._unused.append(block.buffer)
            else:
                block.interrupt()
        self._fill_up()

    def close(self) -> None:
        """Stop reading. Does not wait for the threads."""
        for block in self._blocks:
            block.interrupt()
        self._blocks.clear()
        self._unused.clear()

    def _fill_up(self) -> None:
        while len(self._blocks) <= BLOCKS_AHEAD and self._next < self._source.size:
            length = min(BLOCK_BYTES, self._source.size - self._next)
            buffer = self._unused.pop() if self._unused else bytearray(BLOCK_BYTES)
            block = _Block(self._next, self._next + length, buffer)
            thread = threading.Thread(target=self._read, args=[block], name="odhtec read-ahead", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the machine allows no more threads: the caller reads on over its own connection
                return
            self._blocks.append(block)
            self._next = block.end

    def _read(self, block: _Block) -> None:
        try:
            block.stream = self._source.stream(block.start, block.end)
            view = memoryview(block.buffer)
            while block.filled < block.end - block.start and not block.is_interrupted:
                count = block.stream.readinto(view[block.filled : block.filled + PIECE_BYTES])
                with self._changed:
                    block.filled += count
                    self.received += count
                    self._changed.notify_all()
            if block.is_interrupted:
                raise Cancelled(f"Reading {self._source.name} was cancelled.")
        except BaseException as error:  # raised in the thread that reads the file
            with self._changed:
                block.error = error
                self._changed.notify_all()
        finally:
            if block.stream is not None:
                block.stream.close()


class _Block:
    """A range of the object and the memory for it."""

    def __init__(self, start: int, end: int, buffer: bytearray) -> None:
        self.start, self.end, self.buffer = start, end, buffer
        self.filled = 0
        self.error: BaseException | None = None
        self.stream: RangeStream | None = None
        self.is_interrupted = False

    def interrupt(self) -> None:
        """Make its thread stop soon."""
        self.is_interrupted = True
        stream = self.stream
        if stream is not None:
            stream.interrupt()
