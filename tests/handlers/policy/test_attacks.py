"""Ways around the policy: names, lengths, connections, and what an earlier server has started."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.transfer import Action
from odhtec_jupyter.uris import parse_uri
from tests.handlers.policy.conftest import SIZE, Switch, leaks, settled
from tests.handlers.raw import reply_of
from tests.odd_store import OddStore, Stored, failure

OTHER = Policy(allowed_buckets=("default@other",))
KEY = encode_key("folder/a.txt")


SPELLINGS = [
    *(
        "bucket",
        "%62ucket",
        "BUCKET",
        "bucket%20",
        "other%2F..%2Fbucket",
        "other%2Fbucket",
        "bucket%2Fother",
        "%2Fbucket",
    ),
    *("other%00", "other%0A", "bucket%23other", "bucket%3Fother", "x@other", "default@other", "arn:aws:s3:::other"),
]


@pytest.mark.parametrize("bucket", SPELLINGS)
async def test_another_spelling_of_a_bucket_is_denied(
    bucket: str, server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    switch(OTHER)
    for method, path, body in (
        ("GET", f"objects/{bucket}", b""),
        ("GET", f"objects/download/{bucket}/{KEY}", b""),
        ("PUT", f"objects/upload/{bucket}/{KEY}", b"new"),
        ("DELETE", f"objects/{bucket}/{KEY}", b""),
    ):
        reader, writer = await odd_api.raw(method, path, {"Content-Length": str(len(body))})
        writer.write(body)
        status, error = await reply_of(reader)
        writer.close()
        assert (status, error["error"]) == (403, "PolicyDenied"), (path, error)
    assert store.requests == []


@pytest.mark.parametrize(
    ("action", "source", "target"),
    [
        ("copy", "s3://default@bucket/folder/", "s3://other/b/"),
        ("copy", "s3://other/", "s3://default@bucket/b/"),
        ("copy", "s3://other/../bucket/", "s3://Bucket/"),
        ("move", "s3://bucket/folder/a.txt", "s3://other/a.txt"),
        ("sync", "s3://bucket/folder/", "workspace://got/"),
        ("delete", "s3://default@bucket/folder/", ""),
    ],
)
async def test_transfer_that_names_a_denied_bucket_in_any_way_is_refused(
    action: str, source: str, target: str, server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    switch(OTHER)
    for more in ({}, {"dryRun": True}):
        request = {"action": action, "source": source, **({"target": target} if target else {}), **more}
        assert (await odd_api.refused(403, "POST", "transfers", json_body=request))["error"] == "PolicyDenied"
    assert store.requests == []


async def test_connection_with_an_allowed_name_gives_no_access(
    server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    switch(Policy(allowed_buckets=("archive@bucket", "other")))
    added = {"name": "archive", "endpoint": store.endpoint, "anonymous": True}
    await odd_api.ok("POST", "connections", json_body=added, status=201)
    named = {"params": {"connection": "archive"}}
    refused = await odd_api.refused(403, "GET", "objects/bucket", **named)
    assert refused["error"] == "PolicyDenied"
    copied = {"action": "copy", "source": "s3://archive@bucket/folder/", "target": "s3://other/b/"}
    assert (await odd_api.refused(403, "POST", "transfers", json_body=copied))["error"] == "PolicyDenied"
    assert store.requests == []
    # What is allowed for all connections is allowed for this one.
    assert (await odd_api.ok("GET", "objects/other", **named))["objects"] == []
    assert [one["Name"] for one in (await odd_api.ok("GET", "buckets", **named))["buckets"]] == ["other"]


async def test_connection_of_a_denied_endpoint_is_shown_with_the_reason(
    server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    added = {"name": "mine", "endpoint": store.endpoint, "anonymous": True}
    await odd_api.ok("POST", "connections", json_body=added, status=201)
    switch(Policy(allowed_endpoints=("s3.example.com",)))
    host = urlsplit(store.endpoint).netloc
    shown = await odd_api.ok("GET", "connections", "default")
    assert (
        shown["error"] == f"The endpoint {host} is not allowed here (policy: allowed_endpoints). Ask the administrator."
    )
    for fooled in (f"{store.endpoint}/s3.example.com", store.endpoint.replace("127.0.0.1", "localhost")):
        refused = await odd_api.refused(403, "POST", "connections", json_body=added | {"endpoint": fooled})
        assert refused["error"] == "PolicyDenied"
        change = {"endpoint": fooled, "accessKeyId": "a", "secretAccessKey": "b"}
        assert (await odd_api.refused(403, "PUT", "settings/s3", json_body=change))["error"] == "PolicyDenied"
        assert (await odd_api.refused(403, "POST", "settings/test-s3", json_body=change))["error"] == "PolicyDenied"
    # Its settings can be changed to an allowed endpoint.
    change = {"endpoint": "https://s3.example.com", "accessKeyId": "a", "secretAccessKey": "b"}
    await odd_api.ok("PUT", "settings/s3", json_body=change)
    assert (await odd_api.ok("GET", "connections", "default"))["error"] is None
    assert store.requests == []


async def test_bucket_in_an_endpoint_is_denied(server: Services, store: OddStore, switch: Switch, odd_api: Any) -> None:
    store.put("other/secret", b"secret")
    inside = {"endpoint": f"{store.endpoint}/bucket", "accessKeyId": "a", "secretAccessKey": "b"}
    for more in ({}, {"allowed_endpoints": ("127.0.0.1",)}):
        switch(Policy(allowed_buckets=("other",), **more))
        for method, path, body in (
            ("POST", "connections", inside | {"name": "inside"}),
            ("PUT", "settings/s3", inside),
            ("POST", "settings/test-s3", inside),
        ):
            refused = await odd_api.refused(403, method, *path.split("/"), json_body=body)
            assert refused["error"] == "PolicyDenied", path
    assert store.requests == []


@pytest.mark.parametrize(
    "query",
    [
        {"repo": "org/model", "repoType": "dataset"},
        {"repo": "org/model", "repoType": "space"},
        {"repo": "datasets/org/model"},
        {"repo": "hf://datasets/org/model"},
        {"repo": "https://huggingface.co/spaces/org/model"},
        {"repo": "Org/model"},
        {"repo": "other/org/model"},
        {"repo": "other/model"},
    ],
    ids=str,
)
async def test_another_spelling_of_a_repository_is_denied(
    query: dict[str, str], server: Services, switch: Switch, odd_api: Any, hf: Any
) -> None:
    switch(Policy(allowed_hub_repos=("org/*",)))
    await odd_api.ok("GET", "hub/repo", params={"repo": "org/model"})
    hf.traffic.clear()
    for route in ("repo", "refs"):
        reply = await odd_api.send("GET", "hub", route, params=query)
        assert reply.code in {400, 403}
        assert reply.code == 400 or json.loads(reply.body)["error"] == "PolicyDenied"
    imported = {"bucket": "bucket", **query}
    reply = await odd_api.send("POST", "objects/import-hf", json_body=imported)
    assert reply.code in {400, 403}
    assert not hf.traffic.seen()


# --- sizes --------------------------------------------------------------------------------------------------------


async def chunked(api: Any, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
    reader, writer = await api.raw("PUT", target, {"Transfer-Encoding": "chunked"})
    for start in range(0, len(body), 65536):
        piece = body[start : start + 65536]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        try:
            await writer.drain()
        except ConnectionError:
            break
    writer.write(b"0\r\n\r\n")
    try:
        return await reply_of(reader)
    finally:
        writer.close()


@pytest.mark.parametrize("limit", [SIZE - 1, 2 * PART_SIZE])
async def test_body_without_a_length_is_stopped_at_the_limit(
    limit: int, server: Services, store: OddStore, switch: Switch, odd_api: Any, eventually: Any
) -> None:
    switch(Policy(max_object_bytes=limit))
    status, error = await chunked(odd_api, f"objects/upload/bucket/{encode_key('new')}", b"x" * (limit + 1))
    assert (status, error["error"]) == (403, "PolicyDenied")
    assert "max_object_bytes" in error["message"]
    await eventually(lambda: not store.uploads)
    assert set(store.objects) == {"folder/a.txt"}
    status, _ = await chunked(odd_api, f"objects/upload/bucket/{encode_key('new')}", b"x" * limit)
    assert status == 201
    assert len(store.objects["new"].body) == limit


async def test_file_of_a_form_is_refused_and_the_others_are_stored(
    server: Services, store: OddStore, switch: Switch, odd_api: Any, form: Any
) -> None:
    switch(Policy(max_object_bytes=SIZE))
    body, headers = form(("large", b"x" * (SIZE + 1)), ("small", b"x" * SIZE))
    reply = await odd_api.ok("POST", "objects/upload/bucket", body=body, headers=headers, status=207)
    assert [(one["Key"], one["Code"]) for one in reply["errors"]] == [("large", "PolicyDenied")]
    assert set(store.objects) == {"folder/a.txt", "small"}


async def test_resumable_upload_cannot_have_more_bytes_than_it_announces(
    server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    switch(Policy(max_object_bytes=SIZE))
    request = {"bucket": "bucket", "key": "new", "size": SIZE}
    upload = await odd_api.ok("POST", "uploads", json_body=request, status=201)
    await odd_api.refused(400, "PUT", "uploads", upload["uploadId"], "1", body=b"x" * (SIZE + 1))
    await odd_api.refused(400, "PUT", "uploads", upload["uploadId"], "2", body=b"x" * SIZE)
    await odd_api.ok("PUT", "uploads", upload["uploadId"], "1", body=b"x" * SIZE)
    await odd_api.ok("POST", "uploads", upload["uploadId"], "complete", body=b"", status=201)
    assert len(store.objects["new"].body) == SIZE


@pytest.mark.parametrize(
    ("action", "source"),
    [
        *(("copy", source) for source in ("s3://other/", "workspace://w/", "hf://org/model")),
        *(("move", source) for source in ("s3://other/", "workspace://w/")),
        ("sync", "s3://other/"),
    ],
)
async def test_file_that_is_too_large_is_not_copied(
    action: str, source: str, server: Services, store: OddStore, switch: Switch, odd_api: Any, jp_root_dir: Any
) -> None:
    store.buckets["other"] = {"large": Stored(b"o" * SIZE), "small": Stored(b"o")}
    (jp_root_dir / "w").mkdir()
    (jp_root_dir / "w" / "large").write_bytes(b"w" * SIZE)
    switch(Policy(max_object_bytes=SIZE - 1))
    request = {"action": action, "source": source, "target": "s3://bucket/to/"}
    plan = await odd_api.ok("POST", "transfers", json_body=request | {"dryRun": True})
    assert {one["what"] for one in plan["files"] if one["size"] == SIZE} == {"refuse"}
    started = await odd_api.ok("POST", "transfers", json_body=request, status=201)
    done = await odd_api.finished(started["id"])
    assert (done["state"], done["error"]["code"]) == ("failed", "PolicyDenied")
    # A second try must not copy it either.
    await odd_api.ok("POST", "transfers", started["id"], "retry", body=b"")
    await settled(server)
    assert leaks("max_object_bytes", store.requests) == []
    assert {key for key in store.objects if key.startswith("to/")} <= {"to/small"}
    assert "large" in store.buckets["other"]


# --- what an earlier server has started ---------------------------------------------------------------------------

EARLIER: list[tuple[Action, str, str]] = [
    ("copy", "s3://bucket/folder/", "s3://other/b/"),
    ("copy", "s3://other/", "s3://bucket/b/"),
    ("copy", "workspace://w/", "s3://bucket/w/"),
    ("copy", "s3://bucket/folder/", "workspace://got/"),
    ("move", "s3://bucket/folder/a.txt", "s3://bucket/b.txt"),
    ("sync", "s3://other/", "s3://bucket/folder/"),
    ("delete", "s3://bucket/folder/", ""),
    ("import", "hf://org/model", "s3://bucket/model/"),
]
DENYING = {
    "read_only": Policy(read_only=True),
    "allowed_buckets": OTHER,
    "allowed_endpoints": Policy(allowed_endpoints=("s3.example.com",)),
    "allowed_hub_repos": Policy(allowed_hub_repos=("other/*",)),
}


@pytest.mark.parametrize("trait", DENYING)
async def test_transfer_of_an_earlier_server_is_paused_with_the_reason(
    trait: str, server: Services, store: OddStore, switch: Switch, odd_api: Any, jp_root_dir: Any, hf: Any
) -> None:
    store.buckets["other"] = {"o.txt": Stored(b"o")}
    (jp_root_dir / "w").mkdir()
    (jp_root_dir / "w" / "a.txt").write_bytes(b"w")
    started = []
    for action, source, target in EARLIER:
        if trait == "allowed_hub_repos" and action != "import":
            continue
        ends = parse_uri(source, "source"), parse_uri(target, "target") if target else None
        options = server.deletion([], ["folder/"]) if action == "delete" else server.deletion([], [])
        started.append(server.transfers.new(action, *ends, options))
    switch(DENYING[trait])
    store.requests.clear()
    hf.traffic.clear()
    reads = 0
    for one in started:
        await server.transfers.start(one)
        await settled(server)
        if trait == "read_only" and str(one.target).startswith("workspace://"):
            assert one.state == "completed"  # reading goes on
            reads += 1
            continue
        assert one.state == "paused", (one.action, one.source, one.state, one.error)
        assert one.error is not None
        assert f"(policy: {trait})" in one.error.message
        refused = await odd_api.refused(403, "POST", "transfers", one.id, "resume", body=b"")
        assert refused["error"] == "PolicyDenied"
    assert reads == (trait == "read_only")
    assert leaks(trait, store.requests) == []
    assert trait != "allowed_hub_repos" or not hf.traffic.seen()
    switch(Policy())
    await server.transfers.wake()
    await settled(server)
    assert {one.state for one in started} <= {"completed", "failed"}  # some are of the same objects
    assert "completed" in {one.state for one in started}


async def test_no_secret_is_in_the_policy(server: Services, switch: Switch, odd_api: Any) -> None:
    switch(Policy(allowed_endpoints=("s3.example.com",), presign_max_seconds=60))
    assert await odd_api.ok("GET", "policy") == {
        "readOnly": False,
        "allowedEndpoints": ["s3.example.com"],
        "allowedBuckets": [],
        "allowUserConnections": True,
        "allowPresign": True,
        "presignMaxSeconds": 60,
        "allowSettingsChanges": True,
        "allowedHubRepos": [],
        "maxObjectBytes": 0,
    }


async def test_large_file_of_an_earlier_plan_is_refused_before_its_first_byte(
    server: Services, store: OddStore, switch: Switch, odd_api: Any
) -> None:
    store.buckets["other"] = {"large": Stored(b"o" * (PART_SIZE + 1))}
    added = {"name": "mine", "endpoint": store.endpoint, "accessKeyId": "key", "secretAccessKey": "secret"}
    await odd_api.ok("POST", "connections", json_body=added, status=201)
    store.refuse = lambda request: failure(403, "AccessDenied") if request.method in {"POST", "PUT"} else None
    for source in ("s3://other/", "s3://mine@other/"):  # copied by the store, and through the server
        request = {"action": "copy", "source": source, "target": "s3://bucket/to/"}
        started = await odd_api.ok("POST", "transfers", json_body=request, status=201)
        assert (await odd_api.finished(started["id"]))["error"]["code"] == "AccessDenied"
        store.requests.clear()
        switch(Policy(max_object_bytes=PART_SIZE))
        await odd_api.ok("POST", "transfers", started["id"], "retry", body=b"")
        await settled(server)
        done = await odd_api.ok("GET", "transfers", started["id"])
        assert (done["state"], done["error"]["code"]) == ("failed", "PolicyDenied")
        assert leaks("read_only", store.requests) == []
        switch(Policy())
