from __future__ import annotations

import asyncio
import random
import socket
import threading

import pytest

from odhtec_jupyter.transfers.runtime.engine import MAX_THREADS, Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.uploads.socket_reader import QUICK_BYTES, SocketReader


async def test_bytes_are_read_in_order_and_only_up_to_the_buffer_size(
    engine: Engine, pair: tuple[socket.socket, socket.socket]
) -> None:
    theirs, ours = pair
    content = random.Random(1).randbytes(20_000_000)
    writer = threading.Thread(target=theirs.sendall, args=(content + b"the next request",))
    writer.start()
    sender = SocketReader(engine, ours)
    sender.note_available(QUICK_BYTES)
    into = memoryview(bytearray(len(content)))
    done = 0
    while done < len(content):
        done += await sender.receive(into[done : done + 3_000_001])
    assert bytes(into) == content
    ours.setblocking(True)
    assert ours.recv(100) == b"the next request"
    writer.join()


async def test_slow_sender_is_not_read_in_a_thread(engine: Engine, pair: tuple[socket.socket, socket.socket]) -> None:
    theirs, ours = pair
    sender = SocketReader(engine, ours)
    sender.note_available(QUICK_BYTES - 1)
    assert not sender.is_quick
    sender.note_available(QUICK_BYTES)
    assert sender.is_quick
    theirs.sendall(b"few")
    room = memoryview(bytearray(100))
    assert await sender.receive(room) == 3
    assert not sender.is_quick
    assert await sender.receive(room) == 0, "no bytes have arrived"


@pytest.mark.parametrize("reset", [False, True])
async def test_end_of_connection_is_left_to_the_event_loop(engine: Engine, reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with ours:
        ours.setblocking(False)
        if reset:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        theirs.close()
        sender = SocketReader(engine, ours)
        sender.note_available(QUICK_BYTES)
        assert await sender.receive(memoryview(bytearray(100))) == 0
        assert not sender.is_quick


async def test_cancelled_receive_stops_using_the_memory(
    engine: Engine, pair: tuple[socket.socket, socket.socket]
) -> None:
    theirs, ours = pair
    stop = threading.Event()
    more = threading.Semaphore(0)

    def drip() -> None:
        while not stop.wait(0.001):
            theirs.send(b"x")
            more.release()

    writer = threading.Thread(target=drip)
    writer.start()
    try:
        room = bytearray(100_000)
        task = asyncio.ensure_future(SocketReader(engine, ours).receive(memoryview(room)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = bytes(room)
        for _ in range(20):
            assert more.acquire(timeout=60)
        assert room == left, "the memory must not be written to any more"
    finally:
        stop.set()
        writer.join()


async def test_store_that_blocks_all_threads_does_not_block_a_sender(
    engine: Engine, pair: tuple[socket.socket, socket.socket]
) -> None:
    theirs, ours = pair
    answer = threading.Event()
    waiting = [asyncio.ensure_future(engine.in_thread(CancelToken(), answer.wait, 60)) for _ in range(MAX_THREADS)]
    try:
        theirs.sendall(b"bytes")
        assert await SocketReader(engine, ours).receive(memoryview(bytearray(5))) == 5
        assert not any(task.done() for task in waiting)
    finally:
        answer.set()
        await asyncio.gather(*waiting)
