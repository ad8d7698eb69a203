"""The limit for small files grows while that is faster, shrinks when a host is overloaded, and loses no place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, TooManyRequests, Unreachable
from odhtec_jupyter.transfers.runtime.adaptive_limit import FIRST_LIMIT, AdaptiveLimit, AdaptiveLimits
from tests.transfers.steps import Clock, turns


class Host:
    """A host that serves up to ``capacity`` files per round trip, however many are sent at the same time."""

    def __init__(self, limit: AdaptiveLimit, clock: Clock, capacity: int) -> None:
        self.limit, self.clock, self.capacity = limit, clock, capacity

    async def serve(self, round_trips: int, waiting: int = 500, *, slow: int | None = None) -> None:
        """Copy files, of which there are always more than the limit. The round trip ``slow`` takes longer."""
        queue = [asyncio.ensure_future(self.limit.acquire()) for _ in range(waiting)]
        await turns()
        for number in range(round_trips):
            running = [task for task in queue if task.done()]
            queue = [task for task in queue if not task.done()]
            self.clock.now += max(1.0, len(running) / self.capacity) * (10 if number == slow else 1)
            for _ in running:
                self.limit.copied(0)
                self.limit.release()
            queue += [asyncio.ensure_future(self.limit.acquire()) for _ in running]
            await turns()
        for task in queue:
            if task.done():
                self.limit.release()
            task.cancel()
        await turns()


def make(ceiling: int = 64) -> tuple[AdaptiveLimit, Clock]:
    clock = Clock()
    return AdaptiveLimit(ceiling, clock.monotonic), clock


async def test_limit_grows_to_the_ceiling_of_a_distant_host(jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    await Host(limit, clock, capacity=1000).serve(100)
    assert limit.limit == 64


async def test_limit_stays_where_more_files_are_not_faster(jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    await Host(limit, clock, capacity=16).serve(400)
    assert FIRST_LIMIT <= limit.limit <= 24
    limit, clock = make()
    await Host(limit, clock, capacity=4).serve(400)
    assert limit.limit <= FIRST_LIMIT * 2, "at most on trial"


async def test_limit_grows_again_when_the_host_becomes_faster(jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    host = Host(limit, clock, capacity=8)
    await host.serve(200)
    assert limit.limit <= 16
    host.capacity = 1000
    await host.serve(2000)
    assert limit.limit >= 32


@pytest.mark.parametrize("round_trips", range(1, 16))
async def test_time_without_files_does_not_count(round_trips: int, jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    host = Host(limit, clock, capacity=1000)
    await host.serve(round_trips)
    clock.now += 3600
    await host.serve(20)
    assert limit.limit == 64


@pytest.mark.parametrize("slow", range(12))
async def test_one_slow_round_trip_does_not_keep_the_limit_low(slow: int, jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    await Host(limit, clock, capacity=1000).serve(30, slow=slow)
    assert limit.limit == 64


async def test_limit_grows_while_each_place_copies_several_files(jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    running = [asyncio.ensure_future(limit.acquire()) for _ in range(64)]
    await turns()
    for _ in range(20):  # no place is taken again in this time
        clock.now += 1
        for _ in range(sum(task.done() for task in running)):
            limit.copied(0)
        await turns()
    assert limit.limit == 64
    for task in running:
        task.cancel()


async def test_limit_does_not_grow_with_fewer_files_than_it_allows(jp_asyncio_loop: Any) -> None:
    limit, clock = make()
    for _ in range(1000):
        await limit.acquire()
        clock.now += 1
        limit.copied(0)
        limit.release()
    assert limit.limit == FIRST_LIMIT


@pytest.mark.parametrize(
    "error", [StoreError("Slow down.", code="SlowDown"), TooManyRequests("Wait."), Unreachable("No reply.")]
)
async def test_limit_is_halved_once_for_each_measurement(error: OdhTecError, jp_asyncio_loop: Any) -> None:
    limit, _ = make()
    for _ in range(5):
        limit.failed(error)
    assert limit.limit == FIRST_LIMIT // 2
    await Host(limit, Clock(), capacity=1).serve(40)
    limit.failed(error)
    assert limit.limit == FIRST_LIMIT // 4
    for _ in range(10):
        await Host(limit, Clock(), capacity=1).serve(40)
        limit.failed(error)
    assert limit.limit == 1, "one file is always copied"


async def test_other_errors_do_not_change_the_limit(jp_asyncio_loop: Any) -> None:
    limit, _ = make()
    limit.failed(BadRequest("no"))
    limit.failed(StoreError("gone", code="NoSuchKey"))
    assert limit.limit == FIRST_LIMIT


async def test_limit_is_never_exceeded_and_every_file_runs(jp_asyncio_loop: Any) -> None:
    limits = AdaptiveLimits(4)
    running = most = done = 0

    async def copy() -> None:
        nonlocal running, most, done
        async with limits.turn({"store", "hub"}):
            running += 1
            most = max(most, running)
            await turns()
            running -= 1
            done += 1

    tasks = [asyncio.ensure_future(copy()) for _ in range(40)]
    for task in tasks[::5]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (done, most, running) == (32, 4, 0)
    for _ in range(4):  # the cancelled files have given their places back
        await limits.of("store").acquire()


async def test_hosts_are_limited_separately(jp_asyncio_loop: Any) -> None:
    limits = AdaptiveLimits(1)
    async with limits.turn({"store"}), limits.turn({"other"}):
        waiting = asyncio.ensure_future(limits.of("store").acquire())
        await turns()
        assert not waiting.done()
    await waiting
    limits.of("store").release()


async def test_errors_of_threads_reach_the_limits_of_all_hosts(jp_asyncio_loop: Any) -> None:
    limits = AdaptiveLimits(64)
    async with limits.turn({"store", "hub"}) as turn:
        await asyncio.to_thread(turn.failed, TooManyRequests("Wait."))
        await turns()
    assert (limits.of("store").limit, limits.of("hub").limit) == (FIRST_LIMIT // 2, FIRST_LIMIT // 2)
