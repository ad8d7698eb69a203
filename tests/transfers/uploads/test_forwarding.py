"""Parts that are forwarded to S3 while they arrive: stalled senders, failures of S3, aborts."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest, StoreError, Unreachable
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.s3_target import Multipart, S3Target
from odhtec_jupyter.transfers.uploads import forwarding, part_buffer, socket_reader, streamed_upload
from odhtec_jupyter.transfers.uploads.forwarding import Forwarding, ForwardingStopped
from odhtec_jupyter.transfers.uploads.part_buffer import PartBuffer
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader
from odhtec_jupyter.transfers.uploads.streamed_upload import LARGE_PART_BYTES, StreamedUpload
from tests.content import body_of, multiparts, noise
from tests.waiting import GIVE_UP_SECONDS

SIZE = PART_SIZE + 3 * LARGE_PART_BYTES + 5


class Body:
    """The body of a request as the handler reads it."""

    def __init__(self, engine: Engine, ours: socket.socket) -> None:
        self._ours = ours
        self._sender = SocketReader(engine, ours)

    def sender(self) -> SocketReader | None:
        return self._sender if self._sender.is_quick else None

    async def read(self, room: memoryview) -> int:
        count = await asyncio.get_running_loop().sock_recv_into(self._ours, room[:MIB])
        self._sender.note_available(count)
        return count


Put = Callable[..., str]


class Store:
    """Replaces ``put_part`` of a store, and records the result of each forwarded part."""

    def __init__(self, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._put: Put = store.put_part
        self.forwarded: dict[int, list[BaseException | None]] = {}
        self.instead: Put | None = None  # replaces the put of the first forwarded part
        self.first = threading.Event()  # a part is stored and recorded in the upload
        self.tried = threading.Event()  # a part was forwarded
        monkeypatch.setattr(store, "put_part", self.put)
        real_keep = Multipart.keep

        def keep(multipart: Multipart, number: int, etag: str, size: int) -> None:
            real_keep(multipart, number, etag, size)
            self.first.set()

        monkeypatch.setattr(Multipart, "keep", keep)

    def put(
        self, bucket: str, key: str, upload: str, number: int, blocks: Any, size: int, md5: bytes | None = None
    ) -> str:
        def put(blocks: Iterable[memoryview]) -> str:
            return self._put(bucket, key, upload, number, blocks, size, md5=md5)

        if blocks.__name__ != "_pieces":
            return put(blocks)
        instead, self.instead = self.instead, None
        error: BaseException | None = None
        try:
            return instead(put, blocks) if instead else put(blocks)
        except BaseException as caught:
            error = caught
            raise
        finally:
            self.forwarded.setdefault(number, []).append(error)
            self.tried.set()


@pytest.fixture(autouse=True)
def _always_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_upload, "FAST_BYTES_PER_SECOND", 0)
    monkeypatch.setattr(socket_reader, "QUICK_BYTES", 1)
    monkeypatch.setattr(forwarding, "MAX_WAIT_MS", 10_000)
    monkeypatch.setattr(forwarding, "MAX_TOTAL_WAIT_SECONDS", 60.0)


@pytest.fixture
def puts(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(store, monkeypatch)


@pytest.fixture
def upload(engine: Engine, store: S3Store, bucket: str) -> StreamedUpload:
    return StreamedUpload(engine, S3Target(store, bucket, "k"), size=SIZE)


@pytest.fixture
def body(engine: Engine, pair: tuple[socket.socket, socket.socket]) -> Body:
    return Body(engine, pair[1])


async def receive(upload: StreamedUpload, body: Body) -> None:
    while upload.received < SIZE:
        await upload.receive(body, SIZE - upload.received)


@contextmanager
def sending(pair: tuple[socket.socket, socket.socket], work: Callable[[], None]) -> Iterator[None]:
    """Run ``work`` in a thread that sends. At the end of the context, the socket is closed, which ends the thread."""

    def run() -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        pair[1].close()
        thread.join()


def first_part_then_rest(pair: tuple[socket.socket, socket.socket], puts: Store, data: bytes) -> Callable[[], None]:
    """Return a function that sends the first part and, when it is stored, the rest, which is then forwarded."""

    def send() -> None:
        pair[0].sendall(data[:PART_SIZE])
        assert puts.first.wait(GIVE_UP_SECONDS)
        pair[0].sendall(data[PART_SIZE:])

    return send


@pytest.mark.tls
async def test_parts_are_forwarded_while_they_arrive(
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
) -> None:
    data = noise(SIZE)

    with sending(pair, first_part_then_rest(pair, puts, data)):
        await receive(upload, body)
    etag = await upload.finish()
    assert etag == s3_client.head_object(Bucket=bucket, Key="k")["ETag"]
    assert body_of(s3_client, bucket, "k") == data
    assert puts.forwarded, "no part was forwarded"
    assert {error for errors in puts.forwarded.values() for error in errors} == {None}


@pytest.mark.parametrize("drips", [False, True])
@pytest.mark.tls
async def test_stalled_sender_does_not_block_a_part(
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    drips: bool,
) -> None:
    theirs, _ = pair
    data = noise(SIZE)
    if drips:
        monkeypatch.setattr(forwarding, "MAX_TOTAL_WAIT_SECONDS", 0.0)
    else:
        monkeypatch.setattr(forwarding, "MAX_WAIT_MS", 1)

    def send() -> None:
        theirs.sendall(data[:PART_SIZE])
        assert puts.first.wait(GIVE_UP_SECONDS)
        done = PART_SIZE
        while not puts.tried.wait(0.002):
            if drips or done < PART_SIZE + MIB:
                done += theirs.send(data[done : done + 1000])
        theirs.sendall(data[done:])

    with sending(pair, send):
        await receive(upload, body)
    await upload.finish()
    assert body_of(s3_client, bucket, "k") == data
    assert isinstance(puts.forwarded[2][0], ForwardingStopped)


def torn(put: Put, blocks: Iterator[memoryview]) -> str:
    for _ in islice(blocks, 3):
        pass
    raise Unreachable("The connection was torn.")


def refused(put: Put, blocks: Iterator[memoryview]) -> str:
    raise StoreError("Slow down.", code="SlowDown", status=503)


def torn_after_last_byte(put: Put, blocks: Iterator[memoryview]) -> str:
    for _ in blocks:
        pass
    raise Unreachable("The connection was torn.")


def reply_lost(put: Put, blocks: Iterator[memoryview]) -> str:
    put(blocks)
    raise Unreachable("The answer was lost.")


@pytest.mark.parametrize("fault", [torn, refused, torn_after_last_byte, reply_lost])
@pytest.mark.tls
async def test_failed_part_is_resent_from_memory(
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
    fault: Put,
) -> None:
    data = noise(SIZE)
    puts.instead = fault

    with sending(pair, first_part_then_rest(pair, puts, data)):
        await receive(upload, body)
    await upload.finish()
    assert body_of(s3_client, bucket, "k") == data
    assert next(type(errors[0]) for errors in puts.forwarded.values()) in {Unreachable, StoreError}
    assert multiparts(s3_client, bucket) == []


async def test_permanent_error_is_reported_immediately(
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
) -> None:

    def denied(put: Put, blocks: Iterator[memoryview]) -> str:
        next(blocks)
        raise StoreError("Access denied.", code="AccessDenied", status=403)

    puts.instead = denied

    with sending(pair, first_part_then_rest(pair, puts, bytes(PART_SIZE + MIB))):
        with pytest.raises(StoreError, match="denied"):
            await receive(upload, body)
        await upload.abort()
    assert multiparts(s3_client, bucket) == []


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.tls
async def test_abort_during_a_forwarded_part_leaves_no_upload(
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
    engine: Engine,
    whole: bool,
) -> None:
    reached, may_continue = threading.Event(), threading.Event()

    def slow(put: Put, blocks: Iterator[memoryview]) -> str:
        def held() -> Iterator[memoryview]:
            for piece in blocks:
                if not whole:
                    reached.set()
                    assert may_continue.wait(GIVE_UP_SECONDS)
                yield piece
            reached.set()
            assert may_continue.wait(GIVE_UP_SECONDS)

        return put(held())

    puts.instead = slow

    with sending(pair, first_part_then_rest(pair, puts, bytes(PART_SIZE + (LARGE_PART_BYTES if whole else MIB)))):
        receiving = asyncio.ensure_future(receive(upload, body))
        assert await asyncio.to_thread(reached.wait, GIVE_UP_SECONDS)
        aborting = asyncio.ensure_future(upload.abort())
        await asyncio.sleep(0)
        assert engine.budget.used, "the memory is still in use by the request to S3"
        may_continue.set()
        await aborting
        receiving.cancel()  # it may wait for bytes that are never sent
        with suppress(BadRequest, asyncio.CancelledError):
            await receiving
    assert multiparts(s3_client, bucket) == []


async def test_last_bytes_of_a_part_can_arrive_late(
    engine: Engine, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "MAX_TOTAL_WAIT_SECONDS", -1.0)
    theirs, ours = pair
    theirs.sendall(bytes(1000))
    memory = memoryview(bytearray(1000))
    part = Forwarding(
        engine, CancelToken(), SocketReader(engine, ours), memory, 0, lambda pieces: str(sum(map(len, pieces)))
    )
    assert await part.wait_received()
    assert await part.answer == "1000", "all bytes have arrived"


async def test_forwarding_stops_when_a_bandwidth_limit_is_set(
    engine: Engine, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SocketReader(engine, pair[1])
    reader.is_quick = True
    monkeypatch.setattr(reader, "recv_into", lambda room, timeout_ms: 1000)  # as many bytes as are wanted
    engine.bandwidth.limit = 10**9
    memory = memoryview(bytearray(2000))
    part = Forwarding(engine, CancelToken(), reader, memory, 0, lambda pieces: str(sum(map(len, pieces))))
    assert not await part.wait_received()
    assert part.filled == 1000
    assert not reader.is_quick


async def test_nothing_is_forwarded_under_a_bandwidth_limit(
    engine: Engine,
    body: Body,
    upload: StreamedUpload,
    puts: Store,
    pair: tuple[socket.socket, socket.socket],
    s3_client: Any,
    bucket: str,
) -> None:
    engine.bandwidth.limit = 10**9
    data = noise(SIZE)
    with sending(pair, first_part_then_rest(pair, puts, data)):
        await receive(upload, body)
    await upload.finish()
    assert body_of(s3_client, bucket, "k") == data
    assert not puts.forwarded


async def test_sender_is_not_aborted_while_s3_is_slow(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_buffer, "MAX_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(engine.budget, "contended", lambda lane: True)
    aborts: list[Exception] = []
    buffer = await PartBuffer.lease(engine.budget, PART_SIZE, "a part", aborts.append, engine.bandwidth.flow())
    with buffer.receiving(watched=False):
        for _ in range(20):
            await asyncio.sleep(0)
        assert not aborts
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(aborts) == 1
