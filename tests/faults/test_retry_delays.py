"""A transfer during the delays between its retries, which are as long as in production."""

from __future__ import annotations

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.faults.bucket import EXISTING, Bucket
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
    api: Api, s3_bucket: Bucket, hub: HubStandIn, s3_proxy: Proxy
) -> None:
    hub.add(Repository("org/model")).commit({"large.bin": SyntheticContent(SIZE, seed=1)})
    before = s3_bucket.put("org/model/large.bin", EXISTING)
    resets = s3_proxy.rules.add(Reset(), "part", times=None)
    transfer = api.start_import(s3_bucket.name)["id"]
    # More than two failures of each part, so a part is at its third attempt, and its retries last another minute.
    s3_proxy.traffic.wait(lambda: resets.fired > 2 * PARTS)
    assert api.transfer(transfer)["state"] == "running"
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert s3_bucket.contents() == before
    assert s3_bucket.unfinished() == []
