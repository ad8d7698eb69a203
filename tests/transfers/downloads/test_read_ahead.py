"""The memory for objects that an archive reads ahead: a ring that leaves room for transfers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from odhtec_jupyter.transfers.downloads import read_ahead
from odhtec_jupyter.transfers.downloads.read_ahead import RING_BYTES, Block, ReadAhead
from odhtec_jupyter.transfers.runtime.memory_budget import MemoryBudget
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.transfers.steps import Hold, turns

QUARTER = RING_BYTES // 4


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch, jp_asyncio_loop: Any) -> Iterator[MemoryBudget]:
    monkeypatch.setattr(read_ahead, "CHECK_SECONDS", 0.0)
    made = MemoryBudget(4 * PART_SIZE)
    yield made
    jp_asyncio_loop.run_until_complete(turns())
    assert made.used == 0


@asynccontextmanager
async def memory_of(budget: MemoryBudget) -> AsyncIterator[ReadAhead]:
    memory = ReadAhead(budget)
    try:
        yield memory
    finally:
        memory.close()


def writing(byte: bytes) -> Callable[[memoryview], None]:
    def write(view: memoryview) -> None:
        view[:] = byte * len(view)

    return write


def filled(memory: ReadAhead, size: int, byte: bytes) -> Block | None:
    if block := memory.block(size):
        block.fill(writing(byte))
    return block


def content(block: Block, size: int) -> bytes:
    found = bytearray(size)
    assert block.copy(0, memoryview(found)) == size
    return bytes(found)


async def test_objects_use_the_memory_in_turn(budget: MemoryBudget) -> None:
    async with memory_of(budget) as memory:
        sizes = [QUARTER - 3, QUARTER, 5, 2 * QUARTER - 10, QUARTER + 7]
        waiting: list[tuple[Block, int, bytes]] = []
        for number in range(200):
            size, byte = sizes[number % len(sizes)], bytes([number])
            while (block := filled(memory, size, byte)) is None:
                first, length, expected = waiting.pop(0)
                assert content(first, length) == expected * length
                first.free()
            waiting.append((block, size, byte))
        for block, length, expected in waiting:
            assert content(block, length) == expected * length


async def test_full_memory_has_no_room(budget: MemoryBudget) -> None:
    async with memory_of(budget) as memory:
        blocks = [memory.block(QUARTER) for _ in range(4)]
        assert None not in blocks
        assert memory.block(1) is None
        assert memory.is_available
        assert blocks[0]
        blocks[0].free()
        blocks[0].free()
        assert memory.block(QUARTER) is not None
        assert memory.block(1) is None


async def test_object_can_be_read_piece_by_piece(budget: MemoryBudget) -> None:
    async with memory_of(budget) as memory:
        block = memory.block(10)
        assert block
        piece = memoryview(bytearray(8))
        assert block.copy(0, piece) == 0, "nothing is in it yet"

        def write(view: memoryview) -> None:
            view[:] = b"0123456789"

        block.fill(write)
        assert (block.copy(0, piece), bytes(piece)) == (8, b"01234567")
        assert (block.copy(8, piece), bytes(piece[:2])) == (2, b"89")


async def test_memory_is_given_back_while_a_transfer_waits(budget: MemoryBudget) -> None:
    async with memory_of(budget) as memory:
        block = filled(memory, 100, b"x")
        assert block
        assert budget.used == RING_BYTES
        held = await budget.lease(budget.largest - RING_BYTES, "copy")
        waits = asyncio.ensure_future(budget.lease(PART_SIZE, "copy"))
        lease = await waits
        assert block.copy(0, memoryview(bytearray(100))) == 0
        assert memory.block(1) is None
        lease.release()
        held.release()
        await turns()
        again = filled(memory, 100, b"y")
        assert again
        block.free()  # is not of this memory
        assert content(again, 100) == b"y" * 100


async def test_memory_is_kept_until_no_thread_writes_into_it(budget: MemoryBudget) -> None:
    async with memory_of(budget) as memory:
        block, hold = memory.block(100), Hold()
        assert block

        def write(view: memoryview) -> None:
            hold.wait()
            view[:] = b"x" * len(view)

        thread = asyncio.ensure_future(asyncio.to_thread(block.fill, write))
        await hold.reached()
        held = await budget.lease(budget.largest - RING_BYTES, "copy")
        waits = asyncio.ensure_future(budget.lease(PART_SIZE, "copy"))
        await turns()
        assert not waits.done()
        hold.free()
        await thread
        (await waits).release()
        held.release()
        assert block.copy(0, memoryview(bytearray(100))) == 0


async def test_closed_memory_returns_to_the_budget(budget: MemoryBudget) -> None:
    memory = ReadAhead(budget)
    assert budget.used == RING_BYTES
    memory.close()
    assert budget.used == 0
    memory.block(1)
    await turns()
    assert budget.used == 0


async def test_no_memory_is_taken_that_a_transfer_waits_for(budget: MemoryBudget) -> None:
    held = await budget.lease(budget.largest, "copy")
    memory = ReadAhead(budget)
    assert memory.block(1) is None
    await turns()
    assert not memory.is_available
    held.release()
    await turns()
    assert memory.block(1) is not None
    memory.close()
