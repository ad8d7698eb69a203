"""The counts of a transfer are correct, however often the server was killed while it ran."""

from __future__ import annotations

import pytest

from tests.faults.bucket import Bucket
from tests.faults.jupyter import Api
from tests.faults.killer import Killer, Moment
from tests.faults.proxy import Proxy
from tests.faults.rules import Reset, Status
from tests.marks import on_moto

FOLDERS = ("a/", "b/", "c/", "d/")
NAMES = ("1", "2", "3")


@on_moto
def test_killed_deletion_counts_every_object_once(api: Api, killer: Killer, s3_bucket: Bucket) -> None:
    for folder in FOLDERS:
        for name in NAMES:
            s3_bucket.put(folder + name)
    moments = [
        Moment("delete-many", 2, of="reply"),  # S3 has deleted the objects
        Moment("delete-many", arrives=True),  # S3 deletes the objects while the server is down
        Moment("delete-many"),  # the request did not reach S3
        Moment("list"),
    ]
    first = killer.aim(moments[0], alone=True)
    transfer = api.call("DELETE", f"objects/multiple/{s3_bucket.name}", {"keys": [], "prefixes": FOLDERS})["id"]
    assert first.wait()
    killer.kill(moments[0], first)
    for moment in moments[1:]:
        rule = killer.aim(moment, alone=True)
        killer.server.start()
        assert rule.wait(unless=lambda: api.has_ended(transfer))
        killer.kill(moment, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert s3_bucket.sizes() == {}
    count = len(FOLDERS) * len(NAMES)
    assert (ended["filesDone"], ended["filesTotal"], ended["filesFailed"]) == (count, count, 0)
    assert api.files(transfer) == []


@on_moto
def test_single_deletions_are_retried_when_the_store_is_unavailable(
    api: Api, s3_bucket: Bucket, s3_proxy: Proxy
) -> None:
    for name in NAMES:
        s3_bucket.put(f"a/{name}")
    s3_proxy.rules.add(Status(501, "NotImplemented"), "delete-many", times=None)
    lost = s3_proxy.rules.add(Reset(), "delete", path="/a/2", times=4)
    transfer = api.call("DELETE", f"objects/multiple/{s3_bucket.name}", {"keys": [], "prefixes": ["a/"]})["id"]
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"], lost.fired) == ("completed", None, 4)
    assert s3_bucket.sizes() == {}
    assert (ended["filesDone"], ended["filesTotal"], ended["filesFailed"]) == (3, 3, 0)


@on_moto
@pytest.mark.parametrize("of", ["request", "reply"])
def test_killed_move_ends_with_all_its_bytes(api: Api, killer: Killer, s3_bucket: Bucket, of: str) -> None:
    for name in NAMES:
        s3_bucket.put(f"from/{name}", b"x" * 1000)
    moment = Moment("delete", of="reply" if of == "reply" else "request")
    rule = killer.aim(moment, alone=True)
    source, target = (f"s3://{s3_bucket.name}/{folder}/" for folder in ("from", "to"))
    transfer = api.call("POST", "transfers", {"action": "move", "source": source, "target": target})["id"]
    assert rule.wait()
    killer.kill(moment, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert s3_bucket.sizes() == {f"to/{name}": 1000 for name in NAMES}
    assert (ended["bytesDone"], ended["bytesTotal"]) == (3000, 3000)
    assert (ended["filesDone"], ended["filesTotal"]) == (3, 3)
