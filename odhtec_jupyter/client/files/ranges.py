"""The bytes of one version of an object, by ranges that continue where a connection broke."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.errors import Cancelled, NoServer, VerificationError

if TYPE_CHECKING:
    import requests

    from odhtec_jupyter.client.api import Api

SKIPPED_BYTES = 256 * 1024  # read and discarded at a time
MAX_TRIES = 5  # without receiving a byte
RETRY_SECONDS = 0.1  # before the second try; each later one waits longer by as much
DATED = '"dated-'  # how the server's replacement for a missing ETag begins, which is made of size and date


class RangesRefused(VerificationError):
    """The reply has the whole object instead of the requested range."""


class ObjectVersion:
    """An object with a size and an ETag, which every reply is compared with. Thread-safe."""

    def __init__(self, api: Api, bucket: str, key: str, size: int, etag: str | None) -> None:
        self.name = f"s3://{bucket}/{key}"
        self.size, self.etag = size, etag
        self._api, self._bucket, self._key = api, bucket, key

    @property
    def is_pinned(self) -> bool:
        """Whether several connections certainly read the same version.

        A weak ETag may be that of two versions, and so may one that is made of the date, which counts whole seconds.
        """
        return self.etag is not None and self.etag.startswith('"') and not self.etag.startswith(DATED)

    def stream(self, start: int, end: int) -> RangeStream:
        """Request a range. Raises :class:`RangesRefused`, or :class:`VerificationError` if the object has changed."""
        return RangeStream(self, start, end, self.open(start, end))

    def open(self, start: int, end: int) -> requests.Response:
        """Return the reply with a range. Raises as :meth:`stream` does."""
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if self.etag:
            headers["If-Range"] = self.etag
        with file_errors(self.name):
            reply = self._api.open_object(self._bucket, self._key, headers)
        found = (reply.headers.get("Content-Range", ""), reply.headers.get("ETag"))
        if found != (f"bytes {start}-{end - 1}/{self.size}", self.etag):
            reply.close()
            refused = reply.status_code == 200 and found[1] == self.etag and self.is_pinned
            raise (RangesRefused if refused else VerificationError)(
                f"{self.name} changed while it was being read.", code="SourceChanged"
            )
        return reply


def open_whole(api: Api, bucket: str, key: str, size: int) -> RangeStream:
    """Request a whole object, with one request. Raises :class:`VerificationError` if it has another size."""
    name = f"s3://{bucket}/{key}"
    with file_errors(name):
        reply = api.open_object(bucket, key, {})
    length = reply.headers.get("Content-Length", str(size))  # a reply in chunks has none
    if length != str(size):
        reply.close()
        raise VerificationError(f"{name} changed after it was listed.", code="SourceChanged")
    stream = RangeStream(ObjectVersion(api, bucket, key, size, reply.headers.get("ETag")), 0, size, reply)
    if not size:
        stream.finish()
    return stream


class RangeStream:
    """The bytes from :attr:`position` to :attr:`end`, over one connection at a time. For one thread at a time."""

    def __init__(self, source: ObjectVersion, start: int, end: int, reply: requests.Response) -> None:
        self.source = source
        self.position, self.end = start, end  # ``end`` can be lowered while it is read
        self._reply: requests.Response | None = reply
        self._reply_end = end
        # Whether the headers say where the reply ends. A whole object in chunks may be longer than the list says.
        self._is_bounded = any(name in reply.headers for name in ("Content-Length", "Content-Range"))
        self._is_interrupted = False

    def readinto(self, view: memoryview) -> int:
        """Read bytes into the buffer. Return their number; 0 only at the end."""
        view = view[: self.end - self.position]
        if not view:
            return 0
        tries = 0
        while True:
            try:
                count = self._receive(view)
            except _TornError:
                count = 0
            if self._is_interrupted:  # these may be the encrypted bytes of a TLS connection that was ended
                self.close()
                raise Cancelled(f"Reading {self.source.name} was cancelled.")
            if count:
                break
            self.close()
            if self.source.etag is None:
                raise NoServer(
                    f"The connection was lost while reading {self.source.name}. The store reports no ETag, so the rest "
                    "could be of another version of it."
                )
            tries += 1
            if tries == MAX_TRIES:
                raise NoServer(f"The connection was lost repeatedly while reading {self.source.name}.")
            time.sleep(RETRY_SECONDS * tries)
        self.position += count
        if self.position == self._reply_end:
            self.finish()
        return count

    def skip(self, count: int) -> None:
        """Read bytes and discard them."""
        block = memoryview(bytearray(min(count, SKIPPED_BYTES)))
        while count:
            count -= self.readinto(block[:count])

    def close(self) -> None:
        """Close the connection, if it still sends bytes."""
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.close()

    def interrupt(self) -> None:
        """Make a thread that is reading stop soon. Can be called by any thread."""
        self._is_interrupted = True
        reply = self._reply
        shutdown = getattr(reply.raw, "shutdown", None) if reply is not None else None
        if shutdown is not None:  # urllib3 2.3 and later; otherwise the thread stops after the next bytes
            try:
                shutdown()
            except (OSError, ValueError, RuntimeError):  # the reply ends at this moment
                return

    def finish(self) -> None:
        """Keep the connection for the next request. Call it after the last byte of the reply.

        Raises :class:`VerificationError` if the reply has more bytes.
        """
        if self._reply is None:
            return
        try:
            has_more = self._receive(memoryview(bytearray(1))) > 0
        except _TornError:  # before the end mark of a reply in chunks
            self.close()
            if self._is_bounded:
                return
            raise NoServer(f"The connection was lost at the end of {self.source.name}.") from None
        if has_more:
            self.close()
            text = f"{self.source.name} changed: more bytes were sent than it had."
            raise VerificationError(text, code="SourceChanged")
        reply, self._reply = self._reply, None
        reply.raw.read()
        reply.raw.release_conn()

    def _receive(self, view: memoryview) -> int:
        import http.client

        import urllib3.exceptions

        if self._reply is None:
            self._reply = self.source.open(self.position, self.end)
            self._reply_end, self._is_bounded = self.end, True
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
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            raise _TornError from error
        return count


class _TornError(Exception):
    """The connection was lost before the end of the reply."""
