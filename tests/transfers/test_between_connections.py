"""Transfers between connections stream and are verified; one whose connection has changed or gone waits."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter import background
from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.errors import BadRequest, NotFound, StoreError
from odhtec_jupyter.models import ConnectionRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.marks import on_moto, on_rgw
from tests.odd_store import OddStore
from tests.transfers.steps import begin, ended, new, no_files, sha256s, until

LARGE = SyntheticContent(2 * PART_SIZE + 11, seed=3).read()
SMALL = {f"from/{number}.txt": f"file {number}".encode() for number in range(5)}
FILES = SMALL | {"from/deep/large.bin": LARGE}


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


def account(odd: OddStore, name: str) -> dict[str, str]:
    return {"endpoint": odd.endpoint, "access_key_id": f"{name}-id", "secret_access_key": f"HIDDEN-{name}"}


def added(odd: OddStore, name: str = "added", **change: str) -> ConnectionRequest:
    return ConnectionRequest(name=name, **(account(odd, name) | change))  # type: ignore[arg-type]


@pytest.fixture
def connected(make_services: Callable[..., Services], odd: OddStore, jp_asyncio_loop: Any) -> Services:
    """A server with ``other`` and ``second``, two accounts of one endpoint, beside the default connection."""
    services = make_services(connections={name: account(odd, name) for name in ("other", "second")})
    jp_asyncio_loop.run_until_complete(services.start())
    services.connections.refresh()  # as for a request
    return services


def copies_by_the_store(odd: OddStore) -> list[Any]:
    return [one for one in odd.requests if "x-amz-copy-source" in one.headers]


def accounts(odd: OddStore, method: str, key: str) -> set[str]:
    """Return the access key IDs that requests for a key were signed with."""
    signed = [one.headers["authorization"] for one in odd.requests if (one.method, one.key) == (method, key)]
    return {one.partition("Credential=")[2].partition("/")[0] for one in signed}


async def test_folder_is_copied_to_another_connection(
    connected: Services, odd: OddStore, bucket: str, s3_client: Any
) -> None:
    for key, body in FILES.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"kept": "yes"}, ContentType="text/x-own")
    transfer = await ended(connected, await begin(connected, "copy", f"s3://{bucket}/from/", "s3://other@bucket/to/"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert {key: odd.objects[key].body for key in odd.objects} == {
        key.replace("from/", "to/"): body for key, body in FILES.items()
    }
    small = odd.objects["to/0.txt"].headers
    assert (small["x-amz-meta-kept"], small["content-type"]) == ("yes", "text/x-own")
    assert copies_by_the_store(odd) == []


async def test_folder_is_moved_from_another_connection(
    connected: Services, odd: OddStore, bucket: str, s3_client: Any
) -> None:
    for key, body in FILES.items():
        odd.put(key, body)
    transfer = await ended(connected, await begin(connected, "move", "s3://other@bucket/from/", f"s3://{bucket}/to/"))
    assert (transfer.state, transfer.error) == ("completed", None)
    expected = {key.replace("from/", "to/"): hashlib.sha256(body).hexdigest() for key, body in FILES.items()}
    assert sha256s(s3_client, bucket) == expected
    assert odd.objects == {}


@on_moto
async def test_copy_within_a_connection_is_left_to_the_store(connected: Services, odd: OddStore) -> None:
    odd.put("a", b"content")
    transfer = await ended(connected, await begin(connected, "copy", "s3://other@bucket/a", "s3://other@bucket/b"))
    assert transfer.state == "completed"
    assert odd.objects["b"].body == b"content"
    assert [one.key for one in copies_by_the_store(odd)] == ["b"]


@on_moto
async def test_two_accounts_of_one_endpoint_are_two_connections(connected: Services, odd: OddStore) -> None:
    odd.put("a", b"content")
    transfer = await ended(connected, await begin(connected, "copy", "s3://other@bucket/a", "s3://second@bucket/b"))
    assert (transfer.state, odd.objects["b"].body) == ("completed", b"content")
    assert copies_by_the_store(odd) == []
    assert accounts(odd, "GET", "a") == {"other-id"}
    assert accounts(odd, "PUT", "b") == {"second-id"}


@on_rgw
async def test_each_account_sees_its_own_buckets(
    make_services: Callable[..., Services], s3_server: Any, bucket: str
) -> None:
    keys = {"endpoint": s3_server.endpoint_url, "access_key_id": s3_server.access_key_id}
    own = keys | {"secret_access_key": s3_server.secret_access_key}
    services = make_services(connections={"own": own, "wrong": own | {"secret_access_key": "wrong"}})
    services.connections.refresh()
    assert bucket in {one.Name for one in services.known_store("own").list_buckets().buckets}
    services.known_store("own").list_page(bucket, "")
    # What one connection knows of a bucket, the other does not.
    assert bucket in services.known_store("own")._clients.buckets
    assert bucket not in services.known_store("wrong")._clients.buckets
    assert bucket not in services.s3._clients.buckets


@pytest.fixture
def second_user(tmp_path_factory: pytest.TempPathFactory, s3_server: Any) -> Iterator[dict[str, str]]:
    """The keys of another Ceph user on the same endpoint."""
    conf = str(next(tmp_path_factory.getbasetemp().glob("rgw*/cluster/ceph.conf")))
    admin = ["radosgw-admin", "-c", conf, "user"]
    keys = ("--access-key=second", "--secret-key=second-secret")
    subprocess.run([*admin, "create", "--uid=second", "--display-name=second", *keys], check=True, capture_output=True)
    yield {
        "endpoint": s3_server.endpoint_url,
        "region": s3_server.region,
        "access_key_id": "second",
        "secret_access_key": "second-secret",
    }
    subprocess.run([*admin, "rm", "--uid=second", "--purge-data"], check=True, capture_output=True)


@on_rgw
async def test_users_of_one_endpoint_see_their_own_buckets_and_copy_between_them(
    make_services: Callable[..., Services], second_user: dict[str, str], bucket: str, s3_client: Any
) -> None:
    services = make_services(connections={"second": second_user})
    await services.start()
    services.connections.refresh()
    first, second = services.s3, services.known_store("second")
    second.create_bucket("of-second")
    assert "of-second" not in {one.Name for one in first.list_buckets().buckets}
    assert [one.Name for one in second.list_buckets().buckets] == ["of-second"]
    with pytest.raises(StoreError) as refused:
        second.list_page(bucket, "")
    assert refused.value.code == "AccessDenied"
    for key, body in FILES.items():
        s3_client.put_object(Bucket=bucket, Key=key, Body=body)
    transfer = await ended(services, await begin(services, "copy", f"s3://{bucket}/from/", "s3://second@of-second/to/"))
    assert (transfer.state, transfer.error) == ("completed", None)
    copied = {item.Key: item.Size for item in second.list_page("of-second", "").objects}
    assert copied == {key.replace("from/", "to/"): len(body) for key, body in FILES.items()}


# --- the same objects by two names ------------------------------------------------------------------------------------


@on_moto
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://other@bucket/a", "s3://second@bucket/a"),
        ("s3://other@bucket/a", "s3://second@bucket/"),
        ("s3://other@bucket/from/", "s3://second@bucket/from/in/"),
    ],
)
async def test_copy_to_itself_by_another_connection_is_refused(
    connected: Services, odd: OddStore, source: str, target: str
) -> None:
    for key in ("a", "from/b"):
        odd.put(key, b"content")
    for on_conflict in ("overwrite", "rename"):
        transfer = await begin(connected, "copy", source, target, on_conflict=on_conflict)
        assert (await ended(connected, transfer)).state == "failed"
        assert transfer.error
        assert "both connections have the same endpoint" in transfer.error.message
    with pytest.raises(BadRequest, match="both connections may reach the same bucket"):
        new(connected, "move", source, target)
    assert set(odd.objects) == {"a", "from/b"}


# --- connections that change or go ------------------------------------------------------------------------------------


@on_moto
async def test_transfer_waits_while_its_connection_is_gone(
    connected: Services, odd: OddStore, bucket: str, s3_client: Any
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    connected.connections.add(added(odd))
    async with no_files(connected):
        transfer = await begin(connected, "copy", f"s3://{bucket}/a", "s3://added@bucket/b")
        await connected.transfers.pause(transfer.id)
    connected.connections.remove("added")
    await connected.transfers.resume(transfer.id)
    await ended(connected, transfer)
    assert (transfer.state, transfer.needs) == ("paused", "connection")
    assert transfer.error
    assert transfer.error.message == "Paused: There is no connection 'added'. Add it again to continue."
    connected.connections.add(added(odd))  # wakes it
    await until(connected, lambda: transfer.state == "completed")
    assert odd.objects["b"].body == b"content"


@on_moto
async def test_transfer_continues_when_the_files_of_its_connection_are_back(
    make_services: Callable[..., Services],
    odd: OddStore,
    bucket: str,
    s3_client: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.05)
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    secret, away = tmp_path / "secrets" / "mounted", tmp_path / "away"
    secret.mkdir(parents=True)
    for name, value in (("S3_ENDPOINT", odd.endpoint), ("ACCESS_KEY_ID", "id"), ("SECRET_ACCESS_KEY", "secret")):
        (secret / f"AWS_{name}").write_text(value)
    services = make_services(connections_dir=str(secret.parent))
    await services.start()
    services.connections.refresh()
    async with no_files(services):
        transfer = await begin(services, "copy", f"s3://{bucket}/a", "s3://mounted@bucket/b")
        await services.transfers.pause(transfer.id)
    secret.rename(away)
    services.connections.expire()
    services.connections.refresh()
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.needs) == ("paused", "connection")
    away.rename(secret)  # no request follows
    await until(services, lambda: transfer.state == "completed")
    assert odd.objects["b"].body == b"content"


@on_moto
@pytest.mark.parametrize("change", [{"access_key_id": "another"}, {"endpoint": "http://127.0.0.1:9"}])
async def test_transfer_waits_while_its_connection_is_another_account(
    connected: Services, odd: OddStore, bucket: str, s3_client: Any, change: dict[str, str]
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"content")
    connected.connections.add(added(odd))
    async with no_files(connected):
        transfer = await begin(connected, "copy", f"s3://{bucket}/a", "s3://added@bucket/b")
        await connected.transfers.pause(transfer.id)
    connected.connections.add(added(odd, **change))
    await connected.transfers.resume(transfer.id)
    await ended(connected, transfer)
    assert (transfer.state, transfer.needs) == ("paused", "connection")
    assert transfer.error
    assert "the connection “added” has another endpoint or account than before" in transfer.error.message
    assert "b" not in odd.objects
    connected.connections.add(added(odd, secret_access_key="renewed"))  # another secret of the same account
    await until(connected, lambda: transfer.state == "completed")


@on_moto
async def test_transfer_continues_after_a_restart_and_the_journal_has_no_secret(
    make_services: Callable[..., Services], odd: OddStore, bucket: str, s3_client: Any, tmp_path: Path
) -> None:
    s3_client.put_object(Bucket=bucket, Key="large.bin", Body=LARGE)
    first = make_services(connections={"other": account(odd, "other")})
    await first.start()
    first.connections.refresh()
    async with no_files(first):
        transfer = await begin(first, "copy", f"s3://{bucket}/large.bin", "s3://other@bucket/copy.bin")
        await until(first, lambda: transfer.planned)
    await first.stop()
    rows = sqlite3.connect(tmp_path / "state" / "journal.sqlite").execute("SELECT * FROM transfers").fetchall()
    assert "s3://other@bucket/copy.bin" in str(rows)
    assert first.known_store("other").connection.fingerprint in str(rows)
    for path in (tmp_path / "state").iterdir():
        assert b"HIDDEN" not in path.read_bytes()
        assert b"other-id" not in path.read_bytes()
    second = make_services(connections={"other": account(odd, "other")})
    await second.start()
    resumed = second.transfers.get(transfer.id)
    await until(second, lambda: resumed.state == "completed")
    assert odd.objects["copy.bin"].body == LARGE


@on_moto
async def test_configured_default_connection_is_known_from_the_start(
    make_services: Callable[..., Services], odd: OddStore
) -> None:
    services = make_services(connections={"default": account(odd, "own")}, connection_sources=["configured"])
    await services.start()
    assert services.s3.connection.access_key_id == "own-id"


@on_moto
async def test_upload_left_at_a_connection_is_removed_there(connected: Services, odd: OddStore) -> None:
    store = connected.known_store("other")
    upload_id = store.create_multipart("bucket", "left.bin")
    entries = connected.engine.pending_writes
    entry = await entries.begin(STREAM, store.uri("bucket", "left.bin"), store.host)
    await entries.set_upload_id(entry, upload_id)
    entry.live = False
    assert odd.uploads
    await connected.sweep()
    assert odd.uploads == {}
    assert entries.entries == []


@on_moto
async def test_unknown_connection_is_refused_at_the_start(connected: Services) -> None:
    with pytest.raises(NotFound, match="There is no connection 'none'"):
        new(connected, "copy", "s3://none@bucket/a", "s3://other@bucket/b")
