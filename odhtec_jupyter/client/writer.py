"""An object as a file that is written: streamed with bounded memory, visible when it is closed and not before."""

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

from odhtec_jupyter.client.file_errors import file_errors
from odhtec_jupyter.client.in_flight import in_flight
from odhtec_jupyter.errors import Cancelled, OdhTecError, VerificationError
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.client.api import Api
    from odhtec_jupyter.models import OnConflict, StoredObject

WHOLE = 1024 * 1024  # what is smaller goes as one request, which can be repeated
CHUNK = 64 * 1024  # larger ones leave the processor's cache while they are copied, at twice the cost
AHEAD = 64  # chunks between the writer and the network
PATIENCE = 10.0  # seconds for a thread that was told to end; it may hang at a server that does not read
POLL = 0.5  # seconds: how soon a writer hears that the sender has ended


class ObjectWriter(io.BufferedIOBase):
    """What is small goes as one request at the end; more is sent by a thread while it is written.

    Only :meth:`close` makes the object visible, or with ``autocommit=False`` only :meth:`commit` (as fsspec's
    transactions want it). An exception in the ``with`` block, also one that makes a wrapper close this file, and a
    writer that nobody closed leave nothing.
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
        self._kept: list[bytes] = []  # until it shows that there is more than one request takes
        self._buffer = bytearray()
        self._written = 0
        self._opened_in = in_flight()
        self._is_forgotten = self._is_over = False

    def _begin(self, api: Api, place: tuple[str, str], options: dict[str, Any]) -> _Sender | DeferredSender:
        return (_Sender if self.autocommit else DeferredSender)(api, place, options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {visible(self.name)}>"

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self._written

    def write(self, data: Any) -> int:
        """Take bytes; waits while the network is behind."""
        if self.closed:
            raise ValueError(f"The writer to {self.name} is closed.")
        view = memoryview(data).cast("B")
        count = len(view)
        if self._is_forgotten:  # a wrapper's last bytes
            return count
        while view:
            room = CHUNK - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == CHUNK and view:
                self._hand_over(bytes(self._buffer))
                self._buffer.clear()
        self._written += count
        return count

    def _hand_over(self, chunk: bytes) -> None:
        self._kept.append(chunk)
        if self._sender.started or len(self._kept) * CHUNK >= WHOLE:
            chunks, self._kept = self._kept, []
            with file_errors(self.name):
                for one in chunks:
                    self._sender.put(one)

    # --- the end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send the rest and make the object visible. Raises what the server says against it.

        While an exception passes by that came after the file was opened, this discards what was written: wrappers
        close their file also when a ``with`` block fails. Outside a ``with`` it cannot be known whether the exception
        is already handled; so a warning says what happened, and :meth:`commit` is for who means it.
        """
        if self.closed:
            return
        now = in_flight()
        if self._is_forgotten:
            self.discard()
        elif now is not None and now.began_after(self._opened_in):
            self.discard()
            if not now.leaves_with:
                text = (
                    f"{self.name} was not written: it was closed while {type(now.error).__name__} was being handled. "
                    "Close it after the except block, or call commit() in place of close()."
                )
                warnings.warn(text, RuntimeWarning, 2)
        else:
            self._succeed()

    def _succeed(self) -> None:
        if self.autocommit:
            self.commit()
        elif not self.closed:
            self._sender.put(b"".join((*self._kept, self._buffer)))
            self._end()

    def commit(self) -> None:
        """Make the object visible, whatever passes by. After :meth:`discard` there is nothing to do."""
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
            self._sender.give_up()
        self._end()

    def _end(self) -> None:
        self._kept.clear()
        self._buffer.clear()
        self._opened_in = None
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._succeed()
        else:
            self.discard()

    def _dealloc_warn(self, wrapper: object) -> None:
        """Called by Python's own wrappers before they close this file because nobody holds them any more."""
        self._is_forgotten = True
        self._warn()

    def __del__(self) -> None:
        if hasattr(self, "_is_over") and not self.closed:
            self.discard()
            self._warn()

    def _warn(self) -> None:
        warnings.warn(f"The writer to {self.name} was not closed: nothing was written.", ResourceWarning, 3)


class _Sender:
    """The request that goes on while the writer writes; it does not know the writer, which may be forgotten."""

    def __init__(self, api: Api, place: tuple[str, str], options: dict[str, Any]) -> None:
        self._api, self._place, self._options = api, place, options
        self._queue: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._result: StoredObject | None = None
        self._failure: BaseException | None = None

    @property
    def started(self) -> bool:
        """Whether anything was handed over."""
        return self._thread is not None

    def put(self, chunk: bytes | None) -> None:
        """Hand over the next chunk; None is the end. Raises what the server has said meanwhile."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._send, name="odhtec writer", daemon=True)
            self._thread.start()
        while True:
            if not self._thread.is_alive():
                raise self._failure or OdhTecError("Sending has ended too early.")
            try:
                self._queue.put(chunk, timeout=POLL)
                return
            except queue.Full:
                continue

    def finish(self, last: bytes) -> StoredObject | None:
        """Send what is left, and wait for the answer."""
        if self._thread is None:
            return self._api.put_object(*self._place, last, **self._options)
        self.put(last)
        self.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._result

    def give_up(self) -> None:
        """End the request in its middle: the server drops what it has."""
        self._given_up.set()
        if self._thread is None or not self._thread.is_alive():
            return
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        with suppress(queue.Full):  # it may wait for a chunk
            self._queue.put_nowait(None)
        self._thread.join(PATIENCE)

    def _send(self) -> None:
        try:
            self._result = self._api.put_object(*self._place, self._chunks(), repeatable=False, **self._options)
        except BaseException as error:  # raised again where the writer is
            self._failure = error

    def _chunks(self) -> Iterator[bytes]:
        while True:
            chunk = self._queue.get()
            if self._given_up.is_set():
                # Breaks the connection off.
                raise Cancelled("Writing was cancelled.")
            if chunk is None:
                return
            if chunk:
                yield chunk


class DeferredSender:
    """What is written stays in memory or, beyond one request, in a temporary file until it is committed.

    A request that is kept open until then would hold the server's memory, and be ended by it.
    """

    started = True

    def __init__(self, api: Api, place: tuple[str, str], options: dict[str, Any]) -> None:
        self._api, self._place, self._options = api, place, options
        self._file = tempfile.SpooledTemporaryFile(WHOLE)  # noqa: SIM115 - closed at the end of finish or give_up

    def put(self, chunk: bytes) -> None:
        """Keep the next bytes."""
        self._file.write(chunk)

    def finish(self, last: bytes) -> StoredObject | None:
        """Send all of it."""
        self._file.write(last)
        body: Any = self._chunks
        if self._file.tell() <= WHOLE:
            self._file.seek(0)
            body = self._file.read()
        stored = self._api.put_object(*self._place, body, **self._options)
        self._file.close()
        return stored

    def give_up(self) -> None:
        """Forget it."""
        self._file.close()

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(WHOLE):
            yield chunk
