"""Keys that expire during a transfer: they are read again from where they came, and no part is sent twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter import background
from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from tests.marks import on_moto
from tests.odd_store import OddStore, Reply, Request, failure
from tests.transfers.steps import begin, ended, no_files, until

pytestmark = on_moto

LARGE = SyntheticContent(4 * PART_SIZE + 11, seed=3).read()
SMALL = {f"from/{number}.txt": f"file {number}".encode() for number in range(40)}


class ExpiringStore(OddStore):
    """An S3 server on which the temporary keys ``old`` expire at the first request that ``expires`` says."""

    def __init__(self) -> None:
        super().__init__(refuse=self._check)
        self.expires: Callable[[Request], bool] = lambda request: False
        self.rotate: Callable[[], None] = lambda: None  # called when the keys expire
        self.refusal = failure(400, "ExpiredToken", "The provided token has expired.")
        self.expired = False
        self.accepted: list[Request] = []

    def _check(self, request: Request) -> Reply | None:
        if not self.expired and self.expires(request):
            self.expired = True
            self.rotate()
        if self.expired and key_of(request) == "old":
            return Reply(self.refusal.status) if request.method == "HEAD" else self.refusal
        self.accepted.append(request)
        return None


def key_of(request: Request) -> str:
    """Return the access key ID that a request was signed with."""
    return request.headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


def is_part(number: int) -> Callable[[Request], bool]:
    return lambda request: request.query.get("partNumber") == str(number)


@pytest.fixture
def store() -> Iterator[ExpiringStore]:
    with ExpiringStore() as running:
        yield running


class Mounted:
    """Keys that the server reads from files."""

    def __init__(self, folder: Path, store: ExpiringStore) -> None:
        self.folder, self.store = folder, store
        self.connection = "mounted"

    def settings(self) -> dict[str, Any]:
        return {"connections_dir": str(self.folder)}

    def write(self, key: str) -> None:
        raise NotImplementedError


class MountedSecret(Mounted):
    """A mounted Kubernetes Secret, which changes by a link to another folder."""

    def write(self, key: str) -> None:
        secret = self.folder / "mounted"
        version = self.folder / f"..{key}"
        version.mkdir(parents=True)
        values = {"S3_ENDPOINT": self.store.endpoint, "ACCESS_KEY_ID": key, "SECRET_ACCESS_KEY": "s"}
        for name, value in (values | {"SESSION_TOKEN": f"token-{key}"}).items():
            (version / f"AWS_{name}").write_text(value)
        link = self.folder / "..link"
        link.symlink_to(version)
        os.replace(link, secret)


class Profile(Mounted):
    """A profile of the AWS configuration, which a tool writes again and again."""

    def settings(self) -> dict[str, Any]:
        return {}

    def write(self, key: str) -> None:
        self.folder.mkdir(exist_ok=True)
        beside = self.folder / "beside"
        beside.write_text(
            f"[mounted]\nendpoint_url = {self.store.endpoint}\naws_access_key_id = {key}\naws_secret_access_key = s\n"
            f"aws_session_token = token-{key}\n"
        )
        os.replace(beside, self.folder / "credentials")


class DefaultFiles(Mounted):
    """The files of the default connection."""

    def __init__(self, folder: Path, store: ExpiringStore) -> None:
        super().__init__(folder, store)
        self.connection = ""

    def settings(self) -> dict[str, Any]:
        names = ("access_key_id", "secret_access_key", "session_token")
        files = {f"s3_{name}_file": str(self.folder / name) for name in names}
        return {"s3_endpoint": self.store.endpoint, **files, **{f"s3_{name}": None for name in names}}

    def write(self, key: str) -> None:
        self.folder.mkdir(exist_ok=True)
        for name, value in (("access_key_id", key), ("secret_access_key", "s"), ("session_token", f"token-{key}")):
            (self.folder / name).write_text(value)


class FoundByBotocore(Profile):
    """The credentials file of a user, which botocore finds for a default connection without keys."""

    def __init__(self, folder: Path, store: ExpiringStore) -> None:
        super().__init__(folder, store)
        self.connection = ""

    def settings(self) -> dict[str, Any]:
        return {"s3_endpoint": self.store.endpoint, "s3_access_key_id": None, "s3_secret_access_key": None}

    def write(self, key: str) -> None:
        super().write(key)
        text = (self.folder / "credentials").read_text()
        (self.folder / "credentials").write_text(text.replace("[mounted]", "[default]"))


@pytest.fixture(params=[MountedSecret, Profile, DefaultFiles, FoundByBotocore], ids=lambda kind: kind.__name__)
def mounted(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    store: ExpiringStore,
    clean_environment_variables: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Mounted:
    keys: Mounted = request.param(tmp_path / "secrets", store)
    keys.write("old")
    store.rotate = lambda: keys.write("new")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys.folder / "credentials"))
    return keys


@pytest.fixture
def connected(make_services: Callable[..., Services], mounted: Mounted, jp_asyncio_loop: Any) -> Services:
    services = make_services(**mounted.settings())
    jp_asyncio_loop.run_until_complete(services.start())
    services.connections.refresh()  # as for a request
    return services


def uri(mounted: Mounted, key: str) -> str:
    return f"s3://{mounted.connection}@bucket/{key}" if mounted.connection else f"s3://bucket/{key}"


async def test_upload_continues_with_the_new_keys(
    connected: Services, mounted: Mounted, store: ExpiringStore, workspace: Path
) -> None:
    (workspace / "large.bin").write_bytes(LARGE)
    store.expires = is_part(3)
    transfer = await ended(connected, await begin(connected, "copy", "workspace://large.bin", uri(mounted, "l")))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert store.expired
    assert store.objects["l"].body == LARGE
    parts = [one.query["partNumber"] for one in store.accepted if one.method == "PUT" and "partNumber" in one.query]
    assert sorted(parts) == ["1", "2", "3", "4", "5"]
    assert sum("uploads" in one.query and one.method == "POST" for one in store.accepted) == 1


async def test_download_continues_with_the_new_keys(
    connected: Services, mounted: Mounted, store: ExpiringStore, workspace: Path
) -> None:
    store.put("l", LARGE)
    store.expires = lambda request: request.headers.get("range", "").startswith(f"bytes={2 * PART_SIZE}")
    transfer = await ended(connected, await begin(connected, "copy", uri(mounted, "l"), "workspace://large.bin"))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert store.expired
    assert (workspace / "large.bin").read_bytes() == LARGE


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "list", "POST", "DELETE"])
async def test_small_files_are_moved_although_the_keys_expire(
    connected: Services, mounted: Mounted, store: ExpiringStore, method: str
) -> None:
    """The keys expire at the tenth request with this method, or at the first list."""
    for key, body in SMALL.items():
        store.put(key, body)
    seen = []

    def expires(request: Request) -> bool:
        if method == "list":
            return "list-type" in request.query
        seen.append(request.method)
        return seen.count(method) == (1 if method == "POST" else 10)

    store.expires = expires
    transfer = await ended(connected, await begin(connected, "move", uri(mounted, "from/"), uri(mounted, "to/")))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert {key: one.body for key, one in store.objects.items()} == {
        key.replace("from/", "to/"): body for key, body in SMALL.items()
    }


@pytest.mark.parametrize(
    "refusal",
    [failure(403, "InvalidAccessKeyId"), failure(403, "SignatureDoesNotMatch"), failure(400, "InvalidTokenId")],
    ids=["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId"],
)
async def test_keys_that_the_store_no_longer_knows_are_read_again(
    connected: Services, mounted: Mounted, store: ExpiringStore, refusal: Reply
) -> None:
    store.refusal = refusal
    store.expires = lambda request: True
    found = connected.known_store(mounted.connection)
    assert [one.Name for one in found.list_buckets().buckets] == ["bucket"]
    assert connected.known_store(mounted.connection) is found, "a transfer must not lose its store"


@pytest.mark.parametrize("mounted", [MountedSecret, Profile, DefaultFiles], indirect=True)
async def test_new_keys_are_used_before_the_old_ones_expire(
    make_services: Callable[..., Services], mounted: Mounted, store: ExpiringStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.05)
    connected = make_services(**mounted.settings())
    await connected.start()
    connected.connections.refresh()
    store.put("a", LARGE)
    found = connected.known_store(mounted.connection)
    async with no_files(connected):
        transfer = await begin(connected, "copy", uri(mounted, "a"), "workspace://a")
        mounted.write("new")
        await until(connected, lambda: found.connection.access_key_id == "new")
        store.expires = lambda request: True
        store.rotate = lambda: None
    assert (await ended(connected, transfer)).state == "completed"
    assert {key_of(one) for one in store.requests if one.method == "GET" and one.key == "a"} == {"new"}


async def test_keys_that_stay_the_same_are_reported_as_expired(
    connected: Services, mounted: Mounted, store: ExpiringStore
) -> None:
    store.put("a", b"content")
    store.rotate = lambda: None
    store.expires = lambda request: request.method == "GET" and request.key == "a"
    transfer = await ended(connected, await begin(connected, "copy", uri(mounted, "a"), "workspace://a"))
    assert transfer.state == "failed"
    assert transfer.error
    assert "The S3 credentials have expired" in transfer.error.message
    assert store.count("GET", key="a") == 2, "once with other small files, and once alone"
