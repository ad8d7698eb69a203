"""Whatever goes wrong on the way: an object is whole and correct, or it is absent and the error says why.

The faults of a test all happen in one transfer, and the test checks that each one did. The extended run repeats the
transfer with each fault alone, which shows which one it is when the test of all fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from itertools import chain

import pytest

from odhtec_jupyter.demo.content import Content, SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import S3Server
from tests.faults.bucket import Bucket, checksums
from tests.faults.jupyter import Api, Reply
from tests.faults.killer import SEED
from tests.faults.proxy import Proxy
from tests.faults.rules import Action, Flip, LostReply, Reset, Rule, Rules, Stall, Status, Truncate
from tests.marks import on_moto, on_rgw

MIB = 1024 * 1024
LARGE = SyntheticContent(14 * MIB + 12_345, seed=1)  # each part has more bytes than the faults below reach into
UPLOADED = SyntheticContent(13 * MIB + 7, seed=3)
FILES: dict[str, Content | bytes] = {
    "large.bin": LARGE,
    "other.bin": SyntheticContent(14 * MIB, seed=2),
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
    "truncated replies": {"part": Truncate(0), "cdn": Truncate(3 * MIB), "resolve": Truncate(1)},
}


@pytest.fixture(scope="module")
def model() -> Repository:
    repository = Repository("org/model")
    repository.commit(dict(FILES))
    return repository


@pytest.fixture
def served(hub: HubStandIn, model: Repository) -> Repository:
    return hub.add(model)


Inject = Callable[[str, Action], Rule]
# By kind of request: the first fault happens to the first request of the kind, the second one to the second.
Faults = Mapping[str, Sequence[Action]]


@pytest.fixture
def inject(s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy) -> Inject:
    """Let an action happen to the next request of a kind that has no fault yet, wherever such requests go."""

    def add(kind: str, action: Action) -> Rule:
        rules: Rules = (cdn_proxy if kind == "cdn" else hub_proxy if kind in HUB else s3_proxy).rules
        return rules.add(action, kind)

    return add


def body(content: SyntheticContent = UPLOADED) -> Iterator[bytes]:
    for chunk in content.chunks(0, content.size):
        yield bytes(chunk)


def imported(api: Api, holding: Bucket, model: Repository, *, verify: str = "source", only: str = "*") -> None:
    """Import all files or ``only`` some, and check what is in the bucket afterwards."""
    before = holding.put("org/model/beside") | holding.put("org/model/large.bin")
    transfer = api.ended(api.start_import(holding.name, verify=verify, include=[only])["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    files = {key: digest for key, digest in checksums(model).items() if fnmatch(key, f"org/model/{only}")}
    assert files
    assert holding.contents() == before | files
    assert holding.unfinished() == []


def uploaded(api: Api, holding: Bucket) -> None:
    """Upload, and check what is in the bucket afterwards."""
    before = holding.put("beside") | holding.put("file.bin")
    stored = api.upload(holding.name, "file.bin", body(), UPLOADED.size)
    assert (stored["key"], stored["size"]) == ("file.bin", UPLOADED.size)
    assert holding.contents() == before | {"file.bin": UPLOADED.sha256}
    assert holding.unfinished() == []


def together(each: Mapping[str, Mapping[str, Action]]) -> Faults:
    """The faults of every case at once."""
    return {kind: [case[kind] for case in each.values() if kind in case] for kind in chain(*each.values())}


def all_and_each(cases: Mapping[str, Mapping[str, Action]]) -> pytest.MarkDecorator:
    """``faults``: those of all cases in one transfer; each case alone in the extended run."""
    alone = [
        pytest.param({kind: [action] for kind, action in case.items()}, id=name, marks=pytest.mark.extended)
        for name, case in cases.items()
    ]
    return pytest.mark.parametrize("faults", [pytest.param(together(cases), id="all"), *alone])


def injected(inject: Inject, faults: Faults, kinds: Iterable[str] = (*HUB, *S3_IMPORT)) -> list[tuple[str, Rule]]:
    """The rules of the faults that requests of these kinds can meet."""
    return [(kind, inject(kind, action)) for kind in kinds for action in faults.get(kind, ())]


def happened(rules: list[tuple[str, Rule]]) -> None:
    assert [f"{kind}: {rule.action}" for kind, rule in rules if rule.fired != 1] == []


@all_and_each({name: dict.fromkeys(("resolve", "cdn", *S3_IMPORT), action) for name, action in REFUSALS.items()})
def test_import_overcomes_refusals_of_every_kind_of_request(
    api: Api, holding: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    imported(api, holding, served)
    happened(rules)


# Not all in one upload: what is asked before the body is tried twice only.
@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_upload_overcomes_a_refusal_of_every_kind_of_request(
    api: Api, holding: Bucket, inject: Inject, action: Action
) -> None:
    rules = injected(inject, {kind: [action] for kind in S3_UPLOAD})
    uploaded(api, holding)
    happened(rules)


@all_and_each(TORN)
def test_import_overcomes_torn_connections(
    api: Api, holding: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    imported(api, holding, served)
    happened(rules)


@all_and_each(TORN)
def test_upload_overcomes_torn_connections(api: Api, holding: Bucket, inject: Inject, faults: Faults) -> None:
    rules = injected(inject, faults, S3_UPLOAD)
    uploaded(api, holding)
    happened(rules)


@on_moto
@pytest.mark.parametrize(
    "action", [*REFUSALS.values(), Reset(10, "reply"), Truncate(20)], ids=[*REFUSALS, "torn reply", "truncated reply"]
)
def test_import_overcomes_a_fault_of_its_first_request(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    rule = hub_proxy.rules.add(action, "api", path="/api/models/")
    imported(api, holding, served, only="config.json")
    assert rule.fired == 1


@on_moto
@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_import_overcomes_a_fault_of_the_list_of_files(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    rule = hub_proxy.rules.add(action, "api", path="/tree/")
    imported(api, holding, served, only="config.json")
    assert rule.fired == 1


def test_import_overcomes_many_faults_by_chance(
    api: Api,
    holding: Bucket,
    served: Repository,
    s3_proxy: Proxy,
    cdn_proxy: Proxy,
    record_property: Callable[[str, object], None],
) -> None:
    # Six of each kind at most: a request is tried eight times.
    rules = [
        s3_proxy.rules.add(Reset(2 * MIB), "part", chance=0.5, times=3, seed=SEED),
        s3_proxy.rules.add(Status(503, "SlowDown"), "part", chance=0.5, times=3, seed=SEED + 1),
        cdn_proxy.rules.add(Reset(3 * MIB, "reply"), chance=0.5, times=3, seed=SEED + 2),
        cdn_proxy.rules.add(Truncate(MIB), chance=0.5, times=3, seed=SEED + 3),
    ]
    record_property("seed", f"ODHTEC_SEED={SEED}")
    imported(api, holding, served)
    assert any(rule.fired for rule in rules), f"the seed {SEED} draws no fault"


# --- nothing moves ---------------------------------------------------------------------------------------------------

STALLS = {
    "cdn": Stall(3 * MIB, "reply"),
    "create": Stall(0, "reply"),
    "part": Stall(2 * MIB, "request"),
    "complete": Stall(0, "reply"),
}


@pytest.mark.parametrize("kind", ["cdn", "create", "part", "complete"])
def test_import_waits_for_a_stalled_request_while_the_server_answers_others(
    api: Api, holding: Bucket, served: Repository, inject: Inject, kind: str
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
def test_cancel_ends_a_stalled_transfer(
    api: Api, holding: Bucket, served: Repository, inject: Inject, kind: str
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


def test_corrupted_bytes_from_the_hub_are_detected_and_read_again(
    api: Api, holding: Bucket, served: Repository, hub_proxy: Proxy, cdn_proxy: Proxy
) -> None:
    rules = [
        cdn_proxy.rules.add(Flip(5 * MIB), path=r"large\.bin"),
        cdn_proxy.rules.add(Flip(0), path=r"other\.bin"),
        hub_proxy.rules.add(Flip(1), "resolve", path=r"config\.json"),
    ]
    imported(api, holding, served)
    assert [rule.fired for rule in rules] == [1, 1, 1]


def test_file_that_arrives_corrupted_every_time_is_never_visible(
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
def test_corrupted_bytes_to_s3_are_sent_again_when_everything_is_verified(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rules = flip_on_the_way_to_s3(s3_proxy)
    imported(api, holding, served, verify="full")
    assert [rule.fired for rule in rules] == [1, 1]


def test_object_that_is_corrupted_every_time_on_the_way_to_s3_is_never_visible(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, s3_server: S3Server
) -> None:
    before = holding.put("org/model/large.bin")
    s3_proxy.rules.add(Flip(MIB, "request"), "part", path=r"large\.bin", times=None)
    transfer = api.ended(api.start_import(holding.name, verify="full", include=["large.bin"])["id"])
    code = "BadDigest" if s3_server.name == "rgw" else "WrongDigest"
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", code)
    assert len(s3_proxy.traffic.parts()) < len(s3_proxy.traffic.seen("part")), "it was sent again"
    api.call("DELETE", f"transfers/{transfer['id']}")  # until then what has arrived is kept for a retry
    assert holding.contents() == before
    assert holding.unfinished() == []


# --- replies that never come -----------------------------------------------------------------------------------------


def lost(*kinds: str) -> dict[str, dict[str, Action]]:
    return {kind: {kind: LostReply()} for kind in kinds}


@all_and_each(lost("part", "put", "complete", "head"))
def test_import_overcomes_lost_replies(
    api: Api, holding: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    imported(api, holding, served)
    happened(rules)


@all_and_each(lost("part", "complete", "head"))
def test_upload_overcomes_lost_replies(api: Api, holding: Bucket, inject: Inject, faults: Faults) -> None:
    rules = injected(inject, faults)
    uploaded(api, holding)
    happened(rules)


@pytest.mark.parametrize("parts", [1, 2])
def test_copy_within_s3_overcomes_a_lost_reply(api: Api, holding: Bucket, s3_proxy: Proxy, parts: int) -> None:
    before = holding.put("file.bin", UPLOADED.read(), parts=parts)  # the ETag of two parts is not the copy's
    rule = s3_proxy.rules.add(LostReply(), "copy")
    request = {"action": "copy", "source": f"s3://{holding.name}/file.bin", "target": f"s3://{holding.name}/copy.bin"}
    transfer = api.ended(api.call("POST", "transfers", request)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert rule.fired == 1
    assert holding.contents() == before | {"copy.bin": UPLOADED.sha256}


# Not on moto, which dates every upload 2010: one whose id is not known is taken for another client's.
@on_rgw
def test_import_leaves_no_upload_when_the_reply_with_its_id_is_lost(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    imported(api, holding, served)
    assert rule.fired == 1


@on_rgw
def test_streaming_leaves_no_upload_when_the_reply_with_its_id_is_lost(
    api: Api, holding: Bucket, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    uploaded(api, holding)
    assert rule.fired == 1


@all_and_each({"lost": {"abort": LostReply()}, "reset": {"abort": Reset()}, "503": {"abort": Status(503, "SlowDown")}})
def test_failed_import_leaves_no_upload_when_the_abort_meets_faults(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, inject: Inject, faults: Faults
) -> None:
    s3_proxy.rules.add(Status(400, "EntityTooLarge"), "part", times=None)
    rules = injected(inject, faults, ["abort"])
    assert api.ended(api.start_import(holding.name)["id"])["state"] == "failed"
    happened(rules)
    assert holding.unfinished() == []


# --- what cannot be overcome -----------------------------------------------------------------------------------------

REFUSED = {"AccessDenied": 403, "ExpiredToken": 400, "NoSuchBucket": 404}
# Each code and each kind of request in every run, all pairs in the extended one.
PAIRS = [
    pytest.param(code, kind, marks=[pytest.mark.extended] * (one != other))
    for one, code in enumerate(REFUSED)
    for other, kind in enumerate(("create", "part", "complete"))
]


@pytest.mark.parametrize(("code", "kind"), PAIRS)
def test_permanent_refusal_is_reported_and_changes_nothing(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, code: str, kind: str
) -> None:
    before = holding.put("org/model/large.bin") | holding.put("file.bin")
    s3_proxy.rules.add(Status(REFUSED[code], code), kind, times=None)
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


def test_unreachable_store_is_named_in_the_error(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, s3_server: S3Server
) -> None:
    s3_proxy.rules.add(Reset(), times=None)
    with pytest.raises(Reply) as refused:
        api.start_import(holding.name)
    assert (refused.value.status, refused.value.body["error"]) == (502, "StoreUnreachable")
    assert "127.0.0.1" in refused.value.body["message"]
