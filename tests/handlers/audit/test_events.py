"""What events say about odd requests: clients that disconnect, hostile names, parts that fail, transfers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tornado.simple_httpclient import HTTPStreamClosedError

from odhtec_jupyter.audit.event import MAX_URI_LENGTH, MAX_URIS
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.services import Services
from tests.handlers.audit.conftest import Recorded
from tests.handlers.policy.conftest import settled
from tests.odd_store import OddStore, Reply, failure

LARGE = 32 * 1024 * 1024
EVIL = [
    "new\nline",
    'a"}\n{"user": "root"}',
    "tab\tnul\x00",
    "bidi\u202egpj.exe",
    "back\\slash",
    "\u2028line",
    "日本\U0001f600",
]
Eventually = Callable[[Callable[[], bool]], Any]


@pytest.mark.parametrize(
    "route", ["objects/download/bucket/{key}", "objects/view/bucket/{key}", "archive/bucket?key={key}"]
)
async def test_disconnected_download_is_cancelled_with_the_bytes_that_were_sent(
    recorded: Recorded, store: OddStore, odd_api: Any, route: str
) -> None:
    store.put("large.bin", b"l" * LARGE)
    reader, writer = await odd_api.raw("GET", route.format(key=encode_key("large.bin")), {})
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(100_000)
    writer.transport.abort()
    (event,) = await recorded.awaited()
    assert event["result"] == "cancelled"
    assert 100_000 <= event["bytes"] < LARGE
    assert event["uris"] == ["s3://bucket/large.bin"]


async def test_disconnected_upload_is_cancelled(
    recorded: Recorded, server: Services, odd_api: Any, eventually: Eventually
) -> None:
    _, writer = await odd_api.raw("PUT", f"objects/upload/bucket/{encode_key('up.bin')}", {"Content-Length": "1000"})
    writer.write(b"x" * 10)
    await eventually(lambda: bool(server.open_streams))
    writer.transport.abort()
    (event,) = await recorded.awaited()
    assert (event["action"], event["result"], event["bytes"]) == ("object.write", "cancelled", 0)
    assert event["uris"] == ["s3://bucket/up.bin"]


async def test_disconnected_form_tells_which_files_were_stored(
    recorded: Recorded, store: OddStore, odd_api: Any, form: Callable[..., Any], eventually: Eventually
) -> None:
    body, headers = form(("one.txt", b"1" * 10), ("two.txt", b"2" * 100_000))
    _, writer = await odd_api.raw("POST", "objects/upload/bucket", {"Content-Length": str(len(body)), **headers})
    writer.write(body[:-50_000])
    await eventually(lambda: "one.txt" in store.objects)
    writer.transport.abort()
    (event,) = await recorded.awaited()
    assert (event["action"], event["result"], event["bytes"]) == ("object.write", "cancelled", 10)
    assert event["uris"] == ["s3://bucket/one.txt"]


async def test_download_that_the_store_breaks_off_has_failed(recorded: Recorded, store: OddStore, odd_api: Any) -> None:
    store.put("a", b"a" * 1_000_000)
    gets = []

    def tear(request: Any, reply: Reply) -> Reply | None:
        if request.key == "a" and request.method == "GET":
            gets.append(request)
            if len(gets) > 1:
                return failure(404, "NoSuchKey")  # deleted while it is being read
            reply.torn_after = 500_000
        return reply

    store.oddity = tear
    with pytest.raises(HTTPStreamClosedError):
        await odd_api.download("bucket", "a")
    (event,) = await recorded.awaited()
    assert (event["result"], event["status"], event["code"]) == ("failed", 404, "NoSuchKey")
    assert event["bytes"] <= 500_000


@pytest.mark.parametrize("key", EVIL)
async def test_hostile_name_cannot_forge_a_line(recorded: Recorded, store: OddStore, odd_api: Any, key: str) -> None:
    store.put(key, b"x")
    await odd_api.send("DELETE", "objects/bucket", encode_key(key))
    (line,) = await recorded.lines()
    assert line.isascii()
    assert line.isprintable()
    event = json.loads(line)
    assert event["user"] == "alice"
    assert event["uris"] == [f"s3://bucket/{key}"]


@pytest.mark.parametrize(
    ("bucket", "shown"),
    [
        ("AKIAKEY:verysecret@bucket", "s3://bucket/"),
        ("other@b", "s3://b/"),
        ("a\nb", "s3://a%0Ab/"),
        ("x" * 5000, "s3://xxx"),
    ],
)
async def test_name_of_a_bucket_looks_like_no_connection_and_no_key(
    recorded: Recorded, odd_api: Any, bucket: str, shown: str
) -> None:
    await odd_api.send("POST", "buckets", json_body={"bucketName": bucket})
    (event,) = await recorded.awaited()
    (uri,) = event["uris"]
    assert uri.startswith(shown)
    assert len(uri) <= MAX_URI_LENGTH
    assert "verysecret" not in recorded.path.read_text(encoding="utf-8")


async def test_pasted_key_as_a_connection_is_not_recorded(recorded: Recorded, odd_api: Any) -> None:
    await odd_api.send("POST", "buckets", json_body={"bucketName": "b"}, params={"connection": "AKIA:verysecret"})
    (event,) = await recorded.awaited()
    assert event["result"] == "failed"
    assert "connection" not in event
    assert "verysecret" not in recorded.path.read_text(encoding="utf-8")


async def test_secrets_of_requests_are_in_no_event(recorded: Recorded, store: OddStore, odd_api: Any) -> None:
    secrets = ["SECRETKEY111", "SESSION222", "hf_SECRET333", "PROXYPASS444", "QUERY555"]
    link = await odd_api.ok("POST", "objects/presign", json_body={"bucket": "bucket", "key": "a"})
    await odd_api.send(
        *("POST", "connections"),
        json_body={"name": "mine", "endpoint": store.endpoint, "accessKeyId": "k", "secretAccessKey": secrets[0]},
    )
    await odd_api.send("DELETE", "objects/bucket", encode_key("a"), params={"q": secrets[4]})
    await odd_api.send(
        *("POST", "objects/import-hf"),
        json_body={"repo": f"https://u:{secrets[2]}@huggingface.co/a/b", "bucket": "bucket", "token": secrets[2]},
    )
    keys = {"accessKeyId": "k", "secretAccessKey": secrets[0], "sessionToken": secrets[1]}
    await odd_api.send("PUT", "settings/s3", json_body=keys)
    await odd_api.send("PUT", "settings/hf", json_body={"hfToken": secrets[2]})
    await odd_api.send("PUT", "settings/proxy", json_body={"httpProxy": f"http://u:{secrets[3]}@127.0.0.1:9"})
    events = await recorded.events()
    actions = [one["action"] for one in events]
    assert actions == [
        *("link.create", "connection.add", "object.delete", "hub.import"),
        *("settings.change", "settings.change", "settings.change"),
    ]
    assert [one["setting"] for one in events[4:]] == ["s3", "hf", "proxy"]
    text = recorded.path.read_text(encoding="utf-8")
    signature = link["url"].rpartition("ignature=")[2][:20]
    assert len(signature) == 20
    assert not [one for one in (*secrets, odd_api.token, signature, "ignature") if one in text]


async def test_deletion_that_fails_for_one_key_has_failed(recorded: Recorded, store: OddStore, odd_api: Any) -> None:
    part = b"<DeleteResult><Error><Key>kept</Key><Code>AccessDenied</Code><Message/></Error></DeleteResult>"
    store.refuse = lambda request: Reply(200, part) if request.method == "POST" else None
    await odd_api.ok("DELETE", "objects/multiple/bucket", json_body={"keys": ["kept", "gone"]})
    (event,) = await recorded.awaited()
    assert (event["result"], event["status"], event["code"]) == ("failed", 200, "AccessDenied")
    assert event["uris"] == ["s3://bucket/kept", "s3://bucket/gone"]


async def test_code_of_a_store_is_recorded_only_if_it_looks_like_one(
    recorded: Recorded, store: OddStore, odd_api: Any
) -> None:
    store.refuse = lambda request: failure(400, "the secret is verysecret")
    await odd_api.send("POST", "buckets", json_body={"bucketName": "b"})
    (event,) = await recorded.awaited()
    assert event["code"] == "UnknownCode"


async def test_locations_are_limited_and_counted(recorded: Recorded, store: OddStore, odd_api: Any) -> None:
    keys = [f"k{number}" for number in range(MAX_URIS + 50)]
    await odd_api.send("DELETE", "objects/multiple/bucket", json_body={"keys": keys})
    (event,) = await recorded.awaited()
    assert event["uris"] == [f"s3://bucket/{key}" for key in keys[:MAX_URIS]]
    assert event["uri_count"] == MAX_URIS + 50


async def test_dry_run_is_no_event(recorded: Recorded, odd_api: Any) -> None:
    body = {"action": "copy", "source": "s3://bucket/folder/", "target": "s3://other/b/", "dryRun": True}
    await odd_api.ok("POST", "transfers", json_body=body)
    await odd_api.ok("DELETE", "objects/bucket", encode_key("folder/"), params={"dryRun": "true"})
    assert await recorded.events() == []


async def test_transfer_is_recorded_from_its_request_to_its_end(
    recorded: Recorded, server: Services, odd_api: Any
) -> None:
    body = {"action": "copy", "source": "s3://bucket/folder/", "target": "workspace://got/"}
    started = await odd_api.ok("POST", "transfers", json_body=body, status=201)
    await settled(server)
    by_action = {one["action"]: one for one in await recorded.events()}
    assert set(by_action) == {"transfer.create", "transfer.start", "transfer.finish"}
    for event in by_action.values():
        assert (event["user"], event["result"]) == ("alice", "success")
        assert (event["transfer_id"], event["transfer_action"]) == (started["id"], "copy")
        assert event["uris"] == ["workspace://got/", "s3://bucket/folder/"]
    end = by_action["transfer.finish"]
    assert (end["bytes"], end["files_done"], end["files_failed"]) == (20, 1, 0)


async def test_failed_and_cancelled_transfers_end_with_their_result(
    recorded: Recorded, server: Services, odd_api: Any
) -> None:
    body = {"action": "copy", "source": "workspace://missing", "target": "s3://bucket/b"}
    started = await odd_api.ok("POST", "transfers", json_body=body, status=201)
    await settled(server)
    end = next(one for one in await recorded.events() if one["action"] == "transfer.finish")
    assert (end["result"], end["transfer_id"]) == ("failed", started["id"])
    assert end["code"]
    await odd_api.ok("POST", "transfers", started["id"], "cancel", body=b"")
    events = {one["action"]: one for one in await recorded.events()}
    assert events["transfer.finish"]["result"] == "cancelled"
    assert events["transfer.cancel"]["result"] == "success"


async def test_parallel_requests_are_one_event_each(recorded: Recorded, store: OddStore, odd_api: Any) -> None:
    for number in range(60):
        store.put(f"k{number}", b"x" * number)
    await asyncio.gather(*(odd_api.download("bucket", f"k{number}") for number in range(60)))
    found: list[Any] = []
    while len(found) < 60:
        found += await recorded.awaited()
    assert sorted((one["uris"][0], one["bytes"]) for one in found) == sorted(
        (f"s3://bucket/k{number}", number) for number in range(60)
    )
