from __future__ import annotations

import ssl
import threading
from contextlib import ExitStack
from typing import Any

import pytest
import trustme

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Halt
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.network import Network
from odhtec_jupyter.services import Services
from odhtec_jupyter.settings import HubConnection
from odhtec_jupyter.stores.http import remove_ca_files
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.transfers.copying import connection_scaler, stragglers
from odhtec_jupyter.transfers.copying.ranges import read_range
from odhtec_jupyter.transfers.copying.stragglers import (
    LATE_FACTOR,
    LATE_SECONDS,
    MAX_RENEWALS,
    MIN_COMPARED,
    Stragglers,
)
from odhtec_jupyter.transfers.copying.throughput import PROBE_BYTES
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE, Part
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from tests.marks import on_moto
from tests.transfers.steps import Clock, Delayed, begin, ended, sha256s

USUAL = 50 * MIB  # bytes per second


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.stragglers.time", clock)
    return clock


def compared(clock: Clock, rate: float = USUAL) -> Stragglers:
    """Return stragglers that have compared enough connections of this speed."""
    stragglers = Stragglers()
    for _ in range(MIN_COMPARED):
        with stragglers.reading() as one:
            clock.now += 8 * MIB / rate
            one.add(8 * MIB)
    return stragglers


def is_replaced(stragglers: Stragglers, clock: Clock, rate: float, seconds: float) -> bool:
    with stragglers.reading() as one:
        for _ in range(10):
            clock.now += seconds / 10
            one.add(int(rate * seconds / 10))
            stragglers.check()
    return one.is_cut()


def test_only_a_much_slower_connection_is_replaced(clock: Clock) -> None:
    assert is_replaced(compared(clock), clock, USUAL / LATE_FACTOR / 2, 2 * LATE_SECONDS)
    assert not is_replaced(compared(clock), clock, USUAL / LATE_FACTOR * 1.1, 2 * LATE_SECONDS)
    assert not is_replaced(compared(clock), clock, 1, LATE_SECONDS / 2), "a new connection has some time to become fast"


def test_connection_that_falls_silent_is_replaced(clock: Clock) -> None:
    stragglers = compared(clock)
    with stragglers.reading() as one:
        clock.now += 1
        one.add(1000 * MIB)
        clock.now += LATE_SECONDS
        stragglers.check()
    assert one.is_cut()


def test_slow_connections_are_kept_where_all_are_slow(clock: Clock) -> None:
    assert not is_replaced(compared(clock, 1000), clock, 1000, 20 * LATE_SECONDS)


@pytest.mark.parametrize(
    ("rate", "size", "is_slow"),
    [
        pytest.param(USUAL / LATE_FACTOR / 2, 8 * MIB, True, id="much slower"),
        pytest.param(USUAL / LATE_FACTOR * 1.1, 80 * MIB, False, id="not slow enough"),
        pytest.param(USUAL / LATE_FACTOR / 2, MIB, False, id="too little to lose"),
    ],
)
def test_connection_is_slow_if_its_range_took_much_longer(clock: Clock, rate: float, size: int, is_slow: bool) -> None:
    stragglers = compared(clock)
    with stragglers.reading() as one:
        clock.now += size / rate
        one.add(size)
        assert stragglers.is_slow(one) == is_slow


@pytest.mark.parametrize(("slowed", "connections"), [(1.0, 1), (100.0, 2)])
def test_slow_connection_is_not_used_for_the_next_range(clock: Clock, slowed: float, connections: int) -> None:
    """The fourth of five ranges takes so many times as long; the fifth is read over another connection then."""
    authority, count, size = trustme.CA(), 5, 3 * MIB
    tls = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2)]  # they count the connections
    for context in tls:
        authority.issue_cert("127.0.0.1", "127.0.0.2").configure_cert(context)
    content = SyntheticContent(count * size, seed=1)
    repository = Repository("org/model")
    repository.commit({"model.bin": content})
    stragglers, view, body = Stragglers(), memoryview(bytearray(size)), bytearray()
    with authority.cert_pem.tempfile() as bundle, HubStandIn(repository, tls=(tls[0], tls[1])) as hub:
        store = HubStore(HubConnection(hub.endpoint), Network(ca_bundles=(bundle,)))
        file = HubFile(path="model.bin", size=content.size, etag=content.sha256, lfs=True)
        source = store.source("org/model", "model", "main", file)
        for number, start in enumerate(range(0, content.size, size)):
            rate = USUAL / (slowed if number == 3 else 1)

            def pass_time(count: int, rate: float = rate) -> None:
                clock.now += count / rate

            part = Part(number + 1, start, start + size)
            assert read_range(source, part, view, 0, CancelToken(), pass_time, stragglers, Delayed()) == size
            body += view
        store.close()
        remove_ca_files()
    assert body == content.read()
    assert tls[1].session_stats()["accept"] == connections


def test_replacing_stops_when_it_does_not_help(clock: Clock) -> None:
    stragglers = compared(clock)
    with ExitStack() as stack:
        readings = [stack.enter_context(stragglers.reading()) for _ in range(MAX_RENEWALS + 1)]
        clock.now += LATE_SECONDS
        stragglers.check()
        assert sum(one.is_cut() for one in readings) == MAX_RENEWALS


def test_connection_that_the_bandwidth_limit_delays_is_kept(clock: Clock) -> None:
    stragglers, flow = compared(clock), Delayed()
    flow.seconds = 50.0  # in an earlier range
    with stragglers.reading(flow) as one:
        for _ in range(10):  # far slower than the others, and silent for longer than they ever were
            clock.now += 2 * LATE_SECONDS
            flow.seconds += 2 * LATE_SECONDS - 0.001
            stragglers.check()
            one.add(1000)
            stragglers.check()
    assert not one.is_cut()


def test_slow_connection_is_replaced_under_a_bandwidth_limit_as_well(clock: Clock) -> None:
    stragglers, flow = compared(clock), Delayed()
    with stragglers.reading(flow) as one:
        for _ in range(10):
            clock.now += LATE_SECONDS
            flow.seconds += LATE_SECONDS / 2
            one.add(int(USUAL / LATE_FACTOR / 4 * LATE_SECONDS / 2))
            stragglers.check()
    assert one.is_cut()


def test_connection_is_used_again_after_a_range_that_the_bandwidth_limit_has_delayed(clock: Clock) -> None:
    stragglers, flow = compared(clock), Delayed()
    with stragglers.reading(flow) as one:
        clock.now += 100
        one.add(8 * MIB)
        assert stragglers.is_slow(one)
    with stragglers.reading(flow) as one:
        clock.now += 100
        flow.seconds += 100 - 8 * MIB / USUAL
        one.add(8 * MIB)
        assert not stragglers.is_slow(one)


@on_moto
async def test_connections_that_were_added_by_a_range_outlast_its_replacement(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first range reports that its connection is slow, which adds connections, and falls silent."""
    monkeypatch.setattr(connection_scaler, "SLOW_BYTES_PER_SECOND", float("inf"))
    monkeypatch.setattr(stragglers, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(stragglers, "LATE_SECONDS", 0.0)
    content = SyntheticContent(16 * PART_SIZE, seed=2)
    hub.add(Repository("org/model")).commit({"large.bin": content})
    over = threading.Event()
    hub.inject(Halt(PROBE_BYTES + 2 * MIB, over), host="cdn")
    try:
        transfer = await ended(services, await begin(services, "copy", "hf://org/model/", f"s3://{bucket}/"))
    finally:
        over.set()
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == {"large.bin": content.sha256}
