"""Every request that reads content or changes anything is one event, with each of its results."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from tornado.web import RequestHandler

from odhtec_jupyter.audit.event import AuditAction, Result
from odhtec_jupyter.audit.log import SCHEMA
from odhtec_jupyter.policy import Policy
from odhtec_jupyter.routes import ROUTES
from odhtec_jupyter.services import Services
from tests.handlers.audit.conftest import Recorded
from tests.handlers.policy.conftest import SIZE, Switch, settled
from tests.handlers.policy.test_every_route import CALLS, ETAG, Prepare, send
from tests.handlers.test_permissions import ScriptedAuthorizer
from tests.odd_store import OddStore, failure

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
# Lists and metadata: what these reply has no content of an object, and they change nothing.
NOT_RECORDED = {
    "ContractHandler GET",
    "BucketsHandler GET",
    "DownloadHandler HEAD",
    "ViewHandler HEAD",
    "DetailsHandler GET",
    "VersionsHandler GET",
    "TopUploadHandler GET",
    "FolderHandler GET",
    "ImportHandler GET",
    "PresignHandler GET",
    "ObjectHandler GET",
    "ObjectsHandler GET",
    "UsageHandler GET",
    "MultipartsHandler GET",
    "HubRepoHandler GET",
    "HubRefsHandler GET",
    "TransfersHandler GET",
    "TransferEventsHandler GET",
    "TransferHandler GET",
    "TransferFilesHandler GET",
    "UploadsHandler GET",
    "UploadSessionHandler GET",
    "ConnectionsHandler GET",
    "ConnectionHandler GET",
    "S3SettingsHandler GET",
    "HubSettingsHandler GET",
    "ProxySettingsHandler GET",
    "ConcurrencyHandler GET",
    "BandwidthHandler GET",
    "PolicyHandler GET",
    "DisclaimerHandler GET",
    # No address of the API.
    *(f"NotFoundHandler {method}" for method in METHODS),
}
COMMIT = re.compile("@[0-9a-f]{40}$")
OBJECT, FOLDER = "s3://bucket/folder/a.txt", "s3://bucket/folder/"
# By request of the table of the policy: action and URIs. Requests that are not here are lists, metadata or dry runs.
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "createBucket": ("bucket.create", ["s3://bucket/"]),
    "deleteBucket": ("bucket.delete", ["s3://bucket/"]),
    "deleteObject": ("object.delete", [OBJECT]),
    "deleteObject folder": ("object.delete", [FOLDER]),
    "deleteObject version": ("object.delete", [OBJECT]),
    "downloadObject": ("object.read", [OBJECT]),
    "viewObject": ("object.read", [OBJECT]),
    "previewObject": ("preview.read", [OBJECT]),
    "uploadForm": ("object.write", ["s3://bucket/b.txt"]),
    "uploadFormTo": ("object.write", ["s3://bucket/folder/b.txt"]),
    "uploadObject": ("object.write", ["s3://bucket/b.txt"]),
    "uploadObject skip": ("object.write", [OBJECT]),
    "createFolder": ("object.write", ["s3://bucket/new/"]),
    "deleteObjects": ("object.delete", [OBJECT]),
    "deleteObjects folder": ("object.delete", [FOLDER]),
    "setDetails": ("object.change", [OBJECT]),
    "restoreVersion": ("object.restore", [OBJECT]),
    "presign": ("link.create", ["s3://bucket/a"]),
    "presign PUT": ("link.create", ["s3://bucket/a"]),
    "presign usual": ("link.create", ["s3://bucket/a"]),
    "importFromHub": ("hub.import", ["s3://bucket/org/model/", "hf://org/model"]),
    "importFromHub stream": ("hub.import", ["s3://bucket/org/model/", "hf://org/model"]),
    "getArchive": ("archive.read", [FOLDER]),
    "getArchive key": ("archive.read", [OBJECT]),
    "abortMultiparts": ("upload.abort", ["s3://bucket/c.bin"]),
    "startTransfer": ("transfer.create", ["s3://other/b/", FOLDER]),
    "startTransfer into": ("transfer.create", ["s3://bucket/b/", "s3://other/"]),
    "startTransfer move": ("transfer.create", ["s3://bucket/b.txt", OBJECT]),
    "startTransfer sync": ("transfer.create", [FOLDER, "s3://other/"]),
    "startTransfer delete": ("transfer.create", [FOLDER]),
    "startTransfer upload": ("transfer.create", ["s3://bucket/w/", "workspace://w/"]),
    "startTransfer download": ("transfer.create", ["workspace://got/", FOLDER]),
    "startTransfer hub": ("transfer.create", ["s3://bucket/model/", "hf://org/model@main"]),
    "removeTransfer": ("transfer.remove", [OBJECT]),
    "pauseTransfer": ("transfer.pause", [OBJECT]),
    "resumeTransfer": ("transfer.resume", [OBJECT]),
    "retryTransfer": ("transfer.retry", [OBJECT]),
    "cancelTransfer": ("transfer.cancel", [OBJECT]),
    "beginUpload": ("upload.start", ["s3://bucket/n"]),
    "dropUpload": ("upload.abort", ["s3://bucket/u.bin"]),
    "putPart": ("upload.part", ["s3://bucket/u.bin"]),
    "putPart piece": ("upload.part", ["s3://bucket/u.bin"]),
    "completeUpload": ("upload.complete", ["s3://bucket/u.bin"]),
    "addConnection": ("connection.add", []),
    "removeConnection": ("connection.remove", []),
    "saveConnection": ("connection.save", []),
    "testConnection": ("connection.test", ["s3://bucket/"]),
    "testHub": ("settings.test", []),
    "setS3Settings": ("settings.change", []),
    "testS3Settings": ("settings.test", []),
    "testS3Settings other": ("settings.test", []),
    "setHubSettings": ("settings.change", []),
    "testHubSettings": ("settings.test", []),
    "testHubSettings other": ("settings.test", []),
    "setProxySettings": ("settings.change", []),
    "testProxySettings": ("settings.test", []),
    "testProxySettings other": ("settings.test", []),
    "setConcurrency": ("settings.change", []),
    "setBandwidth": ("settings.change", []),
    "setDisclaimer": ("settings.change", []),
}
BYTES = {
    **dict.fromkeys(("downloadObject", "viewObject", "uploadForm", "uploadFormTo", "uploadObject"), SIZE),
    "uploadObject skip": 0,
    "putPart": SIZE,
    "putPart piece": 5,
    "completeUpload": SIZE,
}


def every_method() -> Iterator[tuple[type[Any], str]]:
    for _, handler in ROUTES:
        for method in METHODS:
            if getattr(handler, method.lower()) is not getattr(RequestHandler, method.lower()):
                yield handler, method


def test_every_method_of_every_route_is_recorded_or_only_lists() -> None:
    found = list(every_method())
    assert len(found) > 60
    names = {f"{handler.__name__} {method}" for handler, method in found}
    assert {
        f"{handler.__name__} {method}" for handler, method in found if method not in handler.audited
    } == NOT_RECORDED & names
    for handler, method in found:
        is_read = method in {"GET", "HEAD"}
        assert handler.__name__ == "NotFoundHandler" or is_read or method in handler.audited, handler
        assert not (handler.sends_content and method == "GET") or method in handler.audited, handler


def test_schema_has_the_actions_and_results_of_the_code() -> None:
    fields = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]
    assert fields["action"]["enum"] == list(get_args(AuditAction))
    assert fields["result"]["enum"] == list(get_args(Result))
    declared = {action for handler, _ in every_method() for action in handler.audited.values()}
    assert set(get_args(AuditAction)) == declared | {"transfer.start", "transfer.finish"}
    settings = {handler.setting for handler, _ in every_method()} - {None}
    assert set(fields["setting"]["enum"]) == settings


def test_table_has_every_recorded_action() -> None:
    declared = {action for handler, _ in every_method() for action in handler.audited.values()}
    assert {action for action, _ in EXPECTED.values()} == declared
    assert set(EXPECTED) <= set(CALLS)
    # Each is an event when it succeeds and when Jupyter denies it, which the next tests require.
    assert len(EXPECTED) * 2 > 100


def is_secret(line: str) -> bool:
    """Return whether a line has anything of a request that must not be recorded."""
    words = ("hf_other", "secretAccessKey", "X-Amz-Signature", "Signature=", "x" * SIZE, "token ", "versionId", ETAG)
    return any(word in line for word in words)


async def every_event(
    recorded: Recorded, server: Services, prepare: Prepare, api: Any, before: Any = lambda: None
) -> list[tuple[str, int, list[dict[str, Any]]]]:
    """Send every request of the table. Returns its name, the status of the reply, and its events."""
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):  # with the profile that a request saves
        await asyncio.to_thread(Path(os.environ[variable]).unlink, missing_ok=True)
    server.connections.expire()
    found = []
    for name, one in CALLS.items():
        ids = await prepare(one)
        await settled(server)
        await recorded.events()
        before()
        status, _ = await send(api, one, ids)
        await settled(server)
        events = await (recorded.awaited() if name in EXPECTED else recorded.of_requests())
        path = recorded.path.read_text(encoding="utf-8")
        assert not is_secret(path)
        found.append((name, status, events))
    return found


async def test_each_request_is_one_event(
    recorded: Recorded, server: Services, store: OddStore, prepare: Prepare, odd_api: Any
) -> None:
    token = odd_api.token
    wrong = []
    for name, status, events in await every_event(recorded, server, prepare, odd_api):
        if name not in EXPECTED:
            if events:
                wrong.append((name, events))
            continue
        action, uris = EXPECTED[name]
        is_right = (
            len(events) == 1
            and events[0]["action"] == action
            and events[0]["user"] == "alice"
            and [COMMIT.sub("", uri) for uri in events[0]["uris"]] == uris
            and events[0]["uri_count"] == len(uris)
            and events[0]["status"] == status
            and events[0]["result"] == ("success" if status < 400 else "denied" if status == 403 else "failed")
            and ("code" in events[0]) == (status >= 400)
            and events[0].get("bytes", 0) == BYTES.get(name, events[0].get("bytes", 0))
        )
        if not is_right:
            wrong.append((name, status, events))
    assert not wrong, "\n".join(map(str, wrong))
    assert token not in recorded.path.read_text(encoding="utf-8")


async def test_request_that_jupyter_denies_is_an_event(
    authorizer: type[ScriptedAuthorizer],
    recorded: Recorded,
    server: Services,
    prepare: Prepare,
    odd_api: Any,
) -> None:
    # What `prepare` sends needs the permission, so it is taken away afterwards.
    def deny() -> None:
        ScriptedAuthorizer.denied = {("write", "odhtec"), ("read", "odhtec")}

    async def allow(one: Any) -> dict[str, str]:
        ScriptedAuthorizer.denied = set()
        return await prepare(one)

    wrong = []
    for name, status, events in await every_event(recorded, server, allow, odd_api, deny):
        if name not in EXPECTED or "dry" in name:
            if events and "dry" not in name:
                wrong.append((name, events))
            continue
        is_right = (
            status == 403
            and len(events) == 1
            and events[0]["action"] == EXPECTED[name][0]
            and events[0]["result"] == "denied"
            and (events[0]["status"], events[0]["code"]) == (403, "Forbidden")
            and events[0]["user"] == "alice"
            and not events[0].get("bytes")
        )
        if not is_right:
            wrong.append((name, status, events))
    assert not wrong, "\n".join(map(str, wrong))


async def test_request_that_the_policy_denies_is_an_event(
    recorded: Recorded, server: Services, store: OddStore, switch: Switch, prepare: Prepare, odd_api: Any
) -> None:
    wrong = []
    found = await every_event(recorded, server, prepare, odd_api, lambda: switch(Policy(read_only=True)))
    for name, status, events in found:
        if "read_only" in CALLS[name].refused_by and name in EXPECTED:
            action, _ = EXPECTED[name]
            event = events[0] if len(events) == 1 else {}
            if (
                status != 403
                or (event.get("action"), event.get("result"), event.get("code")) != (action, "denied", "PolicyDenied")
                or not event["uris"]
            ):
                wrong.append((name, status, events))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize(
    ("status", "code", "result"),
    [
        (403, "AccessDenied", "denied"),
        pytest.param(404, "NoSuchBucket", "failed", marks=pytest.mark.extended),
    ],
)
async def test_request_that_the_store_refuses_is_an_event(
    recorded: Recorded,
    server: Services,
    store: OddStore,
    prepare: Prepare,
    odd_api: Any,
    status: int,
    code: str,
    result: str,
) -> None:
    wrong, refused = [], 0

    async def restore(one: Any) -> dict[str, str]:
        store.refuse = None
        return await prepare(one)

    def refuse() -> None:
        store.refuse = lambda request: failure(status, code)

    for name, replied, events in await every_event(recorded, server, restore, odd_api, refuse):
        if name not in EXPECTED:
            continue
        event = events[0] if len(events) == 1 else {}
        if event.get("action") != EXPECTED[name][0]:
            wrong.append((name, replied, events))
        elif event.get("code") in {code, "Forbidden" if status == 403 else code}:  # HEAD has no code
            refused += 1
            if event["result"] not in {result, "failed"}:
                wrong.append((name, replied, events))
        elif replied == status and "test" not in name and name != "restoreVersion":
            wrong.append((name, replied, events))
    assert not wrong, "\n".join(map(str, wrong))
    assert refused > 10


async def test_request_without_credentials_is_no_event(
    recorded: Recorded, http_server_client: Any, jp_base_url: str
) -> None:
    reply = await http_server_client.fetch(f"{jp_base_url}odhtec/api/objects/download/b/YQ", raise_error=False)
    assert reply.code == 403
    assert await recorded.lines() == []
