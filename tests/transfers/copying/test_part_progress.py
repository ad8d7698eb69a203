"""Progress of a part under a bandwidth limit: the shown rate is that of the delayed side."""

from __future__ import annotations

import pytest

from odhtec_jupyter.transfers.copying import part_progress
from odhtec_jupyter.transfers.copying.part_progress import PartProgress
from tests.transfers.steps import Delayed, turns

SIZE = 1000


@pytest.fixture(autouse=True)
def _reports_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_progress, "REPORT_INTERVAL_SECONDS", 0)


async def moved(*, is_local: bool, limit: int, delayed: bool) -> tuple[int, int]:
    """The shown bytes after half of a part was read, and after half of it was sent."""
    shown: list[int] = []
    flow = Delayed()
    flow._bandwidth.limit = limit
    with PartProgress(shown.append) as progress:
        read = progress.reader(flow, is_local=is_local)
        for number in range(10):
            flow.seconds += delayed
            read(SIZE // 10)
            await turns()
            if number == 4:
                after_reading = sum(shown)
        pieces = progress.track([memoryview(bytes(SIZE // 10))] * 10)
        for _ in range(6):  # a piece counts when the next one is requested
            next(pieces)
        await turns()
        after_sending = sum(shown)
        list(pieces)
        await turns()
    assert sum(shown) == SIZE
    assert min(shown) >= 0
    return after_reading, after_sending


async def test_byte_counts_half_when_it_is_read_without_a_delay() -> None:
    assert await moved(is_local=False, limit=0, delayed=False) == (SIZE // 4, SIZE * 3 // 4)
    assert await moved(is_local=True, limit=0, delayed=False) == (SIZE // 4, SIZE * 3 // 4)
    assert await moved(is_local=False, limit=SIZE, delayed=False) == (SIZE // 4, SIZE * 3 // 4), "it is fast enough"


async def test_byte_counts_when_it_is_read_if_the_limit_delays_reading() -> None:
    assert await moved(is_local=False, limit=SIZE, delayed=True) == (SIZE // 2, SIZE)


async def test_byte_of_a_local_file_counts_when_it_is_sent_under_a_limit() -> None:
    assert await moved(is_local=True, limit=SIZE, delayed=False) == (0, SIZE // 2)
