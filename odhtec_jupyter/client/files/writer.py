"""An object as a file that is written: streamed with bounded memory, and visible only once it is closed."""

from __future__ import annotations

import io
import queue
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.unwinding import current_exits, new_exit
from odhtec_jupyter.errors import Cancelled, OdhTecError, VerificationError
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.client.api import Api
    from odhtec_jupyter.models import OnConflict, StoredObject

MAX_SINGLE_REQUEST_BYTES = 1024 * 1024  # a smaller object is sent in one request, which can be retried
CHUNK_BYTES = 64 * 1024  # larger chunks do not fit the processor's cache, and copying them costs twice as much
MAX_QUEUED_CHUNKS = 64  # between the writer and the network
STOP_SECONDS = 10.0  # to wait for a thread that was stopped: it may block on a server that does not read
POLL_SECONDS = 0.5  # between checks whether the sending thread has failed


class ObjectWriter(io.BufferedIOBase):
    """Sends a small object in one request at the end, and a larger one from a thread while it is written.

    Only :meth:`close` makes the object visible, or only :meth:`commit` with ``autocommit=False``, for transactions of
    fsspec. Nothing is written if the ``with`` block raises, also if a wrapper then closes this file, or if the file is
    never closed.
    """

    def __init__(
        self,
        api: Api,
        bucket: str,
        key: str,
        *,
        on_conflict: OnConflict = "overwrite",
        content_type: str | None = None,
        autocommit: bool = True,
    ) -> None:
        super().__init__()
        self.name = f"s3://{bucket}/{key}"
        self.mode = "wb"
        self.autocommit = autocommit
        self.result: StoredObject | None = None
        options = {"on_conflict": on_conflict, "content_type": content_type}
        self._sender = self._begin(api, (bucket, key), options)
        self._kept: list[bytes] = []  # chunks, until they exceed a single request
        self._buffer = bytearray()
        self._written = 0
        self._exits_when_opened = current_exits()
        self._is_unreachable = self._is_over = False

    def _begin(self, api: Api, location: tuple[str, str], options: dict[str, Any]) -> _Sender | DeferredSender:
        return (_Sender if self.autocommit else DeferredSender)(api, location, options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {visible(self.name)}>"

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._written

    def write(self, data: Any) -> int:
        """Write bytes. Blocks while the network is slower than the caller."""
        if self.closed:
            raise ValueError(f"The writer to {self.name} is closed.")
        view = memoryview(data).cast("B")
        count = len(view)
        if self._is_unreachable:  # the last bytes of a wrapper that was not closed
            return count
        while view:
            room = CHUNK_BYTES - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == CHUNK_BYTES and view:
                self._send_chunk(bytes(self._buffer))
                self._buffer.clear()
        self._written += count
        return count

    def _send_chunk(self, chunk: bytes) -> None:
        self._kept.append(chunk)
        if self._sender.started or len(self._kept) * CHUNK_BYTES >= MAX_SINGLE_REQUEST_BYTES:
            chunks, self._kept = self._kept, []
            with file_errors(self.name):
                for one in chunks:
                    self._sender.put(one)

    # --- the end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send the rest and make the object visible. Raises the server's error when it refuses.

        While an exception leaves a ``with`` or ``finally`` that was entered after the file was opened, this discards
        what was written: wrappers close their file also when a ``with`` block fails. In an ``except`` block it writes,
        as any other file does.
        """
        if self.closed:
            return
        if self._is_unreachable:
            self.discard()
            return
        left = new_exit(self._exits_when_opened)
        if left is None:
            self._succeed()
            return
        self.discard()
        if not left.is_with:
            text = (
                f"{self.name} was not written: it was closed while {type(left.error).__name__} ended its block. "
                "To keep what was written so far, call commit() instead of close()."
            )
            warnings.warn(text, RuntimeWarning, 2)

    def _succeed(self) -> None:
        if self.autocommit:
            self.commit()
        elif not self.closed:
            self._sender.put(b"".join((*self._kept, self._buffer)))
            self._end()

    def commit(self) -> None:
        """Make the object visible, also while an exception is handled. Does nothing after :meth:`discard`."""
        if self._is_over:
            return
        try:
            with file_errors(self.name):
                self.result = self._sender.finish(b"".join((*self._kept, self._buffer)))
            if self.result is not None and self.result.size != self._written:
                raise VerificationError(
                    f"{self.name} has {self.result.size} bytes, but {self._written} bytes were written."
                )
        except BaseException:
            self.discard()
            raise
        self._is_over = True
        self._end()

    def discard(self) -> None:
        """Close without making anything visible."""
        if not self._is_over:
            self._is_over = True
            self._sender.abort()
        self._end()

    def _end(self) -> None:
        self._kept.clear()
        self._buffer.clear()
        self._exits_when_opened = []
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._succeed()
        else:
            self.discard()

    def _dealloc_warn(self, wrapper: object) -> None:
        """Warn. Python's wrappers call this before they close this file because they are garbage-collected."""
        self._is_unreachable = True
        self._warn()

    def __del__(self) -> None:
        if hasattr(self, "_is_over") and not self.closed:
            self.discard()
            self._warn()

    def _warn(self) -> None:
        warnings.warn(f"The writer to {self.name} was not closed: nothing was written.", ResourceWarning, 3)


class _Sender:
    """The request, sent by a thread. It has no reference to the writer, so that an unused writer can be collected."""

    def __init__(self, api: Api, location: tuple[str, str], options: dict[str, Any]) -> None:
        self._api, self._location, self._options = api, location, options
        self._queue: queue.Queue[bytes | None] = queue.Queue(MAX_QUEUED_CHUNKS)
        self._aborted = threading.Event()
        self._thread: threading.Thread | None = None
        self._result: StoredObject | None = None
        self._failure: BaseException | None = None

    @property
    def started(self) -> bool:
        """Whether the request was started."""
        return self._thread is not None

    def put(self, chunk: bytes | None) -> None:
        """Send the next chunk; None ends the body. Raises the error of the request if it has failed."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._send, name="odhtec writer", daemon=True)
            self._thread.start()
        while True:
            if not self._thread.is_alive():
                raise self._failure or OdhTecError(f"The upload of s3://{'/'.join(self._location)} ended too early.")
            try:
                self._queue.put(chunk, timeout=POLL_SECONDS)
                return
            except queue.Full:
                continue

    def finish(self, last: bytes) -> StoredObject | None:
        """Send the rest, and return the server's reply."""
        if self._thread is None:
            return self._api.put_object(*self._location, last, **self._options)
        self.put(last)
        self.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._result

    def abort(self) -> None:
        """Abort the request. The server discards the data."""
        self._aborted.set()
        if self._thread is None or not self._thread.is_alive():
            return
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        with suppress(queue.Full):  # the thread may be waiting for a chunk
            self._queue.put_nowait(None)
        self._thread.join(STOP_SECONDS)

    def _send(self) -> None:
        try:
            self._result = self._api.put_object(*self._location, self._chunks(), repeatable=False, **self._options)
        except BaseException as error:  # raised in the writer's thread
            self._failure = error

    def _chunks(self) -> Iterator[bytes]:
        while True:
            chunk = self._queue.get()
            if self._aborted.is_set():
                # Closes the connection before the end of the body.
                raise Cancelled("Writing was cancelled.")
            if chunk is None:
                return
            if chunk:
                yield chunk


class DeferredSender:
    """Keeps written data in memory, or beyond one request in a temporary file, until it is committed.

    A request that is open until then would occupy memory of the server, which would end it.
    """

    started = True

    def __init__(self, api: Api, location: tuple[str, str], options: dict[str, Any]) -> None:
        self._api, self._location, self._options = api, location, options
        self._file = tempfile.SpooledTemporaryFile(MAX_SINGLE_REQUEST_BYTES)  # noqa: SIM115 - closed at the end of finish or abort

    def put(self, chunk: bytes) -> None:
        """Add bytes."""
        self._file.write(chunk)

    def finish(self, last: bytes) -> StoredObject | None:
        """Send all data."""
        self._file.write(last)
        body: Any = self._chunks
        if self._file.tell() <= MAX_SINGLE_REQUEST_BYTES:
            self._file.seek(0)
            body = self._file.read()
        stored = self._api.put_object(*self._location, body, **self._options)
        self._file.close()
        return stored

    def abort(self) -> None:
        """Discard the data."""
        self._file.close()

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(MAX_SINGLE_REQUEST_BYTES):
            yield chunk
