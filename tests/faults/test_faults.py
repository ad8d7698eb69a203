"""Whatever goes wrong on the way: an object is whole and right, or it is not there and the reason is said.

Each fault hits every kind of request at once, each kind at its own place; that it really did is checked, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from odhtec_jupyter.demo.content import Content, SyntheticContent
from odhtec_jupyter.demo.hub import HubStandIn
from odhtec_jupyter.demo.repository import Repository
from tests.conftest import S3Server
from tests.faults.bucket import BEFORE, Bucket, checksums
from tests.faults.jupyter import Api, Reply
from tests.faults.proxy import Proxy
from tests.faults.rules import Action, Flip, LostReply, Reset, Rule, Rules, Stall, Status, Truncate

MIB = 1024 * 1024
LARGE = SyntheticContent(30 * MIB + 12_345, seed=1)  # each part has more bytes than the faults below reach into
UPLOADED = SyntheticContent(20 * MIB + 7, seed=3)
FILES: dict[str, Content | bytes] = {
    "large.bin": LARGE,
    "other.bin": SyntheticContent(22 * MIB, seed=2),
    "config.json": b"{}",
    "a/b.txt": b"b" * 5000,
}

HUB = ("api", "resolve", "cdn")
S3_IMPORT = ("head", "create", "part", "put", "complete")
S3_UPLOAD = ("head", "create", "part", "complete")

# A request that arrives twice without harm, or not at all. Lost replies have tests of their own.
REFUSALS: dict[str, Action] = {
    "500": Status(500, "InternalError"),
    "503": Status(503, "ServiceUnavailable"),
    "SlowDown": Status(503, "SlowDown"),
    "429": Status(429, "TooManyRequests", retry_after=0),
    "reset": Reset(),
}
# In the middle of what is long enough for it.
TORN: dict[str, dict[str, Action]] = {
    "reset of requests": {"part": Reset(3 * MIB), "put": Reset(1), "complete": Reset(50)},
    "reset of replies": {"part": Reset(0, "reply"), "cdn": Reset(2 * MIB, "reply"), "resolve": Reset(1, "reply")},
    "truncated replies": {"part": Truncate(0), "cdn": Truncate(5 * MIB), "resolve": Truncate(1)},
}


@pytest.fixture(scope="module")
def model() -> Repository:
    repository = Repository("org/model")
    repository.commit(dict(FILES))
    return repository


@pytest.fixture
def served(hub: HubStandIn, model: Repository) -> Repository:
    return hub.add(model)


@pytest.fixture
def inject(s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy) -> Callable[[str, Action], Rule]:
    """Let an action happen to the first request of a kind, wherever such requests go."""

    def add(kind: str, action: Action) -> Rule:
        rules: Rules = (cdn_proxy if kind == "cdn" else hub_proxy if kind in HUB else s3_proxy).rules
        return rules.add(action, kind)

    return add


def body(content: SyntheticContent = UPLOADED) -> Iterator[bytes]:
    for chunk in content.chunks(0, content.size):
        yield bytes(chunk)


def imported(api: Api, holding: Bucket, model: Repository, verify: str = "source") -> None:
    """Import, and look at what it left behind."""
    before = holding.put("org/model/beside") | holding.put("org/model/large.bin")
    transfer = api.ended(api.start_import(holding.name, verify=verify)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert holding.contents() == before | checksums(model)
    assert holding.unfinished() == []


def uploaded(api: Api, holding: Bucket) -> None:
    """Upload, and look at what it left behind."""
    before = holding.put("beside") | holding.put("file.bin")
    stored = api.upload(holding.name, "file.bin", body(), UPLOADED.size)
    assert (stored["key"], stored["size"]) == ("file.bin", UPLOADED.size)
    assert holding.contents() == before | {"file.bin": UPLOADED.sha256}
    assert holding.unfinished() == []


def happened(rules: dict[str, Rule]) -> None:
    assert [kind for kind, rule in rules.items() if not rule.fired] == []


@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_an_import_overcomes_a_refusal_of_every_kind_of_request(
    api: Api, holding: Bucket, served: Repository, inject: Callable[[str, Action], Rule], action: Action
) -> None:
    rules = {kind: inject(kind, action) for kind in ("resolve", "cdn", *S3_IMPORT)}
    imported(api, holding, served)
    happened(rules)


@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_an_upload_overcomes_a_refusal_of_every_kind_of_request(
    api: Api, holding: Bucket, inject: Callable[[str, Action], Rule], action: Action
) -> None:
    rules = {kind: inject(kind, action) for kind in S3_UPLOAD}
    uploaded(api, holding)
    happened(rules)


@pytest.mark.parametrize("actions", TORN.values(), ids=TORN.keys())
def test_an_import_overcomes_torn_connections(
    api: Api,
    holding: Bucket,
    served: Repository,
    inject: Callable[[str, Action], Rule],
    actions: dict[str, Action],
) -> None:
    rules = {kind: inject(kind, action) for kind, action in actions.items()}
    imported(api, holding, served)
    happened(rules)


@pytest.mark.parametrize("actions", TORN.values(), ids=TORN.keys())
def test_an_upload_overcomes_torn_connections(
    api: Api, holding: Bucket, inject: Callable[[str, Action], Rule], actions: dict[str, Action]
) -> None:
    rules = {kind: inject(kind, action) for kind, action in actions.items() if kind in S3_UPLOAD}
    uploaded(api, holding)
    happened(rules)


# Whatever the store is.
ONE_STORE = pytest.mark.parametrize("s3_server", ["moto"], indirect=True)


@ONE_STORE
@pytest.mark.parametrize(
    "action", [*REFUSALS.values(), Reset(10, "reply"), Truncate(20)], ids=[*REFUSALS, "torn reply", "truncated reply"]
)
def test_an_import_overcomes_a_fault_of_its_first_look(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    hub_proxy.rules.add(action, "api", path="/api/models/")
    imported(api, holding, served)


@ONE_STORE
@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_an_import_overcomes_a_fault_of_the_list_of_files(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    rule = hub_proxy.rules.add(action, "api", path="/tree/")
    imported(api, holding, served)
    assert rule.fired == 1


def test_many_faults_by_chance(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, cdn_proxy: Proxy
) -> None:
    seed = 20
    rules = [
        s3_proxy.rules.add(Reset(2 * MIB), "part", chance=0.2, times=None, seed=seed),
        s3_proxy.rules.add(Status(503, "SlowDown"), "part", chance=0.2, times=None, seed=seed + 1),
        cdn_proxy.rules.add(Reset(3 * MIB, "reply"), chance=0.2, times=None, seed=seed + 2),
        cdn_proxy.rules.add(Truncate(MIB), chance=0.2, times=None, seed=seed + 3),
    ]
    imported(api, holding, served)
    assert sum(rule.fired for rule in rules) > 3, f"seed {seed} draws too few faults"


# --- nothing moves ---------------------------------------------------------------------------------------------------

STALLS = {
    "cdn": Stall(3 * MIB, "reply"),
    "create": Stall(0, "reply"),
    "part": Stall(2 * MIB, "request"),
    "complete": Stall(0, "reply"),
}


@pytest.mark.parametrize("kind", ["cdn", "create", "part", "complete"])
def test_an_import_waits_for_what_stands_still_and_the_server_goes_on(
    api: Api, holding: Bucket, served: Repository, inject: Callable[[str, Action], Rule], kind: str
) -> None:
    rule = inject(kind, STALLS[kind])
    transfer = api.start_import(holding.name)["id"]
    assert rule.wait()
    assert api.transfer(transfer)["state"] == "running"
    assert api.call("GET", "buckets")["listable"], "other requests are answered"
    rule.release()
    assert api.ended(transfer)["state"] == "completed"
    assert holding.contents() == checksums(served)
    assert holding.unfinished() == []


@pytest.mark.parametrize("kind", ["cdn", "part"])
def test_cancel_ends_what_stands_still(
    api: Api, holding: Bucket, served: Repository, inject: Callable[[str, Action], Rule], kind: str
) -> None:
    before = holding.put("org/model/large.bin") | holding.put("org/model/other.bin")
    rule = inject(kind, STALLS[kind])
    transfer = api.start_import(holding.name, include=["*.bin"])["id"]
    assert rule.wait()
    if kind == "part":  # a PUT that is on its way ends before its memory is given back
        rule.drop()
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert holding.contents().keys() == before.keys()
    assert holding.unfinished() == []


# --- wrong bytes -----------------------------------------------------------------------------------------------------


def test_wrong_bytes_from_the_hub_are_found_and_brought_again(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, cdn_proxy: Proxy
) -> None:
    rules = [
        cdn_proxy.rules.add(Flip(5 * MIB), path=r"large\.bin"),
        cdn_proxy.rules.add(Flip(0), path=r"other\.bin"),
        hub_proxy.rules.add(Flip(1), "resolve", path=r"config\.json"),
    ]
    imported(api, holding, served)
    assert [rule.fired for rule in rules] == [1, 1, 1]


def test_bytes_that_stay_wrong_are_never_visible(
    api: Api, holding: Bucket, served: Repository, cdn_proxy: Proxy
) -> None:
    before = holding.put("org/model/large.bin")
    cdn_proxy.rules.add(Flip(MIB), path=r"large\.bin", times=None)
    transfer = api.ended(api.start_import(holding.name)["id"])
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", "ChecksumMismatch")
    assert holding.contents() == checksums(served) | before, "the other files arrived"
    assert holding.unfinished() == []


def flip_on_the_way_to_s3(s3_proxy: Proxy) -> list[Rule]:
    return [
        s3_proxy.rules.add(Flip(MIB, "request"), "part", nth=2, times=1),
        s3_proxy.rules.add(Flip(0, "request"), "put"),
    ]


# RGW compares Content-MD5 and refuses. moto does not: the ETag that it tells is compared here.
def test_wrong_bytes_to_s3_are_sent_again_when_everything_is_verified(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rules = flip_on_the_way_to_s3(s3_proxy)
    imported(api, holding, served, verify="full")
    assert [rule.fired for rule in rules] == [1, 1]


def test_bytes_that_stay_wrong_on_the_way_to_s3_are_never_visible(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    before = holding.put("org/model/large.bin")
    s3_proxy.rules.add(Flip(MIB, "request"), "part", path=r"large\.bin", times=None)
    transfer = api.start_import(holding.name, verify="full")["id"]
    s3_proxy.traffic.wait(lambda: len(s3_proxy.traffic.parts()) < len(s3_proxy.traffic.seen("part")))  # sent again
    api.call("POST", f"transfers/{transfer}/cancel")
    assert holding.contents().items() <= (checksums(served) | before).items()
    assert holding.unfinished() == []


# --- replies that never come -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["part", "put", "complete", "head"])
def test_an_import_overcomes_a_lost_reply(
    api: Api, holding: Bucket, served: Repository, inject: Callable[[str, Action], Rule], kind: str
) -> None:
    rule = inject(kind, LostReply())
    imported(api, holding, served)
    assert rule.fired == 1


@pytest.mark.parametrize("kind", ["part", "complete", "head"])
def test_an_upload_overcomes_a_lost_reply(
    api: Api, holding: Bucket, inject: Callable[[str, Action], Rule], kind: str
) -> None:
    rule = inject(kind, LostReply())
    uploaded(api, holding)
    assert rule.fired == 1


@pytest.mark.parametrize("parts", [1, 2])
def test_a_copy_within_s3_overcomes_a_lost_reply(api: Api, holding: Bucket, s3_proxy: Proxy, parts: int) -> None:
    before = holding.put("file.bin", UPLOADED.read(), parts=parts)  # the ETag of two parts is not the copy's
    rule = s3_proxy.rules.add(LostReply(), "copy")
    request = {"action": "copy", "source": f"s3://{holding.name}/file.bin", "target": f"s3://{holding.name}/copy.bin"}
    transfer = api.ended(api.call("POST", "transfers", request)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert rule.fired == 1
    assert holding.contents() == before | {"copy.bin": UPLOADED.sha256}


# Not on moto, which says of each upload that it was begun in 2010: one without a name is taken for somebody else's.
TELL_WHEN = pytest.mark.parametrize("s3_server", ["rgw"], indirect=True)


@TELL_WHEN
def test_no_upload_is_left_over_when_s3_made_it_and_could_not_say_so(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    imported(api, holding, served)
    assert rule.fired == 1


@TELL_WHEN
def test_no_upload_is_left_over_by_a_streamed_upload_either(api: Api, holding: Bucket, s3_proxy: Proxy) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    uploaded(api, holding)
    assert rule.fired == 1


@pytest.mark.parametrize("action", [LostReply(), Reset(), Status(503, "SlowDown")], ids=["lost", "reset", "503"])
def test_no_upload_is_left_over_when_the_abort_meets_a_fault(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, action: Action
) -> None:
    s3_proxy.rules.add(Status(400, "EntityTooLarge"), "part", times=None)
    s3_proxy.rules.add(action, "abort")
    assert api.ended(api.start_import(holding.name)["id"])["state"] == "failed"
    assert holding.unfinished() == []


# --- what cannot be overcome -----------------------------------------------------------------------------------------

REFUSED = {
    "no right to write": (Status(403, "AccessDenied"), "AccessDenied"),
    "expired credentials": (Status(400, "ExpiredToken"), "ExpiredToken"),
    "the bucket is gone": (Status(404, "NoSuchBucket"), "NoSuchBucket"),
}


@pytest.mark.parametrize("kind", ["create", "part", "complete"])
@pytest.mark.parametrize(("action", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_for_good_is_said_and_leaves_all_as_it_was(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, kind: str, action: Action, code: str
) -> None:
    before = holding.put("org/model/large.bin") | holding.put("file.bin")
    s3_proxy.rules.add(action, kind, times=None)
    transfer = api.ended(api.start_import(holding.name, include=["*.bin"])["id"])
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", code)
    assert transfer["error"]["message"]
    api.call("DELETE", f"transfers/{transfer['id']}")  # until then what has arrived is kept for a retry with other keys
    with pytest.raises(Reply) as refused:
        api.upload(holding.name, "file.bin", body(), UPLOADED.size)
    assert refused.value.body["error"] == code
    tried = [(one.key, one.query.get("uploadId"), one.query.get("partNumber")) for one in s3_proxy.traffic.seen(kind)]
    assert len(tried) == len(set(tried)), "nothing is tried again"
    s3_proxy.traffic.wait(lambda: s3_proxy.traffic.unfinished() == 0)  # what a refused upload left is dropped meanwhile
    assert holding.contents() == before
    assert holding.unfinished() == []


def test_a_store_that_is_away_is_named(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, s3_server: S3Server
) -> None:
    s3_proxy.rules.add(Reset(), times=None)
    with pytest.raises(Reply) as refused:
        api.start_import(holding.name)
    assert (refused.value.status, refused.value.body["error"]) == (502, "StoreUnreachable")
    assert "127.0.0.1" in refused.value.body["message"]


def test_a_transfer_whose_store_stays_away_can_be_cancelled_at_once(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    before = holding.put("org/model/large.bin", BEFORE)
    away = s3_proxy.rules.add(Reset(MIB), "part", times=None)
    transfer = api.start_import(holding.name, include=["large.bin"])["id"]
    # Of its four parts, one is being tried for the third time.
    s3_proxy.traffic.wait(lambda: away.fired > 8)
    assert api.transfer(transfer)["state"] == "running"
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert holding.contents() == before
    assert holding.unfinished() == []
