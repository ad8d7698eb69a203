"""``/settings``: values are validated before they are stored, and secrets are never returned."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.handlers.contract import NotFoundHandler
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.routes import ROUTES
from tests.marks import on_https, on_moto, on_rgw_and_https

SECRETS = {
    "settings/s3": {
        "accessKeyId": "visible-key-id",
        "secretAccessKey": "HIDDEN-secret-key",
        "sessionToken": "HIDDEN-session-token",
    },
    "settings/hf": {"hfToken": "HIDDEN-hub-token"},
    "settings/proxy": {"noProxy": "127.0.0.1"},
}


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def services_of(jp_serverapp: Any) -> Any:
    return next(iter(jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"])).services


@on_moto
async def test_replies_and_logs_contain_no_secret(
    api: Any, hf: HubStandIn, bucket: str, jp_serverapp: Any, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    hf.service.tokens["HIDDEN-hub-token"] = "me"
    hf.add(Repository("org/model")).commit({"a.txt": b"a"})
    texts = []
    for path, body in SECRETS.items():
        texts.append((await api.send("PUT", path, json_body=body)).body.decode())
    proxy = f"http://user:HIDDEN-proxy-word@127.0.0.1:{closed_port}"
    texts.append((await api.send("PUT", "settings/proxy", json_body={"httpProxy": proxy})).body.decode())
    await api.put(bucket, "a", b"x")
    started = await api.ok("POST", "objects/import-hf", json_body={"repo": "org/model", "bucket": bucket}, status=201)
    await api.finished(started["id"])

    upload = await api.ok("POST", "uploads", json_body={"bucket": bucket, "key": "u", "size": 5}, status=201)
    filled = {
        "bucket": bucket,
        "key": encode_key("a"),
        "prefix": encode_key("a"),
        "transfer_id": started["id"],
        "upload_id": upload["uploadId"],
        "part": "1",
        "name": "added",
    }
    added = {"name": "added", "accessKeyId": "a", "secretAccessKey": "HIDDEN-added", "sessionToken": "HIDDEN-token"}
    texts.append((await api.send("POST", "connections", json_body=added)).body.decode())

    async def send_all_requests() -> None:
        for pattern, handler in ROUTES:
            if handler is NotFoundHandler or pattern == "/transfers/events" or not hasattr(handler, "get"):
                continue
            path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda match: filled[match[1]], pattern)
            reply = await api.send("GET", path, params={"repo": "org/model"})
            texts.append(f"{reply.body.decode()}{dict(reply.headers)}")
        for test in ("s3", "hf", "proxy"):
            texts.append((await api.send("POST", f"settings/test-{test}", json_body={})).body.decode())

    await send_all_requests()
    # With an unreachable proxy, errors name the proxy without its password.
    await api.ok("PUT", "settings/proxy", json_body={"noProxy": ""})
    await send_all_requests()
    stream = await api.events("GET", "transfers/events")
    texts += [str(await stream.next()) for _ in range(2)]
    await stream.close()
    services = services_of(jp_serverapp)
    texts += [
        repr(services.settings),
        repr(services.settings.s3),
        repr(services.settings.hub),
        repr(services.settings.network),
    ]
    assert services.settings.s3.secret_access_key == "HIDDEN-secret-key"
    assert len(texts) > 40
    assert any("visible-key-id" in text for text in texts)
    assert any("user:***@" in text for text in texts)
    assert any("StoreUnreachable" in text for text in texts)
    assert not [text for text in [*texts, caplog.text] if "HIDDEN" in text]


@on_moto
async def test_invalid_setting_is_400_and_changes_nothing(api: Any) -> None:
    kinds = ("s3", "hf", "proxy", "max-concurrent-transfers", "max-bandwidth")
    before = [await api.ok("GET", "settings", kind) for kind in kinds]
    for path, body in (
        *(
            ("max-concurrent-transfers", {"maxConcurrentTransfers": value})
            for value in (0, 65, -1, "x", "3", 1.5, True, None)
        ),
        ("max-concurrent-transfers", {}),
        *(
            ("max-bandwidth", {"maxBandwidth": value})
            for value in (1, 9999, -1, 10**12 + 1, "0", 1e6 + 0.5, True, None)
        ),
        ("max-bandwidth", {}),
        ("s3", {"endpoint": "ftp://host", "region": "new-1"}),
        ("s3", {"region": "not a region"}),
        ("s3", {"secretAccessKey": ""}),
        ("s3", {"accessKeyId": "a\nb"}),
        ("s3", {"endpoint": 1}),
        ("s3", {"endPoint": "http://host"}),
        ("hf", {"hfEndpoint": "host:port"}),
        ("hf", {"hfToken": "a b"}),
        ("proxy", {"httpProxy": "http://", "noProxy": "new"}),
        ("proxy", {"httpsProxy": "socks5://host"}),
    ):
        await api.refused(400, "PUT", "settings", path, json_body=body)
    assert [await api.ok("GET", "settings", kind) for kind in kinds] == before


@on_moto
async def test_change_takes_effect_immediately(api: Any, bucket: str, closed_port: int, jp_serverapp: Any) -> None:
    endpoint = (await api.ok("GET", "settings/s3"))["endpoint"]
    await api.ok("GET", "objects", bucket)
    other = {"endpoint": f"http://127.0.0.1:{closed_port}", "secretAccessKey": "secret"}
    await api.ok("PUT", "settings/s3", json_body=other)
    assert (await api.refused(502, "GET", "objects", bucket))["error"] == "StoreUnreachable"
    await api.ok("PUT", "settings/s3", json_body={**other, "endpoint": endpoint, "defaultBucket": bucket})
    assert (await api.ok("GET", "buckets"))["defaultBucket"] == bucket
    changed = await api.ok("PUT", "settings/max-concurrent-transfers", json_body={"maxConcurrentTransfers": 9})
    assert changed == await api.ok("GET", "settings/max-concurrent-transfers") == {"maxConcurrentTransfers": 9}
    assert services_of(jp_serverapp).engine.slots.limit == 9
    told = await api.ok("PUT", "settings/max-bandwidth", json_body={"maxBandwidth": 20_000_000})
    assert told == await api.ok("GET", "settings/max-bandwidth") == {"maxBandwidth": 20_000_000}
    assert services_of(jp_serverapp).engine.bandwidth.limit == 20_000_000


@on_moto
async def test_unreachable_store_is_502_naming_the_host(api: Any, closed_port: int) -> None:
    where = f"127.0.0.1:{closed_port}"
    change = {"endpoint": f"http://{where}", "secretAccessKey": "secret"}
    body = await api.refused(502, "POST", "settings/test-s3", json_body=change)
    assert body["error"] == "StoreUnreachable"
    assert where in body["message"]
    assert "0x" not in body["message"]
    assert (await api.ok("GET", "settings/s3"))["endpoint"] != change["endpoint"]  # a test stores nothing
    body = await api.refused(
        502, "POST", "settings/test-hf", json_body={"hfEndpoint": f"http://{where}", "hfToken": "x"}
    )
    assert body["error"] == "HubUnreachable"
    assert where in body["message"]


@pytest.mark.tls
async def test_successful_test_of_a_connection_is_reported(api: Any, bucket: str) -> None:
    reply = await api.ok("POST", "settings/test-s3", json_body={"defaultBucket": bucket})
    assert reply["ok"] is True
    assert bucket in reply["message"]
    absent = await api.refused(404, "POST", "settings/test-s3", json_body={"defaultBucket": f"absent-{bucket}"})
    assert absent["error"] == "NoSuchBucket"


@on_rgw_and_https
async def test_invalid_secret_key_is_403_with_the_reason(api: Any) -> None:
    body = await api.refused(403, "POST", "settings/test-s3", json_body={"secretAccessKey": "wrong"})
    assert body["error"] == "SignatureDoesNotMatch"
    body = await api.refused(
        403, "POST", "settings/test-s3", json_body={"accessKeyId": "unknown", "secretAccessKey": "wrong"}
    )
    assert body["error"] == "InvalidAccessKeyId"
    await api.ok("POST", "settings/test-s3", json_body={})


@on_https
async def test_unknown_certificate_authority_is_reported(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    body = await api.refused(502, "GET", "buckets")
    assert body["error"] == "StoreUnreachable"
    assert "certificate" in body["message"]


@on_moto
async def test_token_is_tested_without_storing_it(api: Any, hf: HubStandIn) -> None:
    hf.service.tokens["hf_mine"] = "rita"
    assert (await api.refused(403, "POST", "settings/test-hf", json_body={}))["error"] == "NoToken"
    assert (await api.refused(403, "POST", "settings/test-hf", json_body={"hfToken": "hf_no"}))[
        "error"
    ] == "InvalidToken"
    assert "rita" in (await api.ok("POST", "settings/test-hf", json_body={"hfToken": "hf_mine"}))["message"]
    assert (await api.ok("GET", "settings/hf"))["hfTokenSet"] is False


@on_moto
async def test_no_proxy_applies_to_store_and_hub(api: Any, hf: HubStandIn, bucket: str, closed_port: int) -> None:
    hf.add(Repository("org/model")).commit({"a.txt": b"a", "b.bin": b"b"})
    proxy = {"httpProxy": f"http://127.0.0.1:{closed_port}"}
    assert (await api.refused(502, "POST", "settings/test-proxy", json_body=proxy))["error"] == "StoreUnreachable"
    await api.ok("PUT", "settings/proxy", json_body=proxy)
    assert (await api.refused(502, "GET", "objects", bucket))["error"] == "StoreUnreachable"
    assert (await api.refused(502, "GET", "hub/repo", params={"repo": "org/model"}))["error"] == "HubUnreachable"
    assert "directly" in (await api.ok("POST", "settings/test-proxy", json_body={"noProxy": "127.0.0.0/8"}))["message"]
    await api.ok("PUT", "settings/proxy", json_body={"noProxy": "127.0.0.0/8"})
    started = await api.ok("POST", "objects/import-hf", json_body={"repo": "org/model", "bucket": bucket}, status=201)
    assert (await api.finished(started["id"]))["state"] == "completed"


@on_moto
async def test_accepted_disclaimer_stays_accepted(api: Any) -> None:
    disclaimer = await api.ok("GET", "disclaimer")
    assert (disclaimer["name"], disclaimer["accepted"]) == ("ODH-TEC for Jupyter", False)
    assert (await api.ok("PUT", "disclaimer", json_body={"accepted": True}))["accepted"] is True
    assert (await api.ok("GET", "disclaimer"))["accepted"] is True
    await api.refused(400, "PUT", "disclaimer", json_body={"accepted": "perhaps"})
    assert (await api.ok("PUT", "disclaimer", json_body={"accepted": False}))["accepted"] is False
