"""The policy in the configuration of a server."""

from __future__ import annotations

from typing import Any

import pytest

from odhtec_jupyter.keys import encode_key
from tests.odd_store import OddStore

TARGET = ("objects/upload", "bucket", encode_key("a"))


@pytest.fixture
def read_only(jp_server_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODHTEC_READ_ONLY", "false")
    jp_server_config.OdhTecSettings.read_only = True
    jp_server_config.OdhTecSettings.allowed_buckets = ["default@bucket"]


async def test_configured_policy_is_in_force_and_no_request_changes_it(
    read_only: None, odd_store: OddStore, odd_api: Any
) -> None:
    before = await odd_api.ok("GET", "policy")
    assert (before["readOnly"], before["allowedBuckets"]) == (True, ["default@bucket"])
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert (await odd_api.send(method, "policy", json_body={"readOnly": False})).code == 405
    for route in ("s3", "hf", "proxy"):
        for name in ("readOnly", "read_only", "policy"):
            await odd_api.refused(400, "PUT", "settings", route, json_body={name: False})
    change = {"endpoint": odd_store.endpoint, "accessKeyId": "other", "secretAccessKey": "keys"}
    await odd_api.ok("PUT", "settings/s3", json_body=change)
    assert (await odd_api.refused(403, "PUT", *TARGET, body=b"x"))["error"] == "PolicyDenied"
    assert await odd_api.ok("GET", "policy") == before
    shown = (await odd_api.ok("GET", "connections"))["connections"]
    assert {one["name"]: one["readOnly"] for one in shown} == {"default": True}, "the panel disables what would write"
    assert [one for one in odd_store.requests if one.method == "PUT"] == []


@pytest.fixture
def mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODHTEC_READ_ONLY", "yess")


async def test_extension_does_not_start_with_a_mistyped_policy(
    mistyped: None, odd_store: OddStore, odd_api: Any
) -> None:
    assert (await odd_api.send("GET", "policy")).code == 404
    assert (await odd_api.send("PUT", *TARGET, body=b"x")).code == 404
    assert odd_store.requests == []
