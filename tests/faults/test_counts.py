"""What a transfer shows is true, however often the server was killed while it ran."""

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
def test_killed_deletion_counts_every_object_once(api: Api, killer: Killer, holding: Bucket) -> None:
    for folder in FOLDERS:
        for name in NAMES:
            holding.put(folder + name)
    moments = [
        Moment("delete-many", 2, of="reply"),  # S3 has deleted them
        Moment("delete-many", arrives=True),  # S3 deletes them while there is no server
        Moment("delete-many"),  # S3 has not heard of it
        Moment("list"),
    ]
    first = killer.aim(moments[0], alone=True)
    transfer = api.call("DELETE", f"objects/multiple/{holding.name}", {"keys": [], "prefixes": FOLDERS})["id"]
    assert first.wait()
    killer.kill(moments[0], first)
    for moment in moments[1:]:
        rule = killer.aim(moment, alone=True)
        killer.server.start()
        assert rule.wait(unless=lambda: api.over(transfer))
        killer.kill(moment, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert holding.sizes() == {}
    count = len(FOLDERS) * len(NAMES)
    assert (ended["filesDone"], ended["filesTotal"], ended["filesFailed"]) == (count, count, 0)
    assert api.files(transfer) == []


@on_moto
def test_single_deletions_are_retried_when_the_store_is_unavailable(api: Api, holding: Bucket, s3_proxy: Proxy) -> None:
    for name in NAMES:
        holding.put(f"a/{name}")
    s3_proxy.rules.add(Status(501, "NotImplemented"), "delete-many", times=None)
    lost = s3_proxy.rules.add(Reset(), "delete", path="/a/2", times=4)
    transfer = api.call("DELETE", f"objects/multiple/{holding.name}", {"keys": [], "prefixes": ["a/"]})["id"]
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"], lost.fired) == ("completed", None, 4)
    assert holding.sizes() == {}
    assert (ended["filesDone"], ended["filesTotal"], ended["filesFailed"]) == (3, 3, 0)


@on_moto
@pytest.mark.parametrize("of", ["request", "reply"])
def test_killed_move_ends_with_all_its_bytes(api: Api, killer: Killer, holding: Bucket, of: str) -> None:
    for name in NAMES:
        holding.put(f"from/{name}", b"x" * 1000)
    moment = Moment("delete", of="reply" if of == "reply" else "request")
    rule = killer.aim(moment, alone=True)
    source, target = (f"s3://{holding.name}/{folder}/" for folder in ("from", "to"))
    transfer = api.call("POST", "transfers", {"action": "move", "source": source, "target": target})["id"]
    assert rule.wait()
    killer.kill(moment, rule)
    killer.server.start()
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert holding.sizes() == {f"to/{name}": 1000 for name in NAMES}
    assert (ended["bytesDone"], ended["bytesTotal"]) == (3000, 3000)
    assert (ended["filesDone"], ended["filesTotal"]) == (3, 3)
