"""A download over several connections, where one is slow: each writes ranges of the object into the file."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from odhtec_jupyter.client.files.ranges import ObjectVersion, RangesRefused, RangeStream
from odhtec_jupyter.client.local.adaptive_limit import AdaptiveLimit
from odhtec_jupyter.client.local.busy import retry_while_busy
from odhtec_jupyter.client.local.local_file import Gate

MIB = 1024 * 1024
CHUNK_BYTES = MIB
MIN_PART_BYTES, MAX_PART_BYTES = 4 * MIB, 16 * MIB  # of a range
WINDOW_BYTES = 4 * MIB
FAST_BYTES_PER_SECOND = 200 * MIB  # of one connection: from there on, it is not split
MAX_CONNECTIONS = 8


def adaptive_limit() -> AdaptiveLimit:
    """Return the limit of a download."""
    return AdaptiveLimit(1, MAX_CONNECTIONS, WINDOW_BYTES, enough=FAST_BYTES_PER_SECOND)


class ParallelRanges:
    """Downloads one object: over one connection from its start to its end, or in ranges over several.

    A range that was started is read to its end by its thread, so memory is bounded by a chunk for each connection.
    """

    def __init__(self, path: Path, gate: Gate) -> None:
        """``path`` is the incomplete file, which exists."""
        self._path, self._gate = path, gate
        self._limit = adaptive_limit()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._streams: set[RangeStream] = set()
        self._workers = 1
        self._is_split = False
        self._next = 0  # start of the bytes that have no connection yet, once it is split
        self._failure: BaseException | None = None
        self.written = 0

    def receive(self, stream: RangeStream, file: BinaryIO) -> None:
        """Write the whole object, of which ``stream`` is the open reply, to the file. Raises the first error."""
        self._source: ObjectVersion = stream.source
        try:
            self._copy(stream, file)
        except BaseException as error:
            self._fail(error)
        while self._threads:
            self._threads.pop().join()
        if self._failure is not None:
            raise self._failure

    # --- each connection ------------------------------------------------------------------------------------------

    def _copy(self, stream: RangeStream | None, file: BinaryIO) -> None:
        block = memoryview(bytearray(min(CHUNK_BYTES, self._source.size)))
        while stream is not None:
            with closing(stream):
                self._register(stream)
                file.seek(stream.position)
                while length := stream.readinto(block):
                    file.write(block[:length])
                    self._gate.add(length)
                    self._scale(stream, length)
                self._streams.discard(stream)
            stream = self._take()

    def _help(self, stream: RangeStream | None) -> None:
        try:
            with self._path.open("r+b") as file:
                self._copy(stream or self._take(), file)
        except BaseException as error:  # raised by receive()
            self._fail(error)

    def _register(self, stream: RangeStream) -> None:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._streams.add(stream)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = error
            streams = list(self._streams)
        for stream in streams:
            stream.interrupt()

    # --- how many -------------------------------------------------------------------------------------------------

    def _scale(self, stream: RangeStream, count: int) -> None:
        """Count bytes, and start more connections if they are likely to be faster."""
        with self._lock:
            self.written += count
        self._limit.add(count)
        if not self._is_split and self._limit.size > 1 and self._source.is_pinned and self._allowed > 1:
            self._split(stream)
        if self._is_split:
            with self._lock:
                while self._next < self._source.size and self._workers < self._allowed and self._start(None):
                    pass

    @property
    def _allowed(self) -> int:
        """The number of connections, once there are several. Large files of a transfer share them.

        The second one uses the time in which the first one waits for a reply, so it stays also if it adds little.
        """
        return min(max(2, self._limit.size), max(1, MAX_CONNECTIONS // max(1, self._gate.count_large())))

    def _split(self, stream: RangeStream) -> None:
        """Shorten the first range, and give the next one to another connection."""
        start = stream.position + MAX_PART_BYTES
        if start + MIN_PART_BYTES > self._source.size:
            return
        self._is_split, self._next = True, self._source.size
        end = min(start + MAX_PART_BYTES, self._source.size)
        try:
            second = self._open(start, end)
        except RangesRefused:  # the first reply still has the whole object
            return
        with self._lock:
            if self._start(second):
                stream.end, self._next = start, end
            else:
                second.close()

    def _start(self, stream: RangeStream | None) -> bool:
        thread = threading.Thread(target=self._help, args=[stream], name="odhtec range", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine allows no more threads
            return False
        self._threads.append(thread)
        self._workers += 1
        return True

    def _take(self) -> RangeStream | None:
        with self._lock:
            start, left = self._next, self._source.size - self._next
            if not self._is_split or left <= 0 or self._failure is not None or self._workers > self._allowed:
                self._workers -= 1
                return None
            # The last ranges are short, so that all connections end at about the same time.
            length = max(MIN_PART_BYTES, min(MAX_PART_BYTES, left // (2 * self._workers)))
            end = self._source.size if left < length + MIN_PART_BYTES else start + length
            self._next = end
        return self._open(start, end)

    def _open(self, start: int, end: int) -> RangeStream:
        return retry_while_busy(lambda: self._source.stream(start, end), self._gate, self._limit)
