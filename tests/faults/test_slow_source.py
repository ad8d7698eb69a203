"""Slow sources and connections: received bytes are reported as progress, and missing ones are requested again."""

from __future__ import annotations

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.runtime.retry import MAX_ATTEMPTS
from tests.faults.bucket import Bucket, checksums
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api
from tests.faults.proxy import Proxy
from tests.faults.rules import Stall
from tests.faults.traffic import Exchange
from tests.marks import on_moto


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Each block is reported, slow connections are found quickly, and the read timeout is a day."""
    return {
        **CONSTANTS,
        TRANSFERS + "copying.part_progress.REPORT_INTERVAL_SECONDS": 0.0,
        TRANSFERS + "copying.stragglers.LOOK_SECONDS": 0.05,
        TRANSFERS + "copying.stragglers.LATE_SECONDS": 0.2,
        "odhtec_jupyter.stores.http.READ_TIMEOUT": 86_400.0,
    }


def reads_the_beginning(exchange: Exchange) -> bool:
    return exchange.headers.get("range", "").startswith("bytes=0-")


def reads_the_seventh_part(exchange: Exchange) -> bool:
    return exchange.headers.get("range", "").startswith(f"bytes={6 * PART_SIZE}-")


@on_moto
@pytest.mark.parametrize("size", [PART_SIZE - 1, PART_SIZE + 1], ids=["in one piece", "in parts"])
def test_received_bytes_are_reported_as_progress(
    api: Api, s3_bucket: Bucket, hub: HubStandIn, cdn_proxy: Proxy, size: int
) -> None:
    model = hub.add(Repository("org/model"))
    model.commit({"model.bin": SyntheticContent(size, seed=1)})
    silent = cdn_proxy.rules.add(Stall(5 * MIB, "reply"), where=reads_the_beginning)
    transfer = api.start_import(s3_bucket.name)["id"]
    assert silent.wait()
    shown = next(event for event in api.events() if event["id"] == transfer and event["bytesDone"] >= MIB)
    assert shown["state"] == "running"
    assert shown["bytesDone"] <= 5 * MIB
    silent.release()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert (ended["bytesDone"], ended["bytesTotal"]) == (size, size)
    assert s3_bucket.contents() == checksums(model)


@on_moto
@pytest.mark.parametrize("after", [0, 2 * MIB], ids=["before the answer", "within the bytes"])
def test_slow_connection_among_fast_ones_is_replaced(
    api: Api, s3_bucket: Bucket, hub: HubStandIn, cdn_proxy: Proxy, after: int
) -> None:
    model = hub.add(Repository("org/model"))
    model.commit({"large.bin": SyntheticContent(8 * PART_SIZE, seed=1)})
    silent = cdn_proxy.rules.add(Stall(after, "reply"), nth=3)
    transfer = api.ended(api.start_import(s3_bucket.name)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert silent.fired == 1
    assert s3_bucket.contents() == checksums(model)


@on_moto
def test_range_that_is_slow_on_every_connection_is_not_given_up(
    api: Api, s3_bucket: Bucket, hub: HubStandIn, cdn_proxy: Proxy
) -> None:
    model = hub.add(Repository("org/model"))
    model.commit({"large.bin": SyntheticContent(8 * PART_SIZE, seed=1)})
    silent = cdn_proxy.rules.add(Stall(0, "reply"), where=reads_the_seventh_part, times=MAX_ATTEMPTS + 1)
    transfer = api.ended(api.start_import(s3_bucket.name)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert silent.fired == MAX_ATTEMPTS + 1
    assert s3_bucket.contents() == checksums(model)
