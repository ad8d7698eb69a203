"""Objects as one ZIP archive that is created while it is sent: without a file, and with the memory of one buffer.

Small objects are read into memory before it is their turn, as far as the memory budget allows.

Stored, not deflated: large objects are usually compressed already (Parquet, safetensors, images), and compressing costs
twenty times as much as the rest of a download.
"""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, Unreachable
from odhtec_jupyter.models import S3Object
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.errors import CREDENTIALS
from odhtec_jupyter.stores.source import RangedSource, RangeReader
from odhtec_jupyter.transfers.downloads.read_ahead import Block, ReadAhead
from odhtec_jupyter.transfers.downloads.zip_format import ZipRecords
from odhtec_jupyter.transfers.downloads.zip_names import ZipNames
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.runtime.bandwidth import Flow
from odhtec_jupyter.transfers.runtime.interactive_priority import interactive_priority
from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled, Retries, check
from odhtec_jupyter.visible import visible

Result = TypeVar("Result")

MAX_FILL_SECONDS = 0.5  # after that the buffer is sent as it is: it can hold thousands of tiny files
MAX_AHEAD = 64  # objects of which the small ones are read ahead: a reply can take longer than all its bytes
READERS = 16  # of them in parallel
MAX_NAMED_OBJECTS = 10_000  # missing objects that the note lists
NOTE_NAME = "NOT INCLUDED.txt"
MAX_WHOLE_BYTES = 2 * MIB  # objects up to this size are read ahead
MAX_IN_SOCKET_BYTES = 128 * 1024  # without memory, objects up to this size are requested: they wait in the sockets


class ZipStream:
    """The bytes of an archive, in order, each exactly once. Blocks; not for concurrent use."""

    def __init__(
        self,
        store: S3Store,
        selection: Selection,
        base: str | None,
        stop: CancelToken,
        memory: ReadAhead,
        flow: Flow,
    ) -> None:
        """Names are relative to ``base``; by default to the common folder of the selection.

        ``memory`` is for small objects that are read before it is their turn.
        """
        self.base = selection.folder if base is None else base
        if outside := [name for name in (*selection.keys, *selection.prefixes) if not name.startswith(self.base)]:
            raise BadRequest(f"base: {outside[0]!r} is not below {self.base!r}.")
        self.ended = False
        #: The objects that are not in the archive, with the reason; up to :data:`MAX_NAMED_OBJECTS`.
        self.missing: dict[str, str] = {}
        self.missing_count = 0
        self._store = store
        self._selection = selection
        self._stop = stop
        self._flow = flow
        self._names = ZipNames(self.base)
        self._records = ZipRecords()
        self._memory = memory
        self._threads = DaemonThreads(READERS, thread_name_prefix="odhtec-zip")
        self._waiting: deque[tuple[S3Object, _File]] = deque()
        self._steps = self._all()
        self._record = memoryview(b"")
        self._file: _File | None = None

    def readinto(self, view: memoryview) -> int:
        """Read the next bytes into ``view``. Returns their number, 0 only at the end. Raises if the archive fails."""
        done, until = 0, time.monotonic() + MAX_FILL_SECONDS
        while done < len(view):
            check(self._stop)
            if self._record:
                count = min(len(self._record), len(view) - done)
                view[done : done + count] = self._record[:count]
                self._record = self._record[count:]
                done += count
            elif self._file and self._file.left:
                done += self._file.readinto(view[done:])
                if time.monotonic() > until:
                    break
            elif (step := next(self._steps, None)) is None:
                self.ended = True
                break
            elif isinstance(step, bytes):
                self._record = memoryview(step)
            else:
                self._file = step
        return done

    def close(self) -> None:
        """Close the connections to S3."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for file in (self._file, *(file for _, file in self._waiting)):
            if file is not None:
                file.close()

    def _all(self) -> Iterator[bytes | _File]:
        heads = self._selection.heads(self._store, self._stop.is_set)
        if missing := [key for key, head in heads.items() if head is None]:
            raise StoreError(f"s3://{self._selection.bucket}/{missing[0]} does not exist.", code="NoSuchKey")
        if archived := [key for key, head in heads.items() if head and head.is_archived]:
            raise _archived(archived[0])
        pages = self._selection.pages(self._store, heads)
        found = False
        failed: OdhTecError | None = None
        for item, file in self._prefetched(item for page in pages for item in page):
            try:
                file.open()  # before its name is written to the archive
            except StoreError as error:
                if error.code in CREDENTIALS or error.code == "NoSuchBucket" or error.status not in {403, 404}:
                    raise
                file.close()
                failed = _archived(item.Key) if error.code == "InvalidObjectState" else error
                self._miss(item.Key, str(failed))
                continue
            found = True
            yield from self._one(item, file)
        if failed is not None and not found:
            raise failed
        if not found:
            raise StoreError("The selected folders are empty.", code="NoSuchKey")
        if self.missing:
            yield from self._note()
        yield from self._records.finish()

    def _miss(self, key: str, reason: str) -> None:
        self.missing_count += 1
        if len(self.missing) < MAX_NAMED_OBJECTS:
            self.missing[key] = reason

    def _note(self) -> Iterator[bytes]:
        """Add a text file at the end of the archive that lists the missing objects."""
        lines = [f"{self.missing_count} of the selected objects could not be read and are not in this archive:", ""]
        lines += [f"{visible(key)}: {reason}" for key, reason in self.missing.items()]
        if self.missing_count > len(self.missing):
            lines.append(f"and {self.missing_count - len(self.missing)} more")
        text = "\n".join([*lines, ""]).encode()
        yield self._records.begin(self._names.note(NOTE_NAME), len(text), datetime.now(UTC))
        yield text
        yield self._records.end(zlib.crc32(text))

    def _prefetched(self, items: Iterable[S3Object]) -> Iterator[tuple[S3Object, _File]]:
        """Yield the objects in order, each with its file. Small ones are read while earlier ones are sent."""
        waiting, files = self._waiting, ((item, self._new_file(item)) for item in items)
        following = next(files, None)
        while following or waiting:
            while following and len(waiting) < MAX_AHEAD and (self._start(following[1]) or not waiting):
                waiting.append(following)
                following = next(files, None)
            yield waiting.popleft()

    def _new_file(self, item: S3Object) -> _File:
        source = self._store.source(self._selection.bucket, item.Key, item.Size, item.ETag or "")
        return _File(source, self._stop, self._flow.branch())

    def _start(self, file: _File) -> bool:
        """Start to read a small object. Returns False if there is no memory for it before earlier ones are sent."""
        if not 0 < file.left <= MAX_WHOLE_BYTES:
            return True
        if block := self._memory.block(file.left):
            file.read_ahead(self._threads, block)
        elif self._memory.is_available or file.left > MAX_IN_SOCKET_BYTES:
            return False
        else:
            file.prefetch(self._threads)
        return True

    def _one(self, item: S3Object, file: _File) -> Iterator[bytes | _File]:
        if item.Key.endswith("/") and not item.Size:
            if name := self._names.folder(item.Key):
                yield self._records.folder(name, item.LastModified)
            return
        yield self._records.begin(self._names.file(item.Key), item.Size, item.LastModified)
        yield file
        yield self._records.end(file.crc)


class _File:
    """The bytes of one object if it has not changed since it was listed; resumed where a connection broke."""

    def __init__(self, source: RangedSource, stop: CancelToken, flow: Flow) -> None:
        self.crc = 0
        self.left = source.size
        self._source = source
        self._stop = stop
        self._flow = flow
        self._prefetched: Future[RangeReader | None] | None = None
        self._block: Block | None = None  # the bytes, if they were read ahead
        self._reader: RangeReader | None = None

    def prefetch(self, threads: Executor) -> None:
        """Request the object ahead of time."""
        self._prefetched = threads.submit(self._source.open_range, 0, self._source.size)

    def read_ahead(self, threads: Executor, block: Block) -> None:
        """Read the object into ``block`` ahead of time."""
        self._block = block
        self._prefetched = threads.submit(self._read_whole, block)

    def _read_whole(self, block: Block) -> None:
        check(self._stop)
        interactive_priority.yield_to_requests()
        reader = self._source.open_range(0, self._source.size)
        try:
            with self._stop.ending(reader):
                block.fill(partial(self._read_full, reader))
        finally:
            reader.close()

    def _read_full(self, reader: RangeReader, view: memoryview) -> None:
        while view:
            if not (count := self._flow.move(reader.readinto, view, self._stop)):
                raise _torn()
            view = view[count:]

    def open(self) -> None:
        """Request the bytes, if there are any, or wait until they are read ahead."""
        if self.left:
            self._trying(self._opened)

    def readinto(self, view: memoryview) -> int:
        """Read at least one byte into ``view``. Returns the number of bytes."""
        return self._trying(lambda: self._read(view[: self.left]))

    def _trying(self, call: Callable[[], Result]) -> Result:
        retries = Retries()
        while True:
            check(self._stop)
            try:
                return call()
            except OdhTecError as error:
                self.close()
                retries.wait(error, self._stop)

    def _opened(self) -> RangeReader | None:
        """Return the reader of the bytes that are left; None if they are in memory."""
        prefetched, self._prefetched = self._prefetched, None
        if prefetched:
            self._reader = prefetched.result()
        if self._reader is None and self._block is None:
            self._reader = self._source.open_range(self._source.size - self.left, self._source.size)
        return self._reader

    def _read(self, view: memoryview) -> int:
        reader = self._opened()
        if reader is None:
            assert self._block is not None
            count = self._block.copy(self._source.size - self.left, view)
            if not count:  # the memory was given back
                self._block = None
                return self._read(view)
        else:
            with self._stop.ending(reader):
                count = self._flow.move(reader.readinto, view, self._stop)
            if not count:
                raise _torn()
        self.crc = zlib.crc32(view[:count], self.crc)
        self.left -= count
        if not self.left:
            self.close()
        return count

    def close(self) -> None:
        """Close the connection, or free the memory."""
        if self._block is not None:
            self._block.free()
            self._block = None
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        prefetched, self._prefetched = self._prefetched, None
        if prefetched is not None:
            prefetched.add_done_callback(_close)


def _torn() -> Unreachable:
    return Unreachable("The S3 store closed the connection before the end.", code="TornBody")


def _archived(key: str) -> StoreError:
    return StoreError(f"{key} is archived. Restore it, then try again.", code="InvalidObjectState", status=403)


def _close(prefetched: Future[RangeReader | None]) -> None:
    with suppress(OdhTecError, OperationCancelled, CancelledError):
        if reader := prefetched.result():
            reader.close()
