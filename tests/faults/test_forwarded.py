"""Faults during a streamed upload whose parts are forwarded to S3 while they arrive."""

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
from tests.faults.bucket import Bucket, require_no_upload_left
from tests.faults.conftest import CONSTANTS, TRANSFERS
from tests.faults.jupyter import Api, Reply
from tests.faults.killer import MIB, Gone, Killer, Moment
from tests.faults.proxy import Proxy
from tests.faults.rules import Action, LostReply, Reset, Status

# The first part shows that S3 is fast, so the second part is large. The rest follows.
CONTENT = SyntheticContent(PART_SIZE + LARGE_PART_BYTES + 2 * MIB + 7, seed=9)


@pytest.fixture(scope="module")
def server_constants() -> dict[str, object]:
    """Parts are forwarded at any speed, and may take long."""
    return {
        **CONSTANTS,
        TRANSFERS + "uploads.streamed_upload.FAST_BYTES_PER_SECOND": 0,
        TRANSFERS + "uploads.socket_reader.QUICK_BYTES": 1,
        TRANSFERS + "uploads.forwarding.MAX_WAIT_MS": 60_000,
        TRANSFERS + "uploads.forwarding.MAX_TOTAL_WAIT_SECONDS": 60.0,
    }


def body(s3: Proxy) -> Iterator[bytes]:
    """Yield the body. Before the end of the second part, the server must forward its beginning."""
    sent = 0
    for chunk in CONTENT.chunks(0, CONTENT.size):
        if sent == PART_SIZE:
            s3.traffic.wait(lambda: any(one.acknowledged for one in s3.traffic.seen("part")))
        elif sent > PART_SIZE and len(s3.traffic.seen("part")) == 1:
            with suppress(AssertionError):  # the server may not know yet that the first part is stored
                s3.traffic.wait(lambda: len(s3.traffic.seen("part")) > 1, 0.05)
        if sent > 2 * PART_SIZE - MIB:
            assert len(s3.traffic.seen("part")) > 1, "the part is not forwarded"
        yield bytes(chunk)
        sent += len(chunk)


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
    api: Api, s3_bucket: Bucket, s3_proxy: Proxy, s3_server: S3Server, action: Action
) -> None:
    rule = s3_proxy.rules.add(action, "part", nth=2)
    api.upload(s3_bucket.name, "file.bin", body(s3_proxy), CONTENT.size)
    assert rule.fired == 1
    assert s3_bucket.contents() == {"file.bin": CONTENT.sha256}
    require_no_upload_left(s3_bucket, s3_server)
    sent = Counter(one.query["partNumber"] for one in s3_proxy.traffic.seen("part"))
    assert {number: count for number, count in sent.items() if count > 1} == {"2": 2}


@pytest.mark.parametrize("moment", [Moment("part", nth=2, after=MIB), Moment("part", nth=2, of="reply")])
def test_kill_in_a_forwarded_part_leaves_no_upload(
    api: Api, killer: Killer, s3_bucket: Bucket, background: ThreadPoolExecutor, s3_server: S3Server, moment: Moment
) -> None:
    before = s3_bucket.put("file.bin")
    rule = killer.aim(moment)
    sending = background.submit(api.upload, s3_bucket.name, "file.bin", body(killer.s3), CONTENT.size)
    assert rule.wait()
    killer.kill(moment, rule)
    assert isinstance(sending.exception(), (*Gone, Reply))
    killer.server.start()
    killer.s3.traffic.wait(lambda: any(one.acknowledged for one in killer.s3.traffic.seen("abort")))
    assert s3_bucket.contents() == before
    require_no_upload_left(s3_bucket, s3_server)
