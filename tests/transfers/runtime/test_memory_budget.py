from __future__ import annotations

import asyncio

import pytest

from odhtec_jupyter.transfers.runtime.memory_budget import Lease, MemoryBudget
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE


async def waiting(budget: MemoryBudget, size: int, lane: str = "copy") -> asyncio.Task[Lease]:
    task = asyncio.ensure_future(budget.lease(size, lane))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    return task


async def test_a_lease_is_a_writable_buffer_of_its_size() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    with await budget.lease(1000, "copy") as lease:
        lease.view[:] = bytes(range(200)) * 5
        assert bytes(lease.view[199:201]) == b"\xc7\x00"
        assert budget.used == 1000
    assert budget.used == 0


async def test_more_than_the_total_is_never_handed_out() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    held = [await budget.lease(PART_SIZE, "copy"), await budget.lease(PART_SIZE, "copy")]
    third = await waiting(budget, PART_SIZE)
    assert not third.done()
    held.pop().release()
    (await third).release()
    held.pop().release()


async def test_one_lane_cannot_take_the_last_two_parts_of_the_other() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    slow = [await budget.lease(PART_SIZE, "upload") for _ in range(2)]
    third = await waiting(budget, PART_SIZE, "upload")
    assert not third.done()
    for _ in range(3):
        (await budget.lease(2 * PART_SIZE, "copy")).release()
    third.cancel()
    for lease in slow:
        lease.release()


async def test_leases_are_granted_in_order_and_small_ones_do_not_overtake() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    first = await budget.lease(2 * PART_SIZE, "copy")
    large = await waiting(budget, 2 * PART_SIZE)
    small = await waiting(budget, 1)
    assert not large.done()
    assert not small.done()
    first.release()
    (await large).release()
    (await small).release()


async def test_cancelled_wait_frees_its_place_and_memory() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    first = await budget.lease(2 * PART_SIZE, "copy")
    cancelled = await waiting(budget, PART_SIZE)
    late = await waiting(budget, PART_SIZE)
    cancelled.cancel()
    first.release()  # its memory may be granted to the cancelled lease
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    (await late).release()
    assert budget.used == 0


async def test_large_lease_is_granted_while_the_other_lane_keeps_requesting() -> None:
    budget = MemoryBudget(8 * PART_SIZE)
    held = [await budget.lease(PART_SIZE, "upload") for _ in range(6)]
    large = await waiting(budget, 3 * PART_SIZE, "copy")
    for _ in range(20):  # uploads take and release memory
        again = await waiting(budget, PART_SIZE, "upload")
        held.pop(0).release()
        await asyncio.sleep(0)
        if again.done():
            held.append(await again)
        else:
            again.cancel()
        if large.done():
            break
    assert large.done()
    (await large).release()
    for lease in held:
        lease.release()


async def test_lane_that_holds_all_memory_is_contended_by_the_other() -> None:
    budget = MemoryBudget(8 * PART_SIZE)
    held = [await budget.lease(PART_SIZE, "upload") for _ in range(6)]
    assert not budget.contended("upload")
    large = await waiting(budget, 3 * PART_SIZE, "copy")
    assert budget.contended("upload")
    held.pop().release()
    (await large).release()
    for lease in held:
        lease.release()


async def test_buffer_that_is_released_twice_is_returned_once() -> None:
    budget = MemoryBudget(4 * PART_SIZE)
    lease = await budget.lease(PART_SIZE, "copy")
    other = await budget.lease(PART_SIZE, "copy")
    lease.release()
    lease.release()
    assert budget.used == PART_SIZE
    other.release()


async def test_lease_that_never_fits_is_refused_immediately() -> None:
    with pytest.raises(ValueError, match="a lease can have from 1 to"):
        await MemoryBudget(4 * PART_SIZE).lease(3 * PART_SIZE, "copy")


@pytest.mark.parametrize("size", [PART_SIZE, 2 * PART_SIZE, PART_SIZE + 1])
async def test_memory_of_a_part_is_reused(size: int) -> None:
    budget = MemoryBudget(6 * PART_SIZE)
    with await budget.lease(size, "upload") as lease:
        lease.view[0] = 7
    with await budget.lease(size, "copy") as lease:
        assert lease.view[0] == 7, "new memory costs a page fault for each 4 KiB"


async def test_spare_buffers_stay_within_the_total() -> None:
    budget = MemoryBudget(6 * PART_SIZE)
    for size in (PART_SIZE, 2 * PART_SIZE, 3 * PART_SIZE, 4 * PART_SIZE):
        held = [await budget.lease(size, "copy") for _ in range(4 * PART_SIZE // size)]
        assert budget.used + sum(map(len, budget._spare)) <= budget.total
        for lease in held:
            lease.release()
        assert budget.used + sum(map(len, budget._spare)) <= budget.total
