"""The bandwidth limit, with a clock that the test sets: nothing here depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import accumulate

import pytest

from odhtec_jupyter.stores.interruption import Interruptible
from odhtec_jupyter.transfers.runtime.bandwidth import BURST_SECONDS, GRANT_SECONDS, MAX_GRANT_BYTES, Bandwidth, Flow
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import MIB
from odhtec_jupyter.transfers.runtime.retry import CancelToken, OperationCancelled
from tests.transfers.steps import Clock, turns
from tests.waiting import GIVE_UP_SECONDS, until_set

LIMIT = 1_000_000
GRANT = int(LIMIT * GRANT_SECONDS)
TICK_SECONDS = 1.01 * GRANT_SECONDS  # for one grant, with room for rounding


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bandwidth(clock: Clock) -> Bandwidth:
    return Bandwidth(LIMIT, clock=clock.monotonic)


class Connection:
    """One connection that always wants more bytes."""

    def __init__(self, bandwidth: Bandwidth, flow: Flow, wanted: int = MIB, used: float = 1.0) -> None:
        """``used``: the part of each grant that is moved; the rest is given back."""
        self._bandwidth = bandwidth
        self._share = flow._share
        self._wanted = wanted
        self._used = used
        self._flow = flow
        self.moved: list[int] = []
        self._ask()

    def _ask(self) -> None:
        self._request = self._bandwidth.request(self._share, self._wanted, lambda: None)

    def step(self) -> int:
        """Move what is granted, and return how much that is."""
        sum_ = 0
        while granted := self._request.granted:
            moved = max(1, int(granted * self._used))
            self._bandwidth.give_back(self._share, granted - moved)
            self.moved.append(moved)
            sum_ += moved
            self._ask()
        return sum_


def run(bandwidth: Bandwidth, clock: Clock, connections: list[Connection], seconds: float) -> Iterator[int]:
    """Let the connections move bytes for so long; yield how many they have moved in each step of 10 ms."""
    for _ in range(int(seconds * 100)):
        clock.now += 0.01
        bandwidth.serve()
        yield sum(connection.step() for connection in connections)


class Token(CancelToken):
    """A token that reports that a thread waits."""

    def __init__(self) -> None:
        super().__init__()
        self.met = threading.Event()

    def ending(self, wait: Interruptible) -> AbstractContextManager[None]:
        self.met.set()
        return super().ending(wait)


@pytest.fixture
def take(bandwidth: Bandwidth) -> Iterator[Callable[[Token], Future[int]]]:
    """A function that lets a thread take bytes of a share of its own."""
    with ThreadPoolExecutor() as threads:
        tokens: list[Token] = []

        def begin(token: Token) -> Future[int]:
            tokens.append(token)
            return threads.submit(bandwidth.flow().take, MIB, token)

        yield begin
        for token in tokens:
            token.set()


# --- the limit ----------------------------------------------------------------------------------------------------


def test_limit_holds_in_every_window(bandwidth: Bandwidth, clock: Clock) -> None:
    chance = random.Random(1)
    connections = [
        Connection(bandwidth, bandwidth.flow(f"share {number % 3}"), chance.randint(1, MIB), chance.uniform(0.1, 1))
        for number in range(9)
    ]
    steps: list[int] = []
    for _ in range(8):
        steps += run(bandwidth, clock, connections, 0.5)
        pause = chance.randint(0, 100)  # in which nothing moves, so that some bytes are saved up
        clock.now += pause / 100
        steps += [0] * pause
    moved = [0, *accumulate(steps)]
    for start in range(len(moved)):
        for end in range(start + 1, len(moved)):
            # The step at the end of a window can have begun before it, hence one more.
            assert moved[end] - moved[start] <= LIMIT * ((end - start + 1) / 100 + BURST_SECONDS)
    assert moved[-1] > 3 * LIMIT


def test_whole_limit_is_used(bandwidth: Bandwidth, clock: Clock) -> None:
    connection = Connection(bandwidth, bandwidth.flow())
    assert sum(run(bandwidth, clock, [connection], 10)) == pytest.approx(10 * LIMIT, abs=GRANT)


@pytest.mark.parametrize("limit", [1, 10_000, LIMIT, 10**9])
def test_grants_are_short_but_not_tiny(clock: Clock, limit: int) -> None:
    bandwidth = Bandwidth(limit, clock=clock.monotonic)
    request = bandwidth.request(bandwidth.flow()._share, 8 * MIB, lambda: None)
    assert request.granted == 0, "nothing is saved up yet"
    clock.now += max(1 / limit, TICK_SECONDS)
    bandwidth.serve()
    assert request.granted == max(1, min(int(limit * GRANT_SECONDS), MAX_GRANT_BYTES))


def test_without_a_limit_nothing_is_requested(bandwidth: Bandwidth, monkeypatch: pytest.MonkeyPatch) -> None:
    bandwidth.limit = 0
    monkeypatch.delattr(Bandwidth, "request")
    assert bandwidth.flow().move(len, memoryview(bytes(MIB)), CancelToken()) == MIB
    assert [len(one) for one in bandwidth.flow().send([memoryview(bytes(MIB))], CancelToken())] == [MIB]


# --- fairness -----------------------------------------------------------------------------------------------------


def test_eight_connections_get_no_more_than_one(bandwidth: Bandwidth, clock: Clock) -> None:
    flow = bandwidth.flow()
    eight = [Connection(bandwidth, flow.branch()) for _ in range(8)]
    one = Connection(bandwidth, bandwidth.flow())
    many = 0
    for _ in run(bandwidth, clock, [*eight, one], 20):
        many = sum(sum(connection.moved) for connection in eight)
        assert abs(many - sum(one.moved)) <= 2 * GRANT
    assert many > 9 * LIMIT
    assert len({len(connection.moved) for connection in eight}) <= 2, "they take turns"


def test_share_that_needs_less_leaves_the_rest_to_the_others(bandwidth: Bandwidth, clock: Clock) -> None:
    greedy = [Connection(bandwidth, bandwidth.flow()) for _ in range(2)]
    modest = bandwidth.flow()
    for _ in range(20):
        request = bandwidth.request(modest._share, GRANT, lambda: None)
        left = sum(run(bandwidth, clock, greedy, 1.0))
        assert request.granted == GRANT
        assert left >= LIMIT - 2 * GRANT
    assert abs(sum(greedy[0].moved) - sum(greedy[1].moved)) <= 2 * GRANT


def test_share_that_was_idle_has_no_claim_to_the_past(bandwidth: Bandwidth, clock: Clock) -> None:
    first = bandwidth.flow()
    early = Connection(bandwidth, bandwidth.flow())
    bandwidth.withdraw(bandwidth.request(first._share, MIB, lambda: None))
    list(run(bandwidth, clock, [early], 10))
    late, before = Connection(bandwidth, first), sum(early.moved)
    for _ in run(bandwidth, clock, [early, late], 5):
        assert abs(sum(early.moved) - before - sum(late.moved)) <= 3 * GRANT


def test_bytes_given_back_are_not_held_against_a_share(bandwidth: Bandwidth, clock: Clock) -> None:
    """A client's socket often has less than was granted."""
    whole, little = Connection(bandwidth, bandwidth.flow()), Connection(bandwidth, bandwidth.flow(), used=0.1)
    assert sum(run(bandwidth, clock, [whole, little], 10)) == pytest.approx(10 * LIMIT, rel=0.02)
    assert sum(little.moved) == pytest.approx(sum(whole.moved), abs=3 * GRANT)


def test_one_new_share_after_another_does_not_go_first(bandwidth: Bandwidth, clock: Clock) -> None:
    """As a client that downloads small files one by one."""
    old = Connection(bandwidth, bandwidth.flow())
    new = bandwidth.request(bandwidth.flow()._share, GRANT, lambda: None)
    moved = 0
    for _ in run(bandwidth, clock, [old], 10):
        if new.granted:
            moved += new.granted
            new = bandwidth.request(bandwidth.flow()._share, GRANT, lambda: None)
        assert abs(sum(old.moved) - moved) <= 2 * GRANT
    assert moved > 4 * LIMIT


def test_flows_of_one_name_share_until_the_last_has_ended(bandwidth: Bandwidth) -> None:
    one = bandwidth.flow("transfer/1")
    assert bandwidth.flow("transfer/1")._share is one.branch()._share is one._share
    assert bandwidth.flow("transfer/2")._share is not one._share
    assert bandwidth.flow()._share is not bandwidth.flow()._share
    del one
    assert not bandwidth._shares


# --- waiting ------------------------------------------------------------------------------------------------------


async def test_change_of_the_limit_wakes_a_waiting_thread(
    bandwidth: Bandwidth, clock: Clock, take: Callable[[Token], Future[int]]
) -> None:
    token = Token()
    taken = take(token)
    await until_set(token.met)
    clock.now += GRANT_SECONDS / 2
    bandwidth.serve()
    assert not taken.done()
    bandwidth.limit = 2 * LIMIT  # what has been saved up before counts with the old limit
    clock.now += GRANT_SECONDS
    bandwidth.serve()
    assert await asyncio.to_thread(taken.result, GIVE_UP_SECONDS) == 2 * GRANT


async def test_removing_the_limit_wakes_all(bandwidth: Bandwidth, take: Callable[[Token], Future[int]]) -> None:
    tokens = [Token() for _ in range(3)]
    taken = [take(token) for token in tokens]
    for token in tokens:
        await until_set(token.met)
    bandwidth.limit = 0
    assert [await asyncio.to_thread(one.result, GIVE_UP_SECONDS) for one in taken] == [MIB] * 3


async def test_lower_limit_applies_to_saved_bytes(bandwidth: Bandwidth, clock: Clock) -> None:
    clock.now += 100
    bandwidth.limit = LIMIT // 100
    connection = Connection(bandwidth, bandwidth.flow())
    assert sum(run(bandwidth, clock, [connection], 1)) <= LIMIT // 100 * (1 + BURST_SECONDS)


async def test_cancellation_wakes_a_waiting_thread(bandwidth: Bandwidth, take: Callable[[Token], Future[int]]) -> None:
    token = Token()
    taken = take(token)
    await until_set(token.met)
    token.set()
    with pytest.raises(OperationCancelled):
        await asyncio.to_thread(taken.result, GIVE_UP_SECONDS)
    assert not bandwidth._waiting


async def test_cancelled_transfer_takes_nothing(bandwidth: Bandwidth, clock: Clock) -> None:
    clock.now += 10
    token = CancelToken()
    token.set()
    for _ in range(100):
        with pytest.raises(OperationCancelled):
            bandwidth.flow().take(MIB, token)
    assert bandwidth.flow().take(MIB, CancelToken()) == GRANT, "it is still there"


async def test_cancelled_wait_on_the_event_loop_leaves_the_bytes_to_others(bandwidth: Bandwidth, clock: Clock) -> None:
    first, second = (asyncio.ensure_future(bandwidth.flow().take_async(MIB)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    clock.now += TICK_SECONDS
    bandwidth.serve()
    assert await second == GRANT
    assert first.cancelled()
    third = asyncio.ensure_future(bandwidth.flow().take_async(MIB))
    await turns()
    clock.now += TICK_SECONDS
    bandwidth.serve()
    third.cancel()  # granted, but not received
    with pytest.raises(asyncio.CancelledError):
        await third
    assert await bandwidth.flow().take_async(MIB) == GRANT


async def test_timer_of_the_event_loop_serves_threads_and_coroutines() -> None:
    bandwidth = Bandwidth(10 * MIB)
    flow, token = bandwidth.flow(), CancelToken()
    for _ in range(5):
        assert await asyncio.wait_for(flow.take_async(MIB), GIVE_UP_SECONDS) > 0
        assert await asyncio.wait_for(asyncio.to_thread(flow.take, MIB, token), GIVE_UP_SECONDS) > 0


async def test_time_of_waiting_is_known_while_it_lasts(bandwidth: Bandwidth, clock: Clock) -> None:
    flow = bandwidth.flow()
    waiting = asyncio.ensure_future(flow.take_async(MIB))
    await turns()
    clock.now += 0.01
    assert flow.waited == pytest.approx(0.01)
    clock.now += 1
    bandwidth.serve()
    await waiting
    assert flow.waited == pytest.approx(1.01)
    clock.now += 5
    assert flow.waited == pytest.approx(1.01)
    assert flow.branch().waited == 0


async def test_waiting_threads_do_not_keep_other_transfers_from_working(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.bandwidth.limit = LIMIT
    with monkeypatch.context() as patch:
        patch.setattr(Bandwidth, "_serve", lambda _: None)
        flow, tokens = engine.bandwidth.flow(), [Token() for _ in range(engine.threads._max_workers + 5)]
        waiting = [asyncio.ensure_future(engine.in_thread(token, flow.take, MIB, token)) for token in tokens]
        for token in tokens:
            await until_set(token.met)
        assert await asyncio.wait_for(engine.in_thread(CancelToken(), int, "7"), GIVE_UP_SECONDS) == 7
    engine.bandwidth.limit = 0
    assert await asyncio.gather(*waiting) == [MIB] * len(tokens)


# --- moving bytes -------------------------------------------------------------------------------------------------


def test_only_moved_bytes_count(bandwidth: Bandwidth, clock: Clock) -> None:
    clock.now += 10
    flow, token = bandwidth.flow(), CancelToken()

    def fail(_: memoryview) -> int:
        raise OSError("reset")

    for _ in range(100):
        assert flow.move(lambda room: len(room) // 1000, memoryview(bytearray(MIB)), token) == GRANT // 1000
        with pytest.raises(OSError, match="reset"):
            flow.move(fail, memoryview(bytearray(MIB)), token)
    assert bandwidth._tokens == pytest.approx(LIMIT * BURST_SECONDS - 100 * (GRANT // 1000))


async def test_only_received_bytes_count_on_the_event_loop(bandwidth: Bandwidth, clock: Clock) -> None:
    clock.now += 10
    flow = bandwidth.flow()

    async def receive(room: memoryview) -> int:
        return len(room) // 1000

    for _ in range(100):
        assert await flow.move_async(receive, memoryview(bytearray(MIB))) == GRANT // 1000
    assert bandwidth._tokens == pytest.approx(LIMIT * BURST_SECONDS - 100 * (GRANT // 1000))


def test_sent_pieces_are_cut_and_complete(bandwidth: Bandwidth, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(event: threading.Event, timeout: float | None = None) -> bool:
        while not event.is_set():
            clock.now += GRANT_SECONDS
            bandwidth.serve()
        return True

    data = random.Random(1).randbytes(5 * GRANT + 7)
    monkeypatch.setattr(threading.Event, "wait", wait)
    sent = [
        bytes(one) for one in bandwidth.flow().send([memoryview(data[:100]), memoryview(data[100:])], CancelToken())
    ]
    assert b"".join(sent) == data
    assert len(sent) == 6
