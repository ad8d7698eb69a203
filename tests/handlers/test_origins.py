"""Credentials are sent only to their own origin, even if the settings change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models import TransferRequest
from odhtec_jupyter.transfers.jobs.jobs import TransferBlocked
from odhtec_jupyter.uris import HubUri, S3Uri
from tests.marks import on_moto
from tests.recorder import Recorder


@pytest.fixture
def other() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def services_of(jp_serverapp: Any) -> Any:
    return next(iter(jp_serverapp.extension_manager.extension_apps["odhtec_jupyter"])).services


@on_moto
@pytest.mark.parametrize(("method", "path"), [("POST", "settings/test-s3"), ("PUT", "settings/s3")])
async def test_stored_s3_keys_do_not_follow_a_changed_endpoint(
    api: Any, other: Recorder, method: str, path: str
) -> None:
    await api.ok("PUT", "settings/s3", json_body={"sessionToken": "stored-session"})
    before = await api.ok("GET", "settings/s3")
    for change in (
        {"endpoint": other.url},
        {"endpoint": other.url, "accessKeyId": "another"},
        {"endpoint": other.url, "sessionToken": "another"},
        {"endpoint": before["endpoint"].replace("http:", "https:")},
        {"endpoint": before["endpoint"].replace("127.0.0.1", "localhost")},
        {"endpoint": ""},
    ):
        refused = await api.refused(400, method, path, json_body=change)
        assert "secret access key" in refused["message"]
    assert other.requests == []
    assert await api.ok("GET", "settings/s3") == before


@on_moto
async def test_endpoint_shortened_by_its_bucket_counts_as_another_endpoint(api: Any) -> None:
    keys = {"accessKeyId": "a", "secretAccessKey": "b"}
    await api.ok("PUT", "settings/s3", json_body={"endpoint": "http://minio.example.com", **keys})
    await api.refused(400, "PUT", "settings/s3", json_body={"defaultBucket": "minio"})
    await api.ok("PUT", "settings/s3", json_body={"defaultBucket": "data"})
    assert (await api.ok("GET", "settings/s3"))["endpoint"] == "http://minio.example.com"


@on_moto
async def test_endpoint_with_the_bucket_twice_is_normalized_once(api: Any) -> None:
    keys = {"accessKeyId": "a", "secretAccessKey": "b"}
    await api.ok("PUT", "settings/s3", json_body={"endpoint": "https://minio.corp.example", **keys})
    twice = {"endpoint": "https://minio.minio.corp.example", "defaultBucket": "minio"}
    refused = await api.refused(400, "PUT", "settings/s3", json_body=twice)
    assert "secret access key" in refused["message"]


@on_moto
async def test_credentials_of_the_server_do_not_follow_two_changes(api: Any, other: Recorder) -> None:
    await api.ok("PUT", "settings/s3", json_body={"endpoint": other.url, "accessKeyId": "a", "secretAccessKey": "b"})
    refused = await api.refused(400, "PUT", "settings/s3", json_body={"accessKeyId": "", "secretAccessKey": ""})
    assert "The credentials of this server" in refused["message"]
    await api.refused(400, "POST", "settings/test-s3", json_body={"accessKeyId": "", "secretAccessKey": ""})
    assert other.requests == []


@on_moto
async def test_other_endpoint_gets_only_credentials_of_the_same_request(api: Any, other: Recorder) -> None:
    await api.ok("PUT", "settings/s3", json_body={"sessionToken": "stored-session"})
    change = {"endpoint": other.url, "accessKeyId": "new-id", "secretAccessKey": "new-secret"}
    await api.send("POST", "settings/test-s3", json_body=change)
    await api.ok("PUT", "settings/s3", json_body=change)
    await api.send("GET", "buckets")
    assert len(other.requests) > 1
    assert all("new-id" in request for request in other.requests)
    assert not [request for request in other.requests if "stored-session" in request]
    assert (await api.ok("GET", "settings/s3"))["sessionTokenSet"] is False


@on_moto
@pytest.mark.parametrize(("method", "path"), [("POST", "settings/test-hf"), ("PUT", "settings/hf")])
async def test_the_stored_token_does_not_follow_a_changed_hub(
    api: Any, hf: HubStandIn, other: Recorder, method: str, path: str
) -> None:
    await api.ok("PUT", "settings/hf", json_body={"hfToken": "hf_stored"})
    for endpoint in (other.url, hf.endpoint.replace("http:", "https:"), ""):
        refused = await api.refused(400, method, path, json_body={"hfEndpoint": endpoint})
        assert "token" in refused["message"]
    assert other.requests == []
    await api.send(method, path, json_body={"hfEndpoint": other.url, "hfToken": "hf_new"})
    await api.send("GET", "hub/repo", params={"repo": "org/model"})
    assert not [request for request in other.requests if "hf_stored" in request]


@on_moto
async def test_token_entered_for_a_transfer_is_sent_to_its_hub_only(
    api: Any, hf: HubStandIn, jp_serverapp: Any
) -> None:
    hf.add(Repository("org/model")).commit({"a.txt": b"a"})
    services = services_of(jp_serverapp)
    request = TransferRequest(action="copy", source="hf://org/model/", target="s3://bucket/", token="hf_typed")
    transfer = services.transfers.new("copy", HubUri("org/model"), S3Uri("bucket", ""), services.options(request))
    services.give_token(transfer, request.token)
    assert services.stores_of(transfer).token == "hf_typed"
    await api.ok("PUT", "settings/hf", json_body={"hfEndpoint": hf.endpoint.replace("http:", "https:")})
    with pytest.raises(TransferBlocked, match="token"):
        services.stores_of(transfer)


@on_moto
async def test_a_proxys_password_does_not_follow_a_changed_proxy(api: Any, other: Recorder) -> None:
    await api.ok("PUT", "settings/proxy", json_body={"httpProxy": "http://user:word@proxy:1", "noProxy": "*"})
    shown = await api.ok("GET", "settings/proxy")
    moved = shown["httpProxy"].replace("proxy:1", f"127.0.0.1:{other.port}")
    for change in ({"httpProxy": moved}, {"httpsProxy": shown["httpProxy"]}):
        refused = await api.refused(400, "PUT", "settings/proxy", json_body=change)
        assert "password" in refused["message"]
    assert await api.ok("GET", "settings/proxy") == shown
