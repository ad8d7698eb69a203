"""``/connections``: what is shown, added and removed, and that no secret leaves the server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from tests.handlers.conftest import Api
from tests.marks import on_moto

pytestmark = on_moto

NEW = {"name": "new", "endpoint": "http://127.0.0.1:9", "accessKeyId": "new-id", "secretAccessKey": "HIDDEN"}


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MC_HOST_lab", "https://lab-id:HIDDEN:HIDDEN-token@minio.example.com")
    monkeypatch.setenv("MC_HOST_default", "https://play.example.com")
    monkeypatch.setenv("MC_HOST_bad", "nothing")


def by_name(reply: Any) -> dict[str, Any]:
    return {one["name"]: one for one in reply["connections"]}


async def test_all_connections_are_listed_with_their_state_and_without_secrets(api: Api, s3_server: Any) -> None:
    reply = await api.send("GET", "connections")
    assert "HIDDEN" not in reply.body.decode()
    assert s3_server.secret_access_key not in reply.body.decode()
    found = await api.ok("GET", "connections")
    assert [one["name"] for one in found["connections"]] == ["default", "bad", "lab"]
    lab = by_name(found)["lab"]
    assert (lab["source"], lab["endpoint"], lab["accessKeyId"]) == ("mc", "https://minio.example.com", "lab-id")
    assert (lab["secretAccessKeySet"], lab["sessionTokenSet"], lab["error"]) == (True, True, None)
    assert by_name(found)["bad"]["error"] == "endpoint must be a URL such as https://host:port."
    assert found["problems"] == [
        {
            "name": "default",
            "source": "mc",
            "message": "The connection “default” of the source “mc” is not used, because the source “environment” has "
            "one with this name.",
        }
    ]
    assert [one["id"] for one in found["presets"]] == ["amazon", "compatible", "huggingface"]


async def test_connection_is_added_shown_and_removed(api: Api) -> None:
    added = await api.ok("POST", "connections", status=201, json_body=NEW | {"readOnly": True, "title": "New"})
    assert "HIDDEN" not in str(added)
    assert (added["source"], added["removable"], added["readOnly"], added["title"]) == ("session", True, True, "New")
    assert await api.ok("GET", "connections", "new") == added
    assert "new" in by_name(await api.ok("GET", "connections"))
    assert (await api.ok("DELETE", "connections", "new"))["message"] == "The connection “new” has been removed."
    assert (await api.refused(404, "GET", "connections", "new"))["error"] == "NoSuchConnection"


async def test_connection_that_is_not_valid_changes_nothing(api: Api) -> None:
    before = await api.ok("GET", "connections")
    for change, message in (
        (
            {"name": "a b"},
            "name: use up to 64 letters, digits, hyphens and underscores, with a letter or a digit first.",
        ),
        ({"endpoint": "nowhere://"}, "endpoint must be a URL such as https://host:port."),
        ({"secretAccessKey": None}, "accessKeyId and secretAccessKey must be given together."),
        ({"caBundle": "/etc/passwd"}, "caBundle: Extra inputs are not permitted."),
    ):
        refused = await api.refused(400, "POST", "connections", json_body=NEW | change)
        assert refused["message"] == message
    assert await api.ok("GET", "connections") == before


@pytest.mark.parametrize("name", ["default", "lab"])
async def test_connections_of_other_sources_cannot_be_removed(api: Api, name: str) -> None:
    refused = await api.refused(409, "DELETE", "connections", name)
    assert "It cannot be removed here." in refused["message"]
    assert name in by_name(await api.ok("GET", "connections"))


async def test_secrets_are_not_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await api.ok("POST", "connections", status=201, json_body=NEW)
        await api.refused(400, "POST", "connections", json_body=NEW | {"name": ""})
        await api.ok("GET", "connections")
    assert "HIDDEN" not in caplog.text


class UsesStores(Authorizer):
    """An authorizer that allows everything but the settings."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "odhtec-settings"


@pytest.fixture
def uses_stores(jp_server_config: Any) -> None:
    jp_server_config.ServerApp.authorizer_class = UsesStores


async def test_user_without_permission_for_settings_sees_connections_without_accounts(
    uses_stores: None, api: Api
) -> None:
    found = by_name(await api.ok("GET", "connections"))
    assert {one["accessKeyId"] for one in found.values()} == {None}
    assert found["lab"]["secretAccessKeySet"]
    for method, path, body in (("POST", (), NEW), ("DELETE", ("lab",), None), ("POST", ("lab", "save"), None)):
        refused = await api.refused(403, method, "connections", *path, json_body=body)
        assert "odhtec-settings" in refused["message"]


async def test_added_connection_is_saved_as_a_profile(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    await api.ok("POST", "connections", status=201, json_body=NEW)
    saved = await api.ok("POST", "connections", "new", "save")
    assert (saved["source"], saved["removable"], saved["profile"]) == ("profiles", False, "new")
    assert "HIDDEN" not in str(saved)
    assert "HIDDEN" in (tmp_path / "aws-credentials").read_text()
    await api.refused(409, "POST", "connections", "new", "save")


async def test_connection_of_an_unfinished_transfer_is_not_saved(api: Api) -> None:
    await api.ok("POST", "connections", status=201, json_body=NEW)
    copy = {"action": "copy", "source": "s3://new@bucket/a", "target": "workspace://a"}
    transfer = await api.ok("POST", "transfers", status=201, json_body=copy)
    await api.ok("POST", "transfers", transfer["id"], "pause")
    refused = await api.refused(409, "POST", "connections", "new", "save")
    assert refused["message"] == "Transfers use the connection “new”. Save it when they have finished."
    await api.ok("POST", "transfers", transfer["id"], "cancel")
