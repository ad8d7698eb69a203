"""Every route with every trait of the policy: what is refused, and that nothing of it reaches the store."""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.transfer import Options
from odhtec_jupyter.uris import S3Uri
from tests.handlers.policy.conftest import SIZE, Switch, leaks, settled
from tests.odd_store import OddStore, Stored

CONTRACT = Path(__file__).resolve().parents[3] / "odhtec_jupyter" / "openapi.yaml"
KEY = encode_key("folder/a.txt")
FOLDER = encode_key("folder/")
ETAG = Stored(b"a" * SIZE).etag
# The errors without a policy: the store has no older version, the hub no account, and only what runs can be paused.
WITHOUT_POLICY = {"restoreVersion": 404, "testHubSettings": 403, "testHubSettings other": 403, "pauseTransfer": 409}

# For each trait, a policy in which it alone denies.
POLICIES = {
    "read_only": Policy(read_only=True),
    "allowed_endpoints": Policy(allowed_endpoints=("s3.example.com",)),
    "allowed_buckets": Policy(allowed_buckets=("default@other", "name@bucket")),
    "allow_user_connections": Policy(allow_user_connections=False),
    "allow_presign": Policy(allow_presign=False),
    "presign_max_seconds": Policy(presign_max_seconds=60),
    "allow_settings_changes": Policy(allow_settings_changes=False),
    "allowed_hub_repos": Policy(allowed_hub_repos=("other/*", "datasets/*")),
    "max_object_bytes": Policy(max_object_bytes=SIZE - 1),
}
STATES: dict[str, Any] = {"paused": "paused", "failed": "failed", "done": "completed"}
NOTHING: frozenset[str] = frozenset()
READS = frozenset({"allowed_endpoints", "allowed_buckets"})
WRITES = READS | {"read_only"}
STORES = WRITES | {"max_object_bytes"}
HUB = frozenset({"allowed_hub_repos"})
SETTINGS = frozenset({"allow_settings_changes"})


@dataclass(frozen=True)
class Call:
    """A request that works without a policy, and the traits that refuse it."""

    refused_by: frozenset[str]
    method: str
    parts: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def call(refused_by: frozenset[str], method: str, path: str, **options: Any) -> Call:
    return Call(refused_by, method, tuple(path.split("/")), options)


def form(name: str) -> dict[str, Any]:
    head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return {
        "body": head.encode() + b"x" * SIZE + b"\r\n--limit--\r\n",
        "headers": {"Content-Type": "multipart/form-data; boundary=limit"},
    }


def transfer(action: str, source: str, target: str = "", **more: Any) -> dict[str, Any]:
    return {"json_body": {"action": action, "source": source, **({"target": target} if target else {}), **more}}


# By operation of the contract, with a word after a space for another request to the same operation. In paths, {upload}
# is the ID of an upload that was started before the policy, and {paused}, {failed} and {done} those of transfers.
CALLS = {
    "getContract": call(NOTHING, "GET", "openapi.json"),
    "listBuckets": call(frozenset({"allowed_endpoints"}), "GET", "buckets"),
    "createBucket": call(WRITES, "POST", "buckets", json_body={"bucketName": "bucket"}),
    "deleteBucket": call(WRITES, "DELETE", "buckets/bucket"),
    "listObjects": call(READS, "GET", "objects/bucket"),
    "listObjects search": call(
        READS, "GET", "objects/bucket", params={"q": "a", "mode": "contains", "recursive": "true"}
    ),
    "listFolder": call(READS, "GET", f"objects/bucket/{FOLDER}"),
    "deleteObject": call(WRITES, "DELETE", f"objects/bucket/{KEY}"),
    "deleteObject folder": call(WRITES, "DELETE", f"objects/bucket/{FOLDER}"),
    "deleteObject version": call(WRITES, "DELETE", f"objects/bucket/{KEY}", params={"versionId": "1"}),
    "downloadObject": call(READS, "GET", f"objects/download/bucket/{KEY}"),
    "headObject": call(READS, "HEAD", f"objects/download/bucket/{KEY}"),
    "viewObject": call(READS, "GET", f"objects/view/bucket/{KEY}"),
    "headView": call(READS, "HEAD", f"objects/view/bucket/{KEY}"),
    "previewObject": call(READS, "GET", f"objects/preview/bucket/{KEY}"),
    # The size of a file in a form is not known before: it is refused in the reply, see below.
    "uploadForm": call(WRITES, "POST", "objects/upload/bucket", **form("b.txt")),
    "uploadFormTo": call(WRITES, "POST", f"objects/upload/bucket/{FOLDER}", **form("b.txt")),
    "uploadObject": call(STORES, "PUT", f"objects/upload/bucket/{encode_key('b.txt')}", body=b"x" * SIZE),
    "uploadObject skip": call(
        STORES, "PUT", f"objects/upload/bucket/{KEY}", body=b"x" * SIZE, params={"onConflict": "skip"}
    ),
    "createFolder": call(WRITES, "POST", "objects/folder/bucket", json_body={"prefix": "new/"}),
    "deleteObjects": call(WRITES, "DELETE", "objects/multiple/bucket", json_body={"keys": ["folder/a.txt"]}),
    "deleteObjects folder": call(
        WRITES, "DELETE", "objects/multiple/bucket", json_body={"keys": [], "prefixes": ["folder/"]}
    ),
    "getDetails": call(READS, "GET", f"objects/metadata/bucket/{KEY}"),
    "setDetails": call(
        WRITES, "PUT", f"objects/metadata/bucket/{KEY}", json_body={"etag": ETAG, "Metadata": {"a": "b"}}
    ),
    "listVersions": call(READS, "GET", f"objects/versions/bucket/{KEY}"),
    "restoreVersion": call(WRITES, "POST", f"objects/restore/bucket/{KEY}", json_body={"versionId": "1"}),
    "presign": call(
        READS | {"allow_presign", "presign_max_seconds"},
        *("POST", "objects/presign"),
        json_body={"bucket": "bucket", "key": "a", "expiresIn": 61},
    ),
    "presign PUT": call(
        STORES | {"allow_presign"},
        *("POST", "objects/presign"),
        json_body={"bucket": "bucket", "key": "a", "expiresIn": 60, "method": "PUT"},
    ),
    "presign usual": call(
        READS | {"allow_presign"}, "POST", "objects/presign", json_body={"bucket": "bucket", "key": "a"}
    ),
    "importFromHub": call(
        STORES | HUB, "POST", "objects/import-hf", json_body={"repo": "org/model", "bucket": "bucket"}
    ),
    "importFromHub stream": call(
        WRITES | HUB,
        *("POST", "objects/import-hf"),
        json_body={"repo": "org/model", "bucket": "bucket"},
        headers={"Accept": "text/event-stream"},
    ),
    "countUsage": call(READS, "GET", "usage/bucket"),
    "getArchive": call(READS, "GET", "archive/bucket", params={"prefix": FOLDER}),
    "getArchive key": call(READS, "GET", "archive/bucket", params={"key": KEY}),
    "listMultiparts": call(READS, "GET", "multipart/bucket"),
    "abortMultiparts": call(
        WRITES, "DELETE", "multipart/bucket", json_body={"uploads": [{"Key": "c.bin", "UploadId": "other"}]}
    ),
    "getHubRepo": call(HUB, "GET", "hub/repo", params={"repo": "org/model"}),
    "getHubRefs": call(HUB, "GET", "hub/refs", params={"repo": "org/model"}),
    "listTransfers": call(NOTHING, "GET", "transfers"),
    "startTransfer": call(WRITES, "POST", "transfers", **transfer("copy", "s3://bucket/folder/", "s3://other/b/")),
    "startTransfer into": call(WRITES, "POST", "transfers", **transfer("copy", "s3://other/", "s3://bucket/b/")),
    "startTransfer move": call(
        WRITES, "POST", "transfers", **transfer("move", "s3://bucket/folder/a.txt", "s3://bucket/b.txt")
    ),
    "startTransfer sync": call(WRITES, "POST", "transfers", **transfer("sync", "s3://other/", "s3://bucket/folder/")),
    "startTransfer delete": call(WRITES, "POST", "transfers", **transfer("delete", "s3://bucket/folder/")),
    "startTransfer upload": call(WRITES, "POST", "transfers", **transfer("copy", "workspace://w/", "s3://bucket/w/")),
    "startTransfer download": call(
        READS, "POST", "transfers", **transfer("copy", "s3://bucket/folder/", "workspace://got/")
    ),
    "startTransfer hub": call(
        WRITES | HUB, "POST", "transfers", **transfer("copy", "hf://org/model", "s3://bucket/model/")
    ),
    "startTransfer dry": call(
        WRITES, "POST", "transfers", **transfer("copy", "s3://bucket/folder/", "s3://bucket/b/", dryRun=True)
    ),
    "watchTransfers": call(NOTHING, "GET", "transfers/events"),
    "getTransfer": call(NOTHING, "GET", "transfers/{paused}"),
    "removeTransfer": call(NOTHING, "DELETE", "transfers/{done}"),
    "listTransferFiles": call(NOTHING, "GET", "transfers/{paused}/files"),
    "pauseTransfer": call(NOTHING, "POST", "transfers/{paused}/pause", body=b""),
    "resumeTransfer": call(WRITES, "POST", "transfers/{paused}/resume", body=b""),
    "retryTransfer": call(WRITES, "POST", "transfers/{failed}/retry", body=b""),
    "cancelTransfer": call(NOTHING, "POST", "transfers/{paused}/cancel", body=b""),
    "listUploads": call(frozenset({"allowed_endpoints"}), "GET", "uploads"),
    "beginUpload": call(STORES, "POST", "uploads", json_body={"bucket": "bucket", "key": "n", "size": SIZE}),
    "getUpload": call(READS, "GET", "uploads/{upload}"),
    "dropUpload": call(WRITES, "DELETE", "uploads/{upload}"),
    "putPart": call(STORES, "PUT", "uploads/{upload}/1", body=b"x" * SIZE),
    "putPart piece": call(STORES, "PUT", "uploads/{upload}/1", body=b"x" * 5, params={"offset": "0"}),
    "completeUpload": call(STORES, "POST", "uploads/{upload}/complete", body=b""),
    "listConnections": call(NOTHING, "GET", "connections"),
    "addConnection": call(
        frozenset({"allow_user_connections", "allowed_endpoints"}),
        *("POST", "connections"),
        json_body={"name": "mine", "endpoint": "http://127.0.0.1:9", "anonymous": True},
    ),
    "getConnection": call(NOTHING, "GET", "connections/default"),
    "removeConnection": call(frozenset({"allow_user_connections"}), "DELETE", "connections/mine"),
    "saveConnection": call(frozenset({"allow_user_connections"}), "POST", "connections/saved/save", body=b""),
    # What is denied is in the report.
    "testConnection": call(NOTHING, "POST", "connections/default/test", json_body={"bucket": "bucket", "write": True}),
    "testHub": call(NOTHING, "POST", "hub/test", json_body={"repo": "org/model"}),
    "getS3Settings": call(NOTHING, "GET", "settings/s3"),
    "setS3Settings": call(SETTINGS | {"allowed_endpoints"}, "PUT", "settings/s3", json_body={"region": "eu-west-1"}),
    "testS3Settings": call(frozenset({"allowed_endpoints"}), "POST", "settings/test-s3", json_body={}),
    "testS3Settings other": call(
        SETTINGS | {"allowed_endpoints"}, "POST", "settings/test-s3", json_body={"region": "eu-west-2"}
    ),
    "getHubSettings": call(NOTHING, "GET", "settings/hf"),
    "setHubSettings": call(SETTINGS, "PUT", "settings/hf", json_body={"hfToken": ""}),
    "testHubSettings": call(NOTHING, "POST", "settings/test-hf", json_body={}),
    "testHubSettings other": call(SETTINGS, "POST", "settings/test-hf", json_body={"hfToken": "hf_other"}),
    "getProxySettings": call(NOTHING, "GET", "settings/proxy"),
    "setProxySettings": call(SETTINGS, "PUT", "settings/proxy", json_body={"noProxy": "127.0.0.1"}),
    "testProxySettings": call(frozenset({"allowed_endpoints"}), "POST", "settings/test-proxy", json_body={}),
    "testProxySettings other": call(
        SETTINGS | {"allowed_endpoints"}, "POST", "settings/test-proxy", json_body={"noProxy": "localhost"}
    ),
    "getConcurrency": call(NOTHING, "GET", "settings/max-concurrent-transfers"),
    "setConcurrency": call(
        SETTINGS, "PUT", "settings/max-concurrent-transfers", json_body={"maxConcurrentTransfers": 3}
    ),
    "getBandwidth": call(NOTHING, "GET", "settings/max-bandwidth"),
    "setBandwidth": call(SETTINGS, "PUT", "settings/max-bandwidth", json_body={"maxBandwidth": 0}),
    "getPolicy": call(NOTHING, "GET", "policy"),
    "getDisclaimer": call(NOTHING, "GET", "disclaimer"),
    "setDisclaimer": call(NOTHING, "PUT", "disclaimer", json_body={"accepted": True}),
}


def operations() -> dict[str, tuple[str, str]]:
    """Return method and path of each operation of the contract, which has exactly the routes of the server."""
    paths = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["paths"]
    return {
        one["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, one in methods.items()
        if method != "parameters"
    }


def test_table_has_every_operation_of_the_contract() -> None:
    found = operations()
    assert len(found) > 55
    assert {name.partition(" ")[0] for name in CALLS} == set(found)
    for name, one in CALLS.items():
        method, path = found[name.partition(" ")[0]]
        assert one.method == method, name
        assert len(one.parts) == path.count("/"), (name, path)
        assert all(a == b or b.startswith("{") for a, b in zip(one.parts, path[1:].split("/"), strict=True)), name
    # Each trait is worth a row, and each trait has a policy.
    assert set(POLICIES) == set(Policy.__dataclass_fields__)
    assert set().union(*(one.refused_by for one in CALLS.values())) == set(POLICIES)


Prepare = Callable[[Call], Awaitable[dict[str, str]]]


@pytest.fixture
def prepare(server: Services, store: OddStore, switch: Switch, odd_api: Any, jp_root_dir: Path) -> Prepare:
    """A function that restores what a request of the table needs, without a policy. Returns the IDs for its path."""
    (jp_root_dir / "w").mkdir()
    (jp_root_dir / "w" / "a.txt").write_bytes(b"w" * SIZE)

    async def restore(one: Call) -> dict[str, str]:
        switch(Policy())
        store.buckets = {"bucket": {}, "other": {"o.txt": Stored(b"o" * SIZE)}}
        store.put("folder/a.txt", b"a" * SIZE)
        ids = {name: earlier_transfer(server, name) for name in STATES if f"{{{name}}}" in one.parts}
        if "{upload}" in one.parts:
            started = {"bucket": "bucket", "key": "u.bin", "size": SIZE}
            ids["upload"] = (await odd_api.ok("POST", "uploads", json_body=started, status=201))["uploadId"]
            await odd_api.ok("PUT", "uploads", ids["upload"], "1", body=b"u" * SIZE)
        for name in {"mine", "saved"} & set(one.parts):
            mine = {"name": name, "endpoint": store.endpoint, "accessKeyId": "key", "secretAccessKey": "secret"}
            await odd_api.ok("POST", "connections", json_body=mine, status=201)
        store.requests.clear()
        return ids

    return restore


def earlier_transfer(server: Services, name: str) -> str:
    """Add a transfer of an earlier server in a state, and return its ID."""
    options = Options(keys=["folder/a.txt"], endpoint=server.s3.host, hub_endpoint=server.hub.host, keys_given=True)
    one = server.transfers.new("delete", S3Uri("bucket", "folder/a.txt"), None, options)
    one.state = STATES[name]
    server.transfers._transfers[one.id] = one
    return one.id


def is_named(error: dict[str, str], traits: frozenset[str]) -> bool:
    """Return whether an error names one of these traits."""
    named = any(f"(policy: {trait})" in error["message"] for trait in traits)
    return named and error["error"] == "PolicyDenied"


async def send(api: Any, one: Call, ids: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Send a request of the table. Returns status, and code and message of an error."""
    parts = [part.format_map(ids) if part.startswith("{") else part for part in one.parts]
    if one.parts == ("transfers", "events"):  # it does not end
        stream = await api.events("GET", "transfers/events")
        await stream.close()
        return stream.status, {}
    reply = await api.send(one.method, *parts, **copy.deepcopy(one.options))
    body = json.loads(reply.body) if reply.code >= 400 and reply.body else {}
    return reply.code, body


# Together, those that do not concern objects; alone, they are variants.
USERS = (
    "allow_user_connections",
    "allow_presign",
    "presign_max_seconds",
    "allow_settings_changes",
    "allowed_hub_repos",
)
TRAITS = [(), *((trait,) for trait in POLICIES if trait not in USERS), USERS]
ALONE = [pytest.param((trait,), marks=pytest.mark.extended) for trait in USERS]


def together(traits: tuple[str, ...]) -> Policy:
    return Policy(**{trait: getattr(POLICIES[trait], trait) for trait in traits})


@pytest.mark.parametrize("traits", [*TRAITS, *ALONE], ids=lambda traits: "+".join(traits) or "none")
async def test_each_request_is_refused_by_exactly_the_traits_of_the_table(
    traits: tuple[str, ...], server: Services, store: OddStore, switch: Switch, prepare: Prepare, odd_api: Any, hf: Any
) -> None:
    wrong = []
    for name, one in CALLS.items():
        ids = await prepare(one)
        hf.traffic.clear()
        switch(together(traits))
        status, error = await send(odd_api, one, ids)
        await settled(server)
        if refusing := one.refused_by & set(traits):
            is_right = status == 403 and (one.method == "HEAD" or is_named(error, refusing))
            sent = (
                []
                if traits == ("max_object_bytes",)
                else [request for request in store.requests if request.method not in {"GET", "HEAD"}]
            )
        else:
            is_right = status == WITHOUT_POLICY.get(name) or 200 <= status < 300
            sent = []
        leaked = [request for trait in traits for request in leaks(trait, store.requests)]
        if not is_right or sent or leaked:
            wrong.append((name, status, error, sent, leaked))
        if "allowed_hub_repos" in traits:
            assert not [request for request in hf.traffic.seen() if "org/model" in request.path], name
    assert not wrong, "\n".join(map(str, wrong))
