"""``POST /connections/{name}/test``: what the report has, who can see what, and that nothing stays."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.services import Services
from tests.handlers.conftest import Api
from tests.odd_store import OddStore, Request, failure
from tests.waiting import GIVE_UP_SECONDS


def status(report: Any, name: str) -> str:
    found: str = next(one["status"] for one in report["checks"] if one["id"] == name)
    return found


async def test_report_has_a_line_for_each_check_and_a_text(odd_api: Api, odd_store: OddStore) -> None:
    odd_store.put("a", b"1")
    found = await odd_api.ok("POST", "connections", "default", "test", json_body={"bucket": "s3://bucket/"})
    assert (found["connection"], found["endpoint"], found["bucket"]) == ("default", odd_store.endpoint, "bucket")
    assert found["status"] == "ok"
    assert [one["id"] for one in found["checks"]] == [
        *("definition", "environment", "dns", "tcp", "proxy", "tls", "service", "clock", "credentials", "region"),
        *("buckets", "list", "read", "write", "multipart", "checksum", "condition", "delete"),
    ]
    for one in found["checks"]:
        assert f"{one['status']:<8} {one['title']}: {one['message']}\n" in found["text"]
    assert found["text"].startswith("Connection default (source: environment)\n")
    assert {one.method for one in odd_store.requests} <= {"GET", "HEAD"}


async def test_body_is_optional_and_checked(odd_api: Api, odd_store: OddStore) -> None:
    assert (await odd_api.ok("POST", "connections", "default", "test"))["bucket"] == "bucket"
    sent = len(odd_store.requests)
    for body, message in (
        ({"write": "perhaps"}, "write: "),
        ({"bucket": "b" * 256}, "bucket: "),
        ({"endpoint": "http://127.0.0.1:9"}, "endpoint: "),
    ):
        refused = await odd_api.refused(400, "POST", "connections", "default", "test", json_body=body)
        assert refused["message"].startswith(message)
    missing = await odd_api.refused(404, "POST", "connections", "missing", "test")
    assert missing["error"] == "NoSuchConnection"
    assert len(odd_store.requests) == sent


async def test_write_is_tested_on_request_and_leaves_nothing(
    odd_api: Api, odd_store: OddStore, jp_serverapp: Any
) -> None:
    services = services_of(jp_serverapp)
    body = {"write": True, "bucket": "bucket"}
    found = await odd_api.ok("POST", "connections", "default", "test", json_body=body)
    assert status(found, "write") == status(found, "delete") == "ok"
    assert odd_store.objects == odd_store.uploads == {}
    assert services.engine.pending_writes.entries == []
    assert services.s3.abilities.refuses_put is True


async def test_multipart_upload_that_cannot_be_aborted_is_aborted_later(
    odd_api: Api, odd_store: OddStore, jp_serverapp: Any
) -> None:
    services = services_of(jp_serverapp)
    odd_store.refuse = lambda request: failure(403, "AccessDenied") if request.method == "DELETE" else None
    body = {"write": True, "bucket": "bucket"}
    found = await odd_api.ok("POST", "connections", "default", "test", json_body=body)
    assert status(found, "multipart") == "warning"
    assert len(odd_store.uploads) == len(services.engine.pending_writes.entries) == 1
    odd_store.refuse = None
    await services.sweep()
    assert odd_store.uploads == {}
    assert services.engine.pending_writes.entries == []


async def test_broken_connection_is_reported(odd_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MC_HOST_bad", "nothing")
    found = await odd_api.ok("POST", "connections", "bad", "test", json_body={"write": True, "bucket": "bucket"})
    assert found["status"] == "failed"
    assert found["checks"][0]["message"] == "endpoint must be a URL such as https://host:port."


async def test_connection_with_the_same_keys_is_named(
    odd_api: Api, monkeypatch: pytest.MonkeyPatch, odd_store: OddStore
) -> None:
    monkeypatch.setenv("MC_HOST_archive", "https://key:HIDDEN@archive.example.com")
    reply = await odd_api.send("POST", "connections", "default", "test")
    assert "HIDDEN" not in reply.body.decode()
    found = json.loads(reply.body)
    assert "“archive” has the same access key ID" in found["checks"][1]["message"]


async def test_test_ends_when_the_client_disconnects(
    odd_api: Api,
    odd_store: OddStore,
    eventually: Callable[[Callable[[], bool]], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for limit in ("STEP_SECONDS", "TOTAL_SECONDS"):  # so that nothing else ends it
        monkeypatch.setattr(f"odhtec_jupyter.doctor.examination.{limit}", float("inf"))
    asked, released = threading.Event(), threading.Event()

    def hang(request: Request) -> None:
        if "authorization" in request.headers:  # the wait for a reply to another request is shorter
            asked.set()
            released.wait()

    odd_store.refuse = hang
    try:
        _, writer = await odd_api.raw("POST", "connections/default/test", {"Content-Length": "0"})
        await asyncio.to_thread(asked.wait, GIVE_UP_SECONDS)
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: not any("odhtec-test" in one.name for one in threading.enumerate()))
    finally:
        released.set()


class CannotRead(Authorizer):
    """An authorizer of users who can change settings and not read them."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("read", "odhtec-settings")


@pytest.fixture
def cannot_read(jp_server_config: Any) -> None:
    jp_server_config.ServerApp.authorizer_class = CannotRead


async def test_account_is_hidden_from_users_who_cannot_read_settings(
    cannot_read: None, odd_api: Api, odd_store: OddStore
) -> None:
    odd_store.refuse = lambda request: failure(403, "InvalidAccessKeyId")
    found = await odd_api.ok("POST", "connections", "default", "test")
    message = next(one["message"] for one in found["checks"] if one["id"] == "credentials")
    assert message.startswith("The store does not know the access key ID. ")


def services_of(jp_serverapp: Any) -> Services:
    found: Services = jp_serverapp.extension_manager.extension_points["odhtec_jupyter"].app.services
    return found


async def test_hub_is_tested_with_its_files(hf: HubStandIn, odd_api: Api) -> None:
    hf.add(Repository("org/name")).commit({"a.txt": b"text"})
    found = await odd_api.ok("POST", "hub/test", json_body={"repo": " org/name "})
    assert (found["endpoint"], found["repo"], found["status"]) == (hf.endpoint, "org/name", "ok")
    assert found["text"].startswith(f"Hugging Face\nEndpoint {hf.endpoint}, repository org/name\n")
    assert (await odd_api.ok("POST", "hub/test"))["repo"] is None
    refused = await odd_api.refused(400, "POST", "hub/test", json_body={"token": "hf_x"})
    assert refused["message"].startswith("token: ")
