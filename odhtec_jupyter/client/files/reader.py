"""An object as a file that is read: seekable, buffered, by ranges that fit how it is read.

After a seek, a range is little longer than what is read. Each time reading continues at the end of a range, the next
range is four times as long, until the rest of the object is read in one stream. Where one connection is slow, threads
read the next blocks ahead over several. All bytes are from the object that was opened: if the object changes, reading
raises an error.
"""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.ranges import ObjectVersion, RangeStream
from odhtec_jupyter.client.files.read_ahead import BLOCK_BYTES, ReadAhead
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.client.api import Api

BUFFER_BYTES = 256 * 1024
PIECE_BYTES = 1024 * 1024  # read at a time if all is read
MIN_RANGE_BYTES = 32 * 1024  # after a seek: the next read is often close by
RANGE_GROWTH = 4
STREAM_BYTES = 64 * 1024 * 1024  # a range of this length is extended to the end of the object
MAX_SKIP_BYTES = 128 * 1024  # read and discarded, which is faster than another request
SLOW_BYTES_PER_SECOND = 60 * 1024 * 1024  # of one connection: below, several are faster


class ObjectReader(io.RawIOBase):
    """The object's bytes, unbuffered. :func:`open_reader` returns it with a buffer."""

    def __init__(self, api: Api, bucket: str, key: str) -> None:
        super().__init__()
        self.name = f"s3://{bucket}/{key}"
        self.mode = "rb"
        self.requested: int | None = None  # bytes that the caller of a buffered read asked for: the buffer reads more
        self.min_range_bytes = MIN_RANGE_BYTES
        self._position = 0
        self._window = 0
        self._pid = os.getpid()
        self._stream: RangeStream | None = None
        self._ahead: ReadAhead | None = None
        self._at = 0  # behind the last byte that was read
        self._bytes_read = 0
        self._range_bytes, self._range_seconds = 0, 0.0  # of the current range
        with file_errors(self.name):
            self.size, self.etag = api.head_object(bucket, key)
        self._source = ObjectVersion(api, bucket, key, self.size, self.etag)

    def __repr__(self) -> str:
        return f"<ObjectReader of {visible(self.name)}>"

    @property
    def bytes_read(self) -> int:
        """The bytes that were received over the network."""
        return self._bytes_read + (self._ahead.received if self._ahead is not None else 0)

    # --- as a file ------------------------------------------------------------------------------------------------

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position. The next read sends the request."""
        self._checkClosed()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"The position in {self.name} cannot be negative.")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read bytes into the buffer. Return their number; 0 at the end."""
        self._checkClosed()
        view = memoryview(buffer).cast("B")
        view = view[: max(0, self.size - self._position)]
        if not view:
            return 0
        self._forget_if_forked()
        try:
            count = self._read_ahead(view) or self._read_range(view)
        except BaseException:
            self._drop()
            raise
        self._position += count
        self._at = self._position
        return count

    def readall(self) -> bytes:
        """Read all bytes from the position to the end."""
        pieces = []
        while piece := self.read(PIECE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file, the open reply and those that are read ahead."""
        if not self.closed:
            self._forget_if_forked()
            self._drop()
        super().close()

    # --- ranges ---------------------------------------------------------------------------------------------------

    def _read_range(self, view: memoryview) -> int:
        stream = self._stream_at_position(len(view))
        since = time.perf_counter()
        count = stream.readinto(view)
        self._range_seconds += time.perf_counter() - since
        self._range_bytes += count
        self._bytes_read += count
        if stream.position == stream.end:
            self._stream = None
        return count

    def _stream_at_position(self, wanted: int) -> RangeStream:
        """Return a stream whose next byte is the one at the position."""
        stream = self._stream
        if stream is not None:
            gap = self._position - stream.position
            if 0 < gap <= min(MAX_SKIP_BYTES, stream.end - stream.position - 1):
                stream.skip(gap)
                self._bytes_read += gap
            if stream.position == self._position:
                return stream
        self._drop()
        if self._position != self._at:
            self._window = wanted if self.requested is None else min(wanted, max(self.requested, self.min_range_bytes))
        elif self._window < STREAM_BYTES:
            self._window = max(wanted, self._window * RANGE_GROWTH)
        rest = self.size - self._position
        length = rest if self._window >= STREAM_BYTES else min(self._window, rest)
        self._range_bytes, self._range_seconds = 0, 0.0
        self._stream = self._source.stream(self._position, self._position + length)
        return self._stream

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
            self._bytes_read += ahead.received

    def _forget_if_forked(self) -> None:
        """Leave the connections and threads to the parent process, if this is its child."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._stream = self._ahead = None

    # --- ahead ----------------------------------------------------------------------------------------------------

    def _read_ahead(self, view: memoryview) -> int:
        """Read from the blocks that threads read. Return 0 if there are none at the position."""
        if self._ahead is None and self._is_slow():
            self._ahead = ReadAhead(self._source, self._position)
        if self._ahead is None:
            return 0
        if not self._ahead.reaches(self._position):
            self._drop()
            return 0
        self._ahead.skip(self._position - self._ahead.position)
        return self._ahead.readinto(view)

    def _is_slow(self) -> bool:
        """Return whether reading continues at the end of a long range, which one connection has read slowly."""
        return (
            self._stream is None
            and self._position == self._at
            and self._range_bytes >= BLOCK_BYTES
            and self._range_bytes < SLOW_BYTES_PER_SECOND * self._range_seconds
            and self._source.is_pinned
        )


class ObjectFile(io.BufferedReader):
    """The buffer. It passes on how much is requested: after a seek, a plain buffer would read its full size."""

    raw: ObjectReader

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as other files do."""
        self.raw.requested = None if size is None or size < 0 else size
        return super().read(size)

    def readinto(self, buffer: Any, /) -> int:
        """Read as other files do."""
        self.raw.requested = memoryview(buffer).nbytes
        return super().readinto(buffer)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read as other files do."""
        self.raw.requested = None
        return super().readline(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Read as other files do."""
        self.raw.requested = None
        return super().read1(size)


def open_reader(api: Api, bucket: str, key: str) -> ObjectFile:
    """Return an object as a file, for pandas, pyarrow, zipfile and others."""
    return ObjectFile(ObjectReader(api, bucket, key), BUFFER_BYTES)


def bytes_read(file: Any) -> int:
    """Return how many bytes were transferred for a file from :func:`open_reader`."""
    raw = getattr(file, "raw", file)
    if not isinstance(raw, ObjectReader):
        raise OdhTecError("bytes_read() accepts only files that the client has opened.")
    return raw.bytes_read
