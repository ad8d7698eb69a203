"""A fault while several connections read one part, because a single one is slow."""

from __future__ import annotations

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.faults.bucket import Bucket, checksums
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api
from tests.faults.proxy import Proxy
from tests.faults.rules import Reset
from tests.faults.traffic import Exchange
from tests.marks import on_moto

KIB = 1024


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Every connection counts as slow."""
    return {**CONSTANTS, TRANSFERS + "copying.connection_scaler.SLOW_BYTES_PER_SECOND": 2**60}


def reads_less_than_a_part(exchange: Exchange) -> bool:
    first, _, last = exchange.headers.get("range", "").removeprefix("bytes=").partition("-")
    return bool(last) and int(last) + 1 - int(first) < PART_SIZE


@on_moto
def test_import_overcomes_a_torn_connection_that_reads_a_piece_of_a_part(
    api: Api, s3_bucket: Bucket, hub: HubStandIn, cdn_proxy: Proxy
) -> None:
    model = hub.add(Repository("org/model"))
    # The first four parts start before a connection is known to be slow.
    model.commit({"large.bin": SyntheticContent(6 * PART_SIZE, seed=1)})
    torn = cdn_proxy.rules.add(Reset(64 * KIB, "reply"), where=reads_less_than_a_part)
    transfer = api.ended(api.start_import(s3_bucket.name)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert torn.fired == 1
    assert s3_bucket.contents() == checksums(model)
