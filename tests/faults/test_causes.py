"""Lasting faults: the error has the reason, nothing is half-written, and a retry completes when the fault is fixed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import Content, SyntheticContent
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from tests.conftest import empty_bucket
from tests.faults.bucket import EXISTING, Bucket, checksums
from tests.faults.jupyter import Api, KillableServer
from tests.faults.proxy import Proxy
from tests.faults.rules import Reset, Stall, Status
from tests.faults.traffic import Exchange
from tests.installed import missing

MIB = 1024 * 1024
FILES: dict[str, Content | bytes] = {
    "large.bin": SyntheticContent(17 * MIB + 12_345, seed=1),
    "other.bin": SyntheticContent(17 * MIB, seed=2),
    "config.json": b"{}",
}
PARTS = {"large.bin": 3, "other.bin": 3}  # no file is complete after two requests


@pytest.fixture(scope="module")
def model() -> Repository:
    repository = Repository("org/model")
    repository.commit(dict(FILES))
    return repository


@pytest.fixture
def served(hub: HubStandIn, model: Repository) -> Repository:
    return hub.add(model)


@pytest.fixture
def disk(server: KillableServer) -> Iterator[Path]:
    """A disk of 20 MiB in the workspace."""
    folder = server.work / "disk"
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"cannot mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by its path, including hidden files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def visible(folder: Path) -> dict[str, str]:
    """Return the same without the hidden partial files that are kept for a retry."""
    return {path: digest for path, digest in contents(folder).items() if not path.endswith(".odhtec-part")}


def copy(api: Api, source: str, target: str, **options: Any) -> str:
    """Start a copy and return its id."""
    request = {"action": "copy", "source": source, "target": target, "onConflict": "overwrite", **options}
    return str(api.call("POST", "transfers", request)["id"])


def require_failure(api: Api, transfer: str, code: str, *words: str) -> None:
    """Require that the transfer fails with this code, and that the message contains these words."""
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]["code"]) == ("failed", code)
    for word in words:
        assert word in ended["error"]["message"]


def require_retry_completes(api: Api, transfer: str, token: str | None = None) -> None:
    """Retry the transfer and require that it completes."""
    api.call("POST", f"transfers/{transfer}/retry", {"token": token} if token else None)
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert ended["bytesDone"] == ended["bytesTotal"]


def weights(repository: Repository, prefix: str = "org/model/") -> dict[str, str]:
    """Return the checksums of all files except the small one."""
    return {path: one for path, one in checksums(repository, prefix).items() if path.endswith(".bin")}


def put_files(s3_bucket: Bucket) -> dict[str, str]:
    """Store the model's files as objects and return their checksums."""
    stored: dict[str, str] = {}
    for path, content in FILES.items():
        stored |= s3_bucket.put(f"model/{path}", content if isinstance(content, bytes) else content.read())
    return stored


@pytest.fixture(params=["hub", pytest.param("s3", marks=pytest.mark.extended)])
def source(request: pytest.FixtureRequest, s3_bucket: Bucket) -> str:
    """The URI of the files, on the hub or in S3."""
    if request.param == "hub":
        request.getfixturevalue("served")
        return "hf://org/model"
    put_files(s3_bucket)
    return f"s3://{s3_bucket.name}/model/"


# --- the workspace's disk --------------------------------------------------------------------------------------------


def test_transfer_fails_on_a_full_disk_and_completes_when_there_is_space(
    api: Api, disk: Path, source: str, model: Repository
) -> None:
    (disk / "model").mkdir()
    (disk / "model" / "large.bin").write_bytes(EXISTING)
    transfer = copy(api, source, "workspace://disk/model/")
    require_failure(api, transfer, "DiskFull", "no space left for workspace://disk/model/", "Free some", "retry")
    before = {"large.bin": hashlib.sha256(EXISTING).hexdigest()}
    now = contents(disk / "model")  # with partial files, because a full disk needs the space
    assert before.keys() <= now.keys()
    assert now.items() <= checksums(model, "").items() | before.items()
    remount(disk, "size=80m")
    require_retry_completes(api, transfer)
    assert contents(disk / "model") == checksums(model, "")


def test_transfer_fails_on_a_read_only_disk_and_completes_when_it_is_writable(
    api: Api, disk: Path, source: str, model: Repository
) -> None:
    (disk / "model").mkdir()
    (disk / "model" / "config.json").write_bytes(EXISTING)
    remount(disk, "ro,size=80m")
    transfer = copy(api, source, "workspace://disk/model/")
    require_failure(api, transfer, "ReadOnly", "workspace://disk/model/", "read-only")
    assert contents(disk / "model") == {"config.json": hashlib.sha256(EXISTING).hexdigest()}
    remount(disk, "rw,size=80m")
    require_retry_completes(api, transfer)
    assert contents(disk / "model") == checksums(model, "")


# --- a bucket or source that is deleted or changes -------------------------------------------------------------------


def test_import_fails_when_its_bucket_is_deleted_and_completes_in_a_new_one(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(Stall(), "part", times=None)
    transfer = api.start_import(s3_bucket.name, include=["*.bin"])["id"]
    assert rule.wait()
    s3_proxy.traffic.wait(lambda: len(s3_proxy.traffic.seen("create")) == 2)
    empty_bucket(s3_bucket.client, s3_bucket.name)
    s3_bucket.client.delete_bucket(Bucket=s3_bucket.name)
    rule.release()
    require_failure(api, transfer, "NoSuchBucket", "The bucket does not exist.")
    s3_bucket.client.create_bucket(Bucket=s3_bucket.name)
    require_retry_completes(api, transfer)
    assert s3_bucket.contents() == weights(served)
    assert s3_bucket.unfinished() == []


def test_copy_of_a_file_that_changes_fails_and_a_retry_copies_the_new_one(
    api: Api, server: KillableServer, s3_bucket: Bucket, s3_proxy: Proxy
) -> None:
    before = s3_bucket.put("file.bin")
    old, new = SyntheticContent(60 * MIB, seed=3), SyntheticContent(60 * MIB, seed=4)
    file = server.work / "file.bin"
    file.write_bytes(old.read())
    # Larger than the memory budget, so that it changes before all of it is read.
    rule = s3_proxy.rules.add(Stall(), "part", times=None)
    transfer = copy(api, "workspace://file.bin", f"s3://{s3_bucket.name}/file.bin")
    assert rule.wait()
    file.write_bytes(new.read())
    rule.release()
    require_failure(api, transfer, "SourceChanged", "workspace://file.bin changed while it was being read")
    assert s3_bucket.contents() == before
    assert s3_bucket.unfinished() == []
    require_retry_completes(api, transfer)
    assert s3_bucket.contents() == {"file.bin": new.sha256}
    assert s3_bucket.unfinished() == []


def test_copy_of_an_object_that_changes_fails_and_a_retry_copies_the_new_one(
    api: Api, server: KillableServer, s3_bucket: Bucket, s3_proxy: Proxy
) -> None:
    new = SyntheticContent(17 * MIB, seed=4)
    s3_bucket.put("file.bin", SyntheticContent(17 * MIB, seed=3).read())
    folder = server.work / "changing"
    rule = s3_proxy.rules.add(Stall(), "get", times=None)
    transfer = copy(api, f"s3://{s3_bucket.name}/file.bin", "workspace://changing/file.bin")
    assert rule.wait()
    s3_bucket.put("file.bin", new.read())
    rule.release()
    require_failure(api, transfer, "SourceChanged", f"s3://{s3_bucket.name}/file.bin changed while it was being read")
    assert contents(folder) == {}
    require_retry_completes(api, transfer)
    assert contents(folder) == {"file.bin": new.sha256}
    os.unlink(folder / "file.bin")


# --- credentials -----------------------------------------------------------------------------------------------------

# Code → status and words of the error message.
EXPIRED = {
    "ExpiredToken": (400, "Renew the data connection or enter new ones in the settings"),
    "InvalidAccessKeyId": (403, "Check the credentials in the settings"),
}


def answered(proxy: Proxy, kind: str) -> list[Exchange]:
    return [one for one in proxy.traffic.seen(kind) if one.ended and one.acknowledged]


@contextmanager
def halfway(api: Api, proxy: Proxy, kind: str, start: Callable[[], str]) -> Iterator[str]:
    """Yield a transfer when two requests of a kind are answered and all others stall. They are reset at the end."""
    hold = proxy.rules.add(Stall(), kind, where=lambda _: len(proxy.traffic.seen(kind)) > 2, times=None)
    transfer = start()
    proxy.traffic.wait(lambda: len(answered(proxy, kind)) == 2)
    if kind != "cdn":
        reached = sum(one.sent + one.received for one in answered(proxy, kind))
        assert any(event["bytesDone"] >= reached for event in api.events() if event["id"] == transfer)
    yield transfer
    hold.times = 0
    hold.drop()


def acknowledged(proxy: Proxy) -> list[Exchange]:
    """Return the requests of all parts that S3 has stored."""
    return [one for one in proxy.traffic.seen("part") if one.acknowledged]


@pytest.mark.parametrize(
    "code",
    ["ExpiredToken", pytest.param("InvalidAccessKeyId", marks=pytest.mark.extended)],  # in the next test
)
def test_import_continues_with_new_keys_after_the_s3_keys_expired(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, code: str
) -> None:
    status, words = EXPIRED[code]
    before = s3_bucket.put("org/model/large.bin")
    with halfway(
        api, s3_proxy, "part", lambda: str(api.start_import(s3_bucket.name, include=["*.bin"])["id"])
    ) as transfer:
        s3_proxy.rules.add(Status(status, code), times=None)
    require_failure(api, transfer, code, words, "retry")
    assert s3_bucket.contents() == before
    assert len(acknowledged(s3_proxy)) == 2
    s3_proxy.rules.clear()  # as if the keys were renewed
    require_retry_completes(api, transfer)
    assert s3_bucket.contents() == weights(served)
    assert s3_bucket.unfinished() == []
    assert len(acknowledged(s3_proxy)) == sum(PARTS.values()), "only missing parts are sent"


def test_download_continues_with_new_keys_after_the_s3_keys_expired(
    api: Api, server: KillableServer, s3_bucket: Bucket, model: Repository, s3_proxy: Proxy
) -> None:
    put_files(s3_bucket)
    source = f"s3://{s3_bucket.name}/model/"
    with halfway(api, s3_proxy, "get", lambda: copy(api, source, "workspace://read/", include=["*.bin"])) as transfer:
        s3_proxy.rules.add(Status(403, "InvalidAccessKeyId"), times=None)
    require_failure(api, transfer, "InvalidAccessKeyId", "Check the credentials in the settings", "retry")
    assert visible(server.work / "read") == {}
    s3_proxy.rules.clear()
    require_retry_completes(api, transfer)
    assert contents(server.work / "read") == weights(model, "")
    assert len(answered(s3_proxy, "get")) == sum(PARTS.values()), "only missing parts are read"
    for path in list((server.work / "read").iterdir()):
        path.unlink()


WITHDRAWN = {
    "revoked": ("InvalidToken", "Enter a new one"),
    "no longer accepted": ("GatedRepo", "Accept its terms"),
}


@pytest.mark.parametrize("how", WITHDRAWN)
def test_import_continues_with_a_new_token_after_the_hub_withdrew_the_old_one(
    api: Api, s3_bucket: Bucket, hub: HubStandIn, s3_proxy: Proxy, cdn_proxy: Proxy, how: str
) -> None:
    gated = hub.add(Repository("org/model", gated="auto", accepted=frozenset({"hf_old"})))
    gated.commit(dict(FILES))
    before = s3_bucket.put("org/model/large.bin")
    third = cdn_proxy.rules.add(Stall(), nth=3)
    transfer = api.start_import(s3_bucket.name, include=["large.bin"], token="hf_old")["id"]
    assert third.wait()
    gated.accepted = frozenset({"hf_new"})
    if how != "revoked":
        hub.service.tokens["hf_old"] = "reader"
    # The links to the files were also made for that token.
    cdn_proxy.rules.add(Status(403, "ExpiredLink"), times=None)
    third.drop()
    code, words = WITHDRAWN[how]
    require_failure(api, transfer, code, words)
    assert s3_bucket.contents() == before
    cdn_proxy.rules.clear()
    require_retry_completes(api, transfer, "hf_new")
    assert s3_bucket.contents() == {"org/model/large.bin": checksums(gated)["org/model/large.bin"]}
    assert s3_bucket.unfinished() == []
    assert len(acknowledged(s3_proxy)) == PARTS["large.bin"], "only missing parts are sent"


# --- temporary faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["hub", "s3"])
def test_import_overcomes_a_short_outage(
    api: Api, s3_bucket: Bucket, served: Repository, s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy, end: str
) -> None:
    before = s3_bucket.put("org/model/beside")
    ends = (s3_proxy,) if end == "s3" else (hub_proxy, cdn_proxy)
    with halfway(
        api, ends[-1], "part" if end == "s3" else "cdn", lambda: str(api.start_import(s3_bucket.name)["id"])
    ) as started:
        resets = [proxy.rules.add(Reset(), times=10 if proxy is ends[-1] else 2) for proxy in ends]
    transfer = api.ended(started)
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert sum(rule.fired for rule in resets) >= 3
    assert s3_bucket.contents() == before | checksums(served)
    assert s3_bucket.unfinished() == []
