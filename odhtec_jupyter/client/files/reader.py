"""An object as a file that is read: seekable, buffered, by ranges that fit how it is read.

After a seek, a range is little longer than what is read. Each time reading continues at the end of a range, the next
range is four times as long, until the rest of the object is read in one stream. All bytes are from the object that was
opened: if the object changes, reading raises an error.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.errors import NoServer, OdhTecError, VerificationError
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    import requests

    from odhtec_jupyter.client.api import Api

BUFFER_BYTES = 256 * 1024
MIN_RANGE_BYTES = 32 * 1024  # after a seek: the next read is often close by
RANGE_GROWTH = 4
STREAM_BYTES = 64 * 1024 * 1024  # a range of this length is extended to the end of the object
MAX_SKIP_BYTES = 128 * 1024  # read and discarded, which is faster than another request
MAX_TRIES = 5  # without receiving a byte


class ObjectReader(io.RawIOBase):
    """The object's bytes, unbuffered. :func:`open_reader` returns it with a buffer."""

    def __init__(self, api: Api, bucket: str, key: str, *, whole: bool = False) -> None:
        """``whole``: the caller reads the whole object from its start."""
        super().__init__()
        self.name = f"s3://{bucket}/{key}"
        self.mode = "rb"
        self.bytes_read = 0  # over the network
        self.requested: int | None = None  # bytes that the caller of a buffered read asked for: the buffer reads more
        self.min_range_bytes = MIN_RANGE_BYTES
        self._api, self._bucket, self._key = api, bucket, key
        self._position = 0
        self._window = STREAM_BYTES if whole else 0
        self._reply: requests.Response | None = None
        self._at = self._end = 0  # of the open reply: the position of its next byte, and its end
        with file_errors(self.name):
            self.size, self.etag = api.head_object(bucket, key)

    def __repr__(self) -> str:
        return f"<ObjectReader of {visible(self.name)}>"

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
        tries = 0
        while True:
            try:
                self._align(len(view))
                count = self._receive(view)
                break
            except _TornError:
                self._drop()
                tries += 1
                if tries == MAX_TRIES:
                    raise NoServer(f"The connection was lost repeatedly while reading {self.name}.") from None
                time.sleep(0.1 * tries)
        self._position += count
        self._at += count
        self.bytes_read += count
        if self._at == self._end:
            self._drop()
        return count

    def close(self) -> None:
        """Close the file and the open reply."""
        if not self.closed:
            self._drop()
        super().close()

    # --- ranges ---------------------------------------------------------------------------------------------------

    def _align(self, wanted: int) -> None:
        """Make the next byte of the open reply the one at the position."""
        if self._reply is not None and 0 < (gap := self._position - self._at) <= min(
            MAX_SKIP_BYTES, self._end - self._at - 1
        ):
            for piece in _pieces(gap):
                count = self._receive(memoryview(bytearray(piece)))
                self._at += count
                self.bytes_read += count
        if self._reply is not None and self._at == self._position:
            return
        continues = self._position == self._at
        self._drop()
        if not continues:
            self._window = wanted if self.requested is None else min(wanted, max(self.requested, self.min_range_bytes))
        elif self._window < STREAM_BYTES:
            self._window = max(wanted, self._window * RANGE_GROWTH)
        rest = self.size - self._position
        self._ask(rest if self._window >= STREAM_BYTES else min(self._window, rest))

    def _ask(self, length: int) -> None:
        self._end = self._position + length
        headers = {"Range": f"bytes={self._position}-{self._end - 1}"}
        if self.etag:
            headers["If-Range"] = self.etag
        with file_errors(self.name):
            reply = self._api.open_object(self._bucket, self._key, headers)
        received = (reply.headers.get("Content-Range", ""), reply.headers.get("ETag"))
        if received != (f"bytes {self._position}-{self._end - 1}/{self.size}", self.etag):
            reply.close()
            raise VerificationError(f"{self.name} changed while it was being read.", code="SourceChanged")
        self._reply, self._at = reply, self._position

    def _receive(self, view: memoryview) -> int:
        import urllib3.exceptions

        assert self._reply is not None
        raw = self._reply.raw
        try:
            # A private attribute of urllib3 that saves a copy. Without it, the read below works, too.
            direct = getattr(getattr(raw, "_fp", None), "readinto", None)
            if direct is not None:
                count: int = direct(view)
            else:
                data = raw.read(len(view))
                count = len(data)
                view[:count] = data
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise _TornError from error
        if not count:
            raise _TornError
        return count

    def _drop(self) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if self._at == self._end:
            reply.raw.read()  # the reply is complete: the connection can be reused
            reply.raw.release_conn()
        else:
            reply.close()


class _TornError(Exception):
    """The connection was lost before the end of the reply."""


def _pieces(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, BUFFER_BYTES)
        count -= BUFFER_BYTES


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
