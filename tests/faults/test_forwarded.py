"""A streamed upload whose parts go on to S3 while they come in, with something going wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.uploads.streamed_upload import LARGE_PART_BYTES
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, nothing_left_over
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api, Reply
from tests.faults.killer import MIB, Gone, Killer, Moment
from tests.faults.proxy import Proxy
from tests.faults.rules import Action, LostReply, Reset, Status

# The first part shows that S3 is quick, so the second one may be a large one; others follow it.
CONTENT = SyntheticContent(PART_SIZE + LARGE_PART_BYTES + 2 * MIB + 7, seed=9)


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Any speed is enough to forward a part, however long that takes."""
    return {
        **CONSTANTS,
        TRANSFERS + "uploads.streamed_upload.FAST_BYTES_PER_SECOND": 0,
        TRANSFERS + "uploads.socket_reader.QUICK_BYTES": 1,
        TRANSFERS + "uploads.forwarding.MAX_WAIT_MS": 60_000,
        TRANSFERS + "uploads.forwarding.MAX_TOTAL_WAIT_SECONDS": 60.0,
    }


def body(s3: Proxy) -> Iterator[bytes]:
    """The second part has begun to go on before all of it is sent."""
    begun = 0
    for chunk in CONTENT.chunks(0, CONTENT.size):
        if begun == PART_SIZE:
            s3.traffic.wait(lambda: any(one.acknowledged for one in s3.traffic.seen("part")))
        elif begun > PART_SIZE and len(s3.traffic.seen("part")) == 1:
            with suppress(AssertionError):  # the server may not have heard yet that the first one is stored
                s3.traffic.wait(lambda: len(s3.traffic.seen("part")) > 1, 0.05)
        if begun > 2 * PART_SIZE - MIB:
            assert len(s3.traffic.seen("part")) > 1, "the part is not forwarded"
        yield bytes(chunk)
        begun += len(chunk)


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(Reset(7 * MIB), id="torn"),
        pytest.param(LostReply(), id="reply lost"),
        pytest.param(Reset(MIB), id="torn early", marks=pytest.mark.extended),
        pytest.param(Reset(0, "reply"), id="not answered", marks=pytest.mark.extended),
        pytest.param(Status(503, "SlowDown"), id="503", marks=pytest.mark.extended),
    ],
)
def test_forwarded_part_that_fails_is_sent_again(
    api: Api, holding: Bucket, s3_proxy: Proxy, s3_server: S3Server, action: Action
) -> None:
    rule = s3_proxy.rules.add(action, "part", nth=2)
    api.upload(holding.name, "file.bin", body(s3_proxy), CONTENT.size)
    assert rule.fired == 1
    assert holding.contents() == {"file.bin": CONTENT.sha256}
    nothing_left_over(holding, s3_server)
    sent = Counter(one.query["partNumber"] for one in s3_proxy.traffic.seen("part"))
    assert {number: count for number, count in sent.items() if count > 1} == {"2": 2}


@pytest.mark.parametrize("moment", [Moment("part", nth=2, after=MIB), Moment("part", nth=2, of="reply")])
def test_kill_in_a_forwarded_part_leaves_nothing(
    api: Api, killer: Killer, holding: Bucket, aside: ThreadPoolExecutor, s3_server: S3Server, moment: Moment
) -> None:
    before = holding.put("file.bin")
    rule = killer.aim(moment)
    sending = aside.submit(api.upload, holding.name, "file.bin", body(killer.s3), CONTENT.size)
    assert rule.wait()
    killer.kill(moment, rule)
    assert isinstance(sending.exception(), (*Gone, Reply))
    killer.server.start()
    killer.s3.traffic.wait(lambda: any(one.acknowledged for one in killer.s3.traffic.seen("abort")))
    assert holding.contents() == before
    nothing_left_over(holding, s3_server)
