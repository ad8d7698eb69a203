"""SIGKILL while one thread streams a file in large parts."""

from __future__ import annotations

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, checksums, require_no_upload_left
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api
from tests.faults.killer import MIB, Killer, Moment

STREAM_SIZE = 16 * MIB  # instead of 64 MiB
# The first part measures the speed. Two large parts and the rest follow.
LARGE = SyntheticContent(PART_SIZE + 2 * STREAM_SIZE + 3 * MIB + 7, seed=8)


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Files are streamed at any speed."""
    return {
        **CONSTANTS,
        TRANSFERS + "copying.connection_scaler.FAST_BYTES_PER_SECOND": 0,
        TRANSFERS + "runtime.parts.STREAM_SIZE": STREAM_SIZE,
    }


@pytest.mark.parametrize(
    "moments",
    [
        [Moment("part", nth=2, after=6 * MIB), Moment("part", nth=2, after=STREAM_SIZE - 1)],
        [Moment("part", nth=2, after=12 * MIB), Moment("cdn", after=5 * MIB, of="reply")],
        [Moment("part", nth=3, of="reply"), Moment("complete", of="reply")],
    ],
    ids=["sending", "reading", "answered"],
)
def test_import_continues_after_a_kill_in_a_large_part(
    api: Api, killer: Killer, s3_bucket: Bucket, hub: HubStandIn, s3_server: S3Server, moments: list[Moment]
) -> None:
    model = hub.add(Repository("org/large"))
    model.commit({"w.bin": LARGE})
    before = s3_bucket.put("beside")
    rule = killer.aim(moments[0])
    transfer = api.start_import(s3_bucket.name, "org/large", prefix="large")["id"]
    for number, moment in enumerate(moments, 1):
        assert rule.wait()
        killer.kill(moment, rule)
        assert s3_bucket.sizes().get("large/w.bin", LARGE.size) == LARGE.size, "the object must not be half-written"
        if number < len(moments):
            rule = killer.aim(moments[number])  # before the server starts, which continues immediately
        killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    sizes = [one.sent for one in killer.s3.traffic.seen("part") if one.acknowledged]
    assert max(sizes) >= STREAM_SIZE, "the file has to be streamed"
    assert s3_bucket.contents() == before | checksums(model, "large/")
    require_no_upload_left(s3_bucket, s3_server)
    killer.report({"large/w.bin": LARGE.size})
