"""An object as a file that is read: seekable, buffered, by ranges that fit how it is read.

After a seek little more is asked for than is read; each time reading goes on where the range ended, the next one is
four times as long, until the rest of the object comes in one stream. All bytes are of the object as it was when it was
opened: another one by now is an error, not a mixture.
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

BUFFER = 256 * 1024
LEAST = 32 * 1024  # after a seek, where less is read: what follows is often near
GROWTH = 4
STREAMING = 64 * 1024 * 1024  # from a range of this length on, all that is left comes in one
NEAR = 128 * 1024  # bytes: read over rather than ask anew
TRIES = 5  # without a byte between them


class ObjectReader(io.RawIOBase):
    """The bytes without a buffer; :func:`open_reader` puts one around it."""

    def __init__(self, api: Api, bucket: str, key: str, *, whole: bool = False) -> None:
        """``whole``: all of it will be read, from the beginning."""
        super().__init__()
        self.name = f"s3://{bucket}/{key}"
        self.mode = "rb"
        self.bytes_read = 0  # over the wire
        self.asked: int | None = None  # bytes that the caller of a buffered read wants, which reads more
        self.least = LEAST
        self._api, self._bucket, self._key = api, bucket, key
        self._position = 0
        self._window = STREAMING if whole else 0
        self._reply: requests.Response | None = None
        self._at = self._end = 0  # of the open reply: its next byte, and where it ends
        with file_errors(self.name):
            self.size, self.etag = api.head_object(bucket, key)

    def __repr__(self) -> str:
        return f"<ObjectReader of {visible(self.name)}>"

    # --- as a file ------------------------------------------------------------------------------------------------

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is asked for before something is read."""
        self._checkClosed()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"There is nothing before the beginning of {self.name}.")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """The next bytes, at most as many as there is room for; 0 at the end."""
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
                if tries == TRIES:
                    raise NoServer(f"Reading {self.name} breaks off again and again.") from None
                time.sleep(0.1 * tries)
        self._position += count
        self._at += count
        self.bytes_read += count
        if self._at == self._end:
            self._drop()
        return count

    def close(self) -> None:
        """End the open reply."""
        if not self.closed:
            self._drop()
        super().close()

    # --- ranges ---------------------------------------------------------------------------------------------------

    def _align(self, wanted: int) -> None:
        """Let the open reply's next byte be the one at the position."""
        if self._reply is not None and 0 < (gap := self._position - self._at) <= min(NEAR, self._end - self._at - 1):
            for piece in _pieces(gap):
                count = self._receive(memoryview(bytearray(piece)))
                self._at += count
                self.bytes_read += count
        if self._reply is not None and self._at == self._position:
            return
        goes_on = self._position == self._at
        self._drop()
        if not goes_on:
            self._window = wanted if self.asked is None else min(wanted, max(self.asked, self.least))
        elif self._window < STREAMING:
            self._window = max(wanted, self._window * GROWTH)
        rest = self.size - self._position
        self._ask(rest if self._window >= STREAMING else min(self._window, rest))

    def _ask(self, length: int) -> None:
        self._end = self._position + length
        headers = {"Range": f"bytes={self._position}-{self._end - 1}"}
        if self.etag:
            headers["If-Range"] = self.etag
        with file_errors(self.name):
            reply = self._api.open_object(self._bucket, self._key, headers)
        told = (reply.headers.get("Content-Range", ""), reply.headers.get("ETag"))
        if told != (f"bytes {self._position}-{self._end - 1}/{self.size}", self.etag):
            reply.close()
            raise VerificationError(f"{self.name} changed while it was being read.", code="SourceChanged")
        self._reply, self._at = reply, self._position

    def _receive(self, view: memoryview) -> int:
        import urllib3.exceptions

        assert self._reply is not None
        raw = self._reply.raw
        try:
            # Not public in urllib3; without it all works, with one more copy of each byte.
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
            reply.raw.read()  # nothing is left: the connection can serve again
            reply.raw.release_conn()
        else:
            reply.close()


class _TornError(Exception):
    """The reply broke off."""


def _pieces(count: int) -> Iterator[int]:
    while count > 0:
        yield min(count, BUFFER)
        count -= BUFFER


class ObjectFile(io.BufferedReader):
    """The buffer, which tells how much is asked for: after a seek it would read all that it has room for."""

    raw: ObjectReader

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file's."""
        self.raw.asked = None if size is None or size < 0 else size
        return super().read(size)

    def readinto(self, buffer: Any, /) -> int:
        """As a file's."""
        self.raw.asked = memoryview(buffer).nbytes
        return super().readinto(buffer)

    def readline(self, size: int | None = -1, /) -> bytes:
        """As a file's."""
        self.raw.asked = None
        return super().readline(size)

    def read1(self, size: int = -1, /) -> bytes:
        """As a file's."""
        self.raw.asked = None
        return super().read1(size)


def open_reader(api: Api, bucket: str, key: str) -> ObjectFile:
    """What pandas, pyarrow and zipfile take for a file."""
    return ObjectFile(ObjectReader(api, bucket, key), BUFFER)


def bytes_read(file: Any) -> int:
    """How many bytes have come over the wire for a file that :func:`open_reader` made."""
    raw = getattr(file, "raw", file)
    if not isinstance(raw, ObjectReader):
        raise OdhTecError("Only files that the client has opened count their bytes.")
    return raw.bytes_read
