"""Whatever fault occurs, an object is complete and correct, or it is missing and the error has the reason.

All faults of a test occur in one transfer, and the test checks that each one did. The extended run repeats the transfer
with each fault alone, which shows the cause when the combined test fails.
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
LARGE = SyntheticContent(14 * MIB + 12_345, seed=1)  # each part is longer than the offsets of the faults below
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

# The request is not processed, so it can be sent again. Lost replies have tests of their own.
REFUSALS: dict[str, Action] = {
    "500": Status(500, "InternalError"),
    "503": Status(503, "ServiceUnavailable"),
    "SlowDown": Status(503, "SlowDown"),
    "429": Status(429, "TooManyRequests", retry_after=0),
    "reset": Reset(),
}
# In the middle of bodies that are long enough.
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
# By kind of request: the first fault is for the first request of the kind, the second fault for the second request.
Faults = Mapping[str, Sequence[Action]]


@pytest.fixture
def inject(s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy) -> Inject:
    """A function that adds an action for the next request of a kind without a fault, at the proxy of this kind."""

    def add(kind: str, action: Action) -> Rule:
        rules: Rules = (cdn_proxy if kind == "cdn" else hub_proxy if kind in HUB else s3_proxy).rules
        return rules.add(action, kind)

    return add


def body(content: SyntheticContent = UPLOADED) -> Iterator[bytes]:
    for chunk in content.chunks(0, content.size):
        yield bytes(chunk)


def import_and_check(
    api: Api, s3_bucket: Bucket, model: Repository, *, verify: str = "source", only: str = "*"
) -> None:
    """Import all files, or those that match ``only``, and check the content of the bucket."""
    before = s3_bucket.put("org/model/beside") | s3_bucket.put("org/model/large.bin")
    transfer = api.ended(api.start_import(s3_bucket.name, verify=verify, include=[only])["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    files = {key: digest for key, digest in checksums(model).items() if fnmatch(key, f"org/model/{only}")}
    assert files
    assert s3_bucket.contents() == before | files
    assert s3_bucket.unfinished() == []


def upload_and_check(api: Api, s3_bucket: Bucket) -> None:
    """Upload a file and check the content of the bucket."""
    before = s3_bucket.put("beside") | s3_bucket.put("file.bin")
    stored = api.upload(s3_bucket.name, "file.bin", body(), UPLOADED.size)
    assert (stored["key"], stored["size"]) == ("file.bin", UPLOADED.size)
    assert s3_bucket.contents() == before | {"file.bin": UPLOADED.sha256}
    assert s3_bucket.unfinished() == []


def together(each: Mapping[str, Mapping[str, Action]]) -> Faults:
    """Return the faults of all cases together."""
    return {kind: [case[kind] for case in each.values() if kind in case] for kind in chain(*each.values())}


def all_and_each(cases: Mapping[str, Mapping[str, Action]]) -> pytest.MarkDecorator:
    """Parametrize ``faults`` with the faults of all cases together, and in the extended run with each case alone."""
    alone = [
        pytest.param({kind: [action] for kind, action in case.items()}, id=name, marks=pytest.mark.extended)
        for name, case in cases.items()
    ]
    return pytest.mark.parametrize("faults", [pytest.param(together(cases), id="all"), *alone])


def injected(inject: Inject, faults: Faults, kinds: Iterable[str] = (*HUB, *S3_IMPORT)) -> list[tuple[str, Rule]]:
    """Inject the faults for requests of these kinds and return their rules."""
    return [(kind, inject(kind, action)) for kind in kinds for action in faults.get(kind, ())]


def require_all_happened(rules: list[tuple[str, Rule]]) -> None:
    assert [f"{kind}: {rule.action}" for kind, rule in rules if rule.fired != 1] == []


@all_and_each({name: dict.fromkeys(("resolve", "cdn", *S3_IMPORT), action) for name, action in REFUSALS.items()})
def test_import_overcomes_refusals_of_every_kind_of_request(
    api: Api, s3_bucket: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    import_and_check(api, s3_bucket, served)
    require_all_happened(rules)


# One upload for each, because requests before the body are retried only once.
@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_upload_overcomes_a_refusal_of_every_kind_of_request(
    api: Api, s3_bucket: Bucket, inject: Inject, action: Action
) -> None:
    rules = injected(inject, {kind: [action] for kind in S3_UPLOAD})
    upload_and_check(api, s3_bucket)
    require_all_happened(rules)


@all_and_each(TORN)
def test_import_overcomes_torn_connections(
    api: Api, s3_bucket: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    import_and_check(api, s3_bucket, served)
    require_all_happened(rules)


@all_and_each(TORN)
def test_upload_overcomes_torn_connections(api: Api, s3_bucket: Bucket, inject: Inject, faults: Faults) -> None:
    rules = injected(inject, faults, S3_UPLOAD)
    upload_and_check(api, s3_bucket)
    require_all_happened(rules)


@on_moto
@pytest.mark.parametrize(
    "action", [*REFUSALS.values(), Reset(10, "reply"), Truncate(20)], ids=[*REFUSALS, "torn reply", "truncated reply"]
)
def test_import_overcomes_a_fault_of_its_first_request(
    api: Api, s3_bucket: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    rule = hub_proxy.rules.add(action, "api", path="/api/models/")
    import_and_check(api, s3_bucket, served, only="config.json")
    assert rule.fired == 1


@on_moto
@pytest.mark.parametrize("action", REFUSALS.values(), ids=REFUSALS.keys())
def test_import_overcomes_a_fault_of_the_list_of_files(
    api: Api, s3_bucket: Bucket, served: Repository, hub_proxy: Proxy, action: Action
) -> None:
    rule = hub_proxy.rules.add(action, "api", path="/tree/")
    import_and_check(api, s3_bucket, served, only="config.json")
    assert rule.fired == 1


def test_import_overcomes_many_faults_by_chance(
    api: Api,
    s3_bucket: Bucket,
    served: Repository,
    s3_proxy: Proxy,
    cdn_proxy: Proxy,
    record_property: Callable[[str, object], None],
) -> None:
    # At most six faults of each kind, because a request is tried eight times.
    rules = [
        s3_proxy.rules.add(Reset(2 * MIB), "part", chance=0.5, times=3, seed=SEED),
        s3_proxy.rules.add(Status(503, "SlowDown"), "part", chance=0.5, times=3, seed=SEED + 1),
        cdn_proxy.rules.add(Reset(3 * MIB, "reply"), chance=0.5, times=3, seed=SEED + 2),
        cdn_proxy.rules.add(Truncate(MIB), chance=0.5, times=3, seed=SEED + 3),
    ]
    record_property("seed", f"ODHTEC_SEED={SEED}")
    import_and_check(api, s3_bucket, served)
    assert any(rule.fired for rule in rules), f"the seed {SEED} draws no fault"


# --- stalled requests ------------------------------------------------------------------------------------------------

STALLS = {
    "cdn": Stall(3 * MIB, "reply"),
    "create": Stall(0, "reply"),
    "part": Stall(2 * MIB, "request"),
    "complete": Stall(0, "reply"),
}


@pytest.mark.parametrize("kind", ["cdn", "create", "part", "complete"])
def test_import_waits_for_a_stalled_request_while_the_server_answers_others(
    api: Api, s3_bucket: Bucket, served: Repository, inject: Inject, kind: str
) -> None:
    rule = inject(kind, STALLS[kind])
    transfer = api.start_import(s3_bucket.name)["id"]
    assert rule.wait()
    assert api.transfer(transfer)["state"] == "running"
    assert api.call("GET", "buckets")["listable"], "other requests are answered"
    rule.release()
    assert api.ended(transfer)["state"] == "completed"
    assert s3_bucket.contents() == checksums(served)
    assert s3_bucket.unfinished() == []


@pytest.mark.parametrize("kind", ["cdn", "part"])
def test_cancel_ends_a_stalled_transfer(
    api: Api, s3_bucket: Bucket, served: Repository, inject: Inject, kind: str
) -> None:
    before = s3_bucket.put("org/model/large.bin") | s3_bucket.put("org/model/other.bin")
    rule = inject(kind, STALLS[kind])
    transfer = api.start_import(s3_bucket.name, include=["*.bin"])["id"]
    assert rule.wait()
    if kind == "part":  # its memory is released only when the PUT has ended
        rule.drop()
    assert api.call("POST", f"transfers/{transfer}/cancel")["state"] == "cancelled"
    assert s3_bucket.contents().keys() == before.keys()
    assert s3_bucket.unfinished() == []


# --- wrong bytes -----------------------------------------------------------------------------------------------------


def test_corrupted_bytes_from_the_hub_are_detected_and_read_again(
    api: Api, s3_bucket: Bucket, served: Repository, hub_proxy: Proxy, cdn_proxy: Proxy
) -> None:
    rules = [
        cdn_proxy.rules.add(Flip(5 * MIB), path=r"large\.bin"),
        cdn_proxy.rules.add(Flip(0), path=r"other\.bin"),
        hub_proxy.rules.add(Flip(1), "resolve", path=r"config\.json"),
    ]
    import_and_check(api, s3_bucket, served)
    assert [rule.fired for rule in rules] == [1, 1, 1]


def test_file_that_arrives_corrupted_every_time_is_never_visible(
    api: Api, s3_bucket: Bucket, served: Repository, cdn_proxy: Proxy
) -> None:
    before = s3_bucket.put("org/model/large.bin")
    cdn_proxy.rules.add(Flip(MIB), path=r"large\.bin", times=None)
    transfer = api.ended(api.start_import(s3_bucket.name)["id"])
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", "ChecksumMismatch")
    assert s3_bucket.contents() == checksums(served) | before, "the other files are imported"
    assert s3_bucket.unfinished() == []


def flip_on_the_way_to_s3(s3_proxy: Proxy) -> list[Rule]:
    return [
        s3_proxy.rules.add(Flip(MIB, "request"), "part", nth=2, times=1),
        s3_proxy.rules.add(Flip(0, "request"), "put"),
    ]


# RGW compares Content-MD5 and refuses the part. moto does not, so the server compares its ETag.
def test_corrupted_bytes_to_s3_are_sent_again_when_everything_is_verified(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rules = flip_on_the_way_to_s3(s3_proxy)
    import_and_check(api, s3_bucket, served, verify="full")
    assert [rule.fired for rule in rules] == [1, 1]


def test_object_that_is_corrupted_every_time_on_the_way_to_s3_is_never_visible(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, s3_server: S3Server
) -> None:
    before = s3_bucket.put("org/model/large.bin")
    s3_proxy.rules.add(Flip(MIB, "request"), "part", path=r"large\.bin", times=None)
    transfer = api.ended(api.start_import(s3_bucket.name, verify="full", include=["large.bin"])["id"])
    code = "BadDigest" if s3_server.name == "rgw" else "WrongDigest"
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", code)
    assert len(s3_proxy.traffic.parts()) < len(s3_proxy.traffic.seen("part")), "the part is sent again"
    api.call("DELETE", f"transfers/{transfer['id']}")  # before that, stored parts are kept for a retry
    assert s3_bucket.contents() == before
    assert s3_bucket.unfinished() == []


# --- lost replies ----------------------------------------------------------------------------------------------------


def lost(*kinds: str) -> dict[str, dict[str, Action]]:
    return {kind: {kind: LostReply()} for kind in kinds}


@all_and_each(lost("part", "put", "complete", "head"))
def test_import_overcomes_lost_replies(
    api: Api, s3_bucket: Bucket, served: Repository, inject: Inject, faults: Faults
) -> None:
    rules = injected(inject, faults)
    import_and_check(api, s3_bucket, served)
    require_all_happened(rules)


@all_and_each(lost("part", "complete", "head"))
def test_upload_overcomes_lost_replies(api: Api, s3_bucket: Bucket, inject: Inject, faults: Faults) -> None:
    rules = injected(inject, faults)
    upload_and_check(api, s3_bucket)
    require_all_happened(rules)


@pytest.mark.parametrize("parts", [1, 2])
def test_copy_within_s3_overcomes_a_lost_reply(api: Api, s3_bucket: Bucket, s3_proxy: Proxy, parts: int) -> None:
    before = s3_bucket.put("file.bin", UPLOADED.read(), parts=parts)  # with two parts, the copy gets another ETag
    rule = s3_proxy.rules.add(LostReply(), "copy")
    request = {
        "action": "copy",
        "source": f"s3://{s3_bucket.name}/file.bin",
        "target": f"s3://{s3_bucket.name}/copy.bin",
    }
    transfer = api.ended(api.call("POST", "transfers", request)["id"])
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert rule.fired == 1
    assert s3_bucket.contents() == before | {"copy.bin": UPLOADED.sha256}


# Not on moto: it dates every upload 2010, so an upload with an unknown id looks like one of another client.
@on_rgw
def test_import_leaves_no_upload_when_the_reply_with_its_id_is_lost(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    import_and_check(api, s3_bucket, served)
    assert rule.fired == 1


@on_rgw
def test_streaming_leaves_no_upload_when_the_reply_with_its_id_is_lost(
    api: Api, s3_bucket: Bucket, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(LostReply(), "create")
    upload_and_check(api, s3_bucket)
    assert rule.fired == 1


@all_and_each({"lost": {"abort": LostReply()}, "reset": {"abort": Reset()}, "503": {"abort": Status(503, "SlowDown")}})
def test_failed_import_leaves_no_upload_when_the_abort_meets_faults(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, inject: Inject, faults: Faults
) -> None:
    s3_proxy.rules.add(Status(400, "EntityTooLarge"), "part", times=None)
    rules = injected(inject, faults, ["abort"])
    assert api.ended(api.start_import(s3_bucket.name)["id"])["state"] == "failed"
    require_all_happened(rules)
    assert s3_bucket.unfinished() == []


# --- permanent faults ------------------------------------------------------------------------------------------------

REFUSED = {"AccessDenied": 403, "ExpiredToken": 400, "NoSuchBucket": 404}
# The default run has each code and each kind of request once, the extended run has all pairs.
PAIRS = [
    pytest.param(code, kind, marks=[pytest.mark.extended] * (one != other))
    for one, code in enumerate(REFUSED)
    for other, kind in enumerate(("create", "part", "complete"))
]


@pytest.mark.parametrize(("code", "kind"), PAIRS)
def test_permanent_refusal_is_reported_and_changes_nothing(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, code: str, kind: str
) -> None:
    before = s3_bucket.put("org/model/large.bin") | s3_bucket.put("file.bin")
    s3_proxy.rules.add(Status(REFUSED[code], code), kind, times=None)
    transfer = api.ended(api.start_import(s3_bucket.name, include=["*.bin"])["id"])
    assert (transfer["state"], transfer["error"]["code"]) == ("failed", code)
    assert transfer["error"]["message"]
    api.call("DELETE", f"transfers/{transfer['id']}")  # before that, stored parts are kept for a retry
    with pytest.raises(Reply) as refused:
        api.upload(s3_bucket.name, "file.bin", body(), UPLOADED.size)
    assert refused.value.body["error"] == code
    tried = [(one.key, one.query.get("uploadId"), one.query.get("partNumber")) for one in s3_proxy.traffic.seen(kind)]
    assert len(tried) == len(set(tried)), "no request is retried"
    s3_proxy.traffic.wait(lambda: s3_proxy.traffic.unfinished() == 0)  # the refused upload is aborted later
    assert s3_bucket.contents() == before
    assert s3_bucket.unfinished() == []


def test_unreachable_store_is_named_in_the_error(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, s3_server: S3Server
) -> None:
    s3_proxy.rules.add(Reset(), times=None)
    with pytest.raises(Reply) as refused:
        api.start_import(s3_bucket.name)
    assert (refused.value.status, refused.value.body["error"]) == (502, "StoreUnreachable")
    assert "127.0.0.1" in refused.value.body["message"]
