"""What happens while the server waits before it tries again; its delays are those of a real server."""

from __future__ import annotations

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.faults.bucket import BEFORE, Bucket
from tests.faults.jupyter import Api
from tests.faults.proxy import Proxy
from tests.faults.rules import Reset

MIB = 1024 * 1024
PARTS = 3
SIZE = 17 * MIB


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """The real delays."""
    return {}


def test_transfer_is_cancelled_while_it_waits_for_its_store(
    api: Api, holding: Bucket, hub: HubStandIn, s3_proxy: Proxy
) -> None:
    hub.add(Repository("org/model")).commit({"large.bin": SyntheticContent(SIZE, seed=1)})
    before = holding.put("org/model/large.bin", BEFORE)
    away = s3_proxy.rules.add(Reset(), "part", times=None)
    transfer = api.start_import(holding.name)["id"]
    # More failures than two of each part: one part is being tried for the third time, and a minute of tries is left.
    s3_proxy.traffic.wait(lambda: away.fired > 2 * PARTS)
    assert api.transfer(transfer)["state"] == "running"
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert holding.contents() == before
    assert holding.unfinished() == []
