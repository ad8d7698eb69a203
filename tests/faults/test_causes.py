"""What ends a transfer until its cause is removed: a clear word, nothing half-written, and a retry completes it."""

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
from tests.faults.bucket import BEFORE, Bucket, checksums
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
PARTS = {"large.bin": 3, "other.bin": 3}  # none is complete when two requests have done their work


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
        missing(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


def contents(folder: Path) -> dict[str, str]:
    """Path → sha256 of every file, hidden ones too."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def visible(folder: Path) -> dict[str, str]:
    """The same without what is kept for a retry under names that nobody is shown."""
    return {path: digest for path, digest in contents(folder).items() if not path.endswith(".odhtec-part")}


def copy(api: Api, source: str, target: str, **options: Any) -> str:
    """``POST /transfers``; its id."""
    request = {"action": "copy", "source": source, "target": target, "onConflict": "overwrite", **options}
    return str(api.call("POST", "transfers", request)["id"])


def failed(api: Api, transfer: str, code: str, *words: str) -> None:
    """It ends as failed, and its sentence says why and what to do."""
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]["code"]) == ("failed", code)
    for word in words:
        assert word in ended["error"]["message"]


def retried(api: Api, transfer: str, token: str | None = None) -> None:
    """It completes when it is tried again."""
    api.call("POST", f"transfers/{transfer}/retry", {"token": token} if token else None)
    ended = api.ended(transfer)
    assert (ended["state"], ended["error"]) == ("completed", None)
    assert ended["bytesDone"] == ended["bytesTotal"]


def weights(repository: Repository, prefix: str = "org/model/") -> dict[str, str]:
    """The checksums of all but the small file."""
    return {path: one for path, one in checksums(repository, prefix).items() if path.endswith(".bin")}


def filled(holding: Bucket) -> dict[str, str]:
    """The model's files as objects."""
    stored: dict[str, str] = {}
    for path, content in FILES.items():
        stored |= holding.put(f"model/{path}", content if isinstance(content, bytes) else content.read())
    return stored


@pytest.fixture(params=["hub", pytest.param("s3", marks=pytest.mark.extended)])
def source(request: pytest.FixtureRequest, holding: Bucket) -> str:
    """Where the files are: on the hub, or in S3."""
    if request.param == "hub":
        request.getfixturevalue("served")
        return "hf://org/model"
    filled(holding)
    return f"s3://{holding.name}/model/"


# --- the workspace's disk --------------------------------------------------------------------------------------------


def test_transfer_fails_on_a_full_disk_and_completes_when_there_is_space(
    api: Api, disk: Path, source: str, model: Repository
) -> None:
    (disk / "model").mkdir()
    (disk / "model" / "large.bin").write_bytes(BEFORE)
    transfer = copy(api, source, "workspace://disk/model/")
    failed(api, transfer, "DiskFull", "no space left for workspace://disk/model/", "Free some", "retry")
    before = {"large.bin": hashlib.sha256(BEFORE).hexdigest()}
    now = contents(disk / "model")  # the part files, too: what a full disk needs is space
    assert before.keys() <= now.keys()
    assert now.items() <= checksums(model, "").items() | before.items()
    remount(disk, "size=80m")
    retried(api, transfer)
    assert contents(disk / "model") == checksums(model, "")


def test_transfer_fails_on_a_read_only_disk_and_completes_when_it_is_writable(
    api: Api, disk: Path, source: str, model: Repository
) -> None:
    (disk / "model").mkdir()
    (disk / "model" / "config.json").write_bytes(BEFORE)
    remount(disk, "ro,size=80m")
    transfer = copy(api, source, "workspace://disk/model/")
    failed(api, transfer, "ReadOnly", "workspace://disk/model/", "read-only")
    assert contents(disk / "model") == {"config.json": hashlib.sha256(BEFORE).hexdigest()}
    remount(disk, "rw,size=80m")
    retried(api, transfer)
    assert contents(disk / "model") == checksums(model, "")


# --- what goes away or changes meanwhile -----------------------------------------------------------------------------


def test_import_fails_when_its_bucket_is_deleted_and_completes_in_a_new_one(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy
) -> None:
    rule = s3_proxy.rules.add(Stall(), "part", times=None)
    transfer = api.start_import(holding.name, include=["*.bin"])["id"]
    assert rule.wait()
    s3_proxy.traffic.wait(lambda: len(s3_proxy.traffic.seen("create")) == 2)
    empty_bucket(holding.client, holding.name)
    holding.client.delete_bucket(Bucket=holding.name)
    rule.release()
    failed(api, transfer, "NoSuchBucket", "The bucket does not exist.")
    holding.client.create_bucket(Bucket=holding.name)
    retried(api, transfer)
    assert holding.contents() == weights(served)
    assert holding.unfinished() == []


def test_copy_of_a_file_that_changes_fails_and_a_retry_copies_the_new_one(
    api: Api, server: KillableServer, holding: Bucket, s3_proxy: Proxy
) -> None:
    before = holding.put("file.bin")
    old, new = SyntheticContent(60 * MIB, seed=3), SyntheticContent(60 * MIB, seed=4)
    file = server.work / "file.bin"
    file.write_bytes(old.read())
    # More than the memory holds, so not all of it has been read when it changes.
    rule = s3_proxy.rules.add(Stall(), "part", times=None)
    transfer = copy(api, "workspace://file.bin", f"s3://{holding.name}/file.bin")
    assert rule.wait()
    file.write_bytes(new.read())
    rule.release()
    failed(api, transfer, "SourceChanged", "workspace://file.bin changed while it was being read")
    assert holding.contents() == before
    assert holding.unfinished() == []
    retried(api, transfer)
    assert holding.contents() == {"file.bin": new.sha256}
    assert holding.unfinished() == []


def test_copy_of_an_object_that_changes_fails_and_a_retry_copies_the_new_one(
    api: Api, server: KillableServer, holding: Bucket, s3_proxy: Proxy
) -> None:
    new = SyntheticContent(17 * MIB, seed=4)
    holding.put("file.bin", SyntheticContent(17 * MIB, seed=3).read())
    folder = server.work / "changing"
    rule = s3_proxy.rules.add(Stall(), "get", times=None)
    transfer = copy(api, f"s3://{holding.name}/file.bin", "workspace://changing/file.bin")
    assert rule.wait()
    holding.put("file.bin", new.read())
    rule.release()
    failed(api, transfer, "SourceChanged", f"s3://{holding.name}/file.bin changed while it was being read")
    assert contents(folder) == {}
    retried(api, transfer)
    assert contents(folder) == {"file.bin": new.sha256}
    os.unlink(folder / "file.bin")


# --- credentials -----------------------------------------------------------------------------------------------------

# Code → status and words of the error.
EXPIRED = {
    "ExpiredToken": (400, "Renew the data connection or enter new ones in the settings"),
    "InvalidAccessKeyId": (403, "Check the credentials in the settings"),
}


def answered(proxy: Proxy, kind: str) -> list[Exchange]:
    return [one for one in proxy.traffic.seen(kind) if one.ended and one.acknowledged]


@contextmanager
def halfway(api: Api, proxy: Proxy, kind: str, start: Callable[[], str]) -> Iterator[str]:
    """A transfer of which two requests of a kind have done their work; afterwards all others of it are tried again."""
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
    """Every part that S3 has taken."""
    return [one for one in proxy.traffic.seen("part") if one.acknowledged]


@pytest.mark.parametrize(
    "code",
    ["ExpiredToken", pytest.param("InvalidAccessKeyId", marks=pytest.mark.extended)],  # the next test has that one
)
def test_import_continues_with_new_keys_after_the_s3_keys_expired(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, code: str
) -> None:
    status, words = EXPIRED[code]
    before = holding.put("org/model/large.bin")
    with halfway(
        api, s3_proxy, "part", lambda: str(api.start_import(holding.name, include=["*.bin"])["id"])
    ) as transfer:
        s3_proxy.rules.add(Status(status, code), times=None)
    failed(api, transfer, code, words, "retry")
    assert holding.contents() == before
    assert len(acknowledged(s3_proxy)) == 2
    s3_proxy.rules.clear()  # the keys are new ones
    retried(api, transfer)
    assert holding.contents() == weights(served)
    assert holding.unfinished() == []
    assert len(acknowledged(s3_proxy)) == sum(PARTS.values()), "only what was missing is sent"


def test_download_continues_with_new_keys_after_the_s3_keys_expired(
    api: Api, server: KillableServer, holding: Bucket, model: Repository, s3_proxy: Proxy
) -> None:
    filled(holding)
    source = f"s3://{holding.name}/model/"
    with halfway(api, s3_proxy, "get", lambda: copy(api, source, "workspace://read/", include=["*.bin"])) as transfer:
        s3_proxy.rules.add(Status(403, "InvalidAccessKeyId"), times=None)
    failed(api, transfer, "InvalidAccessKeyId", "Check the credentials in the settings", "retry")
    assert visible(server.work / "read") == {}
    s3_proxy.rules.clear()
    retried(api, transfer)
    assert contents(server.work / "read") == weights(model, "")
    assert len(answered(s3_proxy, "get")) == sum(PARTS.values()), "only what was missing is read"
    for path in list((server.work / "read").iterdir()):
        path.unlink()


WITHDRAWN = {
    "revoked": ("InvalidToken", "Enter a new one"),
    "no longer accepted": ("GatedRepo", "Accept its terms"),
}


@pytest.mark.parametrize("how", WITHDRAWN)
def test_import_continues_with_a_new_token_after_the_hub_withdrew_the_old_one(
    api: Api, holding: Bucket, hub: HubStandIn, s3_proxy: Proxy, cdn_proxy: Proxy, how: str
) -> None:
    gated = hub.add(Repository("org/model", gated="auto", accepted=frozenset({"hf_old"})))
    gated.commit(dict(FILES))
    before = holding.put("org/model/large.bin")
    third = cdn_proxy.rules.add(Stall(), nth=3)
    transfer = api.start_import(holding.name, include=["large.bin"], token="hf_old")["id"]
    assert third.wait()
    gated.accepted = frozenset({"hf_new"})
    if how != "revoked":
        hub.service.tokens["hf_old"] = "reader"
    # The links to the files were made for that token, too.
    cdn_proxy.rules.add(Status(403, "ExpiredLink"), times=None)
    third.drop()
    code, words = WITHDRAWN[how]
    failed(api, transfer, code, words)
    assert holding.contents() == before
    cdn_proxy.rules.clear()
    retried(api, transfer, "hf_new")
    assert holding.contents() == {"org/model/large.bin": checksums(gated)["org/model/large.bin"]}
    assert holding.unfinished() == []
    assert len(acknowledged(s3_proxy)) == PARTS["large.bin"], "only what was missing is sent"


# --- what passes by itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["hub", "s3"])
def test_import_overcomes_a_short_outage(
    api: Api, holding: Bucket, served: Repository, s3_proxy: Proxy, hub_proxy: Proxy, cdn_proxy: Proxy, end: str
) -> None:
    before = holding.put("org/model/beside")
    ends = (s3_proxy,) if end == "s3" else (hub_proxy, cdn_proxy)
    with halfway(
        api, ends[-1], "part" if end == "s3" else "cdn", lambda: str(api.start_import(holding.name)["id"])
    ) as started:
        away = [proxy.rules.add(Reset(), times=10 if proxy is ends[-1] else 2) for proxy in ends]
    transfer = api.ended(started)
    assert (transfer["state"], transfer["error"]) == ("completed", None)
    assert sum(rule.fired for rule in away) >= 3
    assert holding.contents() == before | checksums(served)
    assert holding.unfinished() == []
