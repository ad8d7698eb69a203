"""The memory of an upload's part under a bandwidth limit."""

from __future__ import annotations

import asyncio

import pytest

from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads import part_buffer
from odhtec_jupyter.transfers.uploads.part_buffer import PartBuffer
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader
from tests.transfers.steps import Delayed, turns


class Body:
    """A body of which as many bytes have arrived as are read."""

    async def read(self, room: memoryview) -> int:
        return len(room)

    def sender(self) -> SocketReader | None:
        return None


async def test_sender_that_the_limit_delays_keeps_its_memory(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_buffer, "MAX_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(engine.budget, "contended", lambda lane: True)
    blamed: list[Exception] = []
    flow = Delayed()
    buffer = await PartBuffer.lease(engine.budget, PART_SIZE, "a part", blamed.append, flow)
    flow.seconds = 1000  # so far
    await turns()
    assert not blamed
    assert await buffer.receive(Body(), 100) == 100
    flow.seconds += 1000
    await turns()
    assert not blamed
    flow.seconds -= 1000  # as if it had been the sender
    await turns()
    assert len(blamed) == 1


async def test_dropped_part_returns_its_memory_after_its_wait(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.bandwidth.limit = 10_000
    buffer = await PartBuffer.lease(engine.budget, PART_SIZE, "a part", lambda _: None, engine.bandwidth.flow())
    with monkeypatch.context() as patch:
        patch.setattr(Bandwidth, "_serve", lambda _: None)
        receiving = asyncio.ensure_future(buffer.receive(Body(), PART_SIZE))
        await turns()
        buffer.drop()
        assert engine.budget.used == PART_SIZE, "the body can still be written into it"
    engine.bandwidth.limit = 0
    await receiving
    assert engine.budget.used == 0
