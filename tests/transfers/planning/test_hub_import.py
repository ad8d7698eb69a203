"""Hub → S3 with the real huggingface_hub, a real hub protocol and real stores."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Changed, Cut, Halt, Refuse, WrongByte
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.errors import BadRequest, Conflict, GatedRepository, NotFound, StoreError
from odhtec_jupyter.models import ImportRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.runtime import parts
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import S3Uri
from tests.content import multiparts
from tests.marks import on_moto
from tests.transfers.steps import begin_import, ended, sha256s, until
from tests.waiting import GIVE_UP_SECONDS

LARGE = SyntheticContent(20 * MIB + 11, seed=3)


@pytest.fixture
def model(hub: HubStandIn) -> Repository:
    repository = hub.add(Repository("org/model"))
    repository.commit(
        {
            "config.json": b'{"a": 1}',
            "empty.txt": b"",
            "sub/dir/日本 #1?.txt": b"named oddly",
            "small.bin": SyntheticContent(300_000, seed=1),
            "model.safetensors": LARGE,
        }
    )
    return repository


def request(bucket: str, **fields: Any) -> ImportRequest:
    return ImportRequest(repo="org/model", bucket=bucket, **fields)


async def run_import(services: Services, request: ImportRequest) -> Transfer:
    return await ended(services, await begin_import(services, request))


def expected(model: Repository, prefix: str = "org/model/") -> dict[str, str]:
    commit = model.at("main")
    assert commit is not None
    return {prefix + path: file.content.sha256 for path, file in commit.files.items()}


@pytest.mark.tls
async def test_imported_objects_equal_the_repository(
    services: Services, s3_client: Any, bucket: str, model: Repository
) -> None:
    transfer = await run_import(services, request(bucket))
    assert transfer.error is None
    assert transfer.state == "completed"
    assert sha256s(s3_client, bucket) == expected(model)
    assert transfer.bytes_done == transfer.bytes_total == sum(f.content.size for f in model.at("main").files.values())  # type: ignore[union-attr]
    assert transfer.files_done == transfer.files_total == 5
    assert multiparts(s3_client, bucket) == []


@pytest.mark.parametrize("status", [404, 403])
async def test_hub_without_auth_check_is_imported_from(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, model: Repository, status: int
) -> None:
    hub.mirror.missing["auth-check"] = status
    transfer = await run_import(services, request(bucket))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == expected(model)


async def test_second_import_sends_nothing(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
) -> None:
    await run_import(services, request(bucket, prefix="m"))
    hub.traffic.clear()
    transfer = await run_import(services, request(bucket, prefix="m/"))
    assert {file.state for file in transfer.files} == {"skipped"}
    assert (transfer.bytes_done, transfer.bytes_total) == (0, 0), "no bytes are transferred"
    assert [seen for seen in hub.traffic.seen() if "/resolve/" in seen.path] == []


async def test_differing_object_is_a_conflict_before_anything_is_written(
    services: Services, s3_client: Any, bucket: str, model: Repository
) -> None:
    s3_client.put_object(Bucket=bucket, Key="org/model/config.json", Body=b"mine")
    with pytest.raises(Conflict, match=r"config\.json"):
        await run_import(services, request(bucket))
    assert list(sha256s(s3_client, bucket)) == ["org/model/config.json"]


@pytest.mark.parametrize(
    ("policy", "kept", "beside"), [("skip", True, False), ("overwrite", False, False), ("rename", True, True)]
)
async def test_on_conflict_is_applied(
    services: Services,
    s3_client: Any,
    bucket: str,
    model: Repository,
    policy: Any,
    kept: bool,
    beside: bool,
) -> None:
    s3_client.put_object(Bucket=bucket, Key="org/model/config.json", Body=b"mine")
    transfer = await run_import(services, request(bucket, on_conflict=policy))
    assert transfer.state == "completed"
    stored = sha256s(s3_client, bucket)
    mine = hashlib.sha256(b"mine").hexdigest()
    assert (stored["org/model/config.json"] == mine) is kept
    assert ("org/model/config (1).json" in stored) is beside


async def test_patterns_select_the_files(services: Services, s3_client: Any, bucket: str, model: Repository) -> None:
    await run_import(services, request(bucket, prefix="", include=["*.json", "*.bin"], exclude=["small*"]))
    assert list(sha256s(s3_client, bucket)) == ["config.json"]
    with pytest.raises(BadRequest, match="no files"):
        await run_import(services, request(bucket, include=["*.nothing"]))


@pytest.mark.parametrize(
    "fault",
    [Refuse(503), Refuse(429, retry_after=0), Cut(after=100_000), Cut(after=3 * MIB)],
    ids=["503", "429", "cut early", "cut late"],
)
async def test_temporary_fault_is_retried(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
    fault: Any,
) -> None:
    hub.inject(fault, "*model.safetensors", method="GET", times=3)
    transfer = await run_import(services, request(bucket))
    assert transfer.error is None
    assert sha256s(s3_client, bucket) == expected(model)


async def test_corrupted_file_is_transferred_again(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
) -> None:
    hub.inject(WrongByte(at=9 * MIB), "*model.safetensors", times=1)
    hub.inject(WrongByte(at=2), "*config.json", times=1)
    transfer = await run_import(services, request(bucket))
    assert transfer.error is None
    assert sha256s(s3_client, bucket) == expected(model)
    assert transfer.bytes_done == transfer.bytes_total


async def test_persistent_corruption_fails_and_stores_nothing(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
) -> None:
    hub.inject(WrongByte(at=9 * MIB), "*model.safetensors", times=None)
    transfer = await run_import(services, request(bucket))
    assert transfer.state == "failed"
    assert transfer.error is not None
    assert transfer.error.code == "ChecksumMismatch"
    assert transfer.files_failed == 1
    assert transfer.files_done == 4, "the other files arrive all the same"
    assert "org/model/model.safetensors" not in sha256s(s3_client, bucket)
    assert multiparts(s3_client, bucket) == []


async def test_file_replaced_during_the_import_is_an_error(
    services: Services,
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
) -> None:
    hub.inject(Changed(SyntheticContent(LARGE.size + 5, seed=9)), "*model.safetensors", times=None)
    transfer = await run_import(services, request(bucket))
    assert transfer.state == "failed"
    assert "org/model/model.safetensors" not in sha256s(s3_client, bucket)
    assert multiparts(s3_client, bucket) == []


async def test_cancel_leaves_whole_objects_only(
    make_services: Callable[..., Services], s3_client: Any, bucket: str
) -> None:
    repository = Repository("org/model")
    repository.commit({"large.bin": SyntheticContent(40 * MIB, seed=4)})
    s3_client.put_object(Bucket=bucket, Key="org/model/large.bin", Body=b"before")
    # So slow that the next block of bytes would arrive after the test: the cancellation must end the wait itself.
    with HubStandIn(repository, bytes_per_second=20_000) as hub:
        services = make_services(hf_endpoint=hub.endpoint)
        await services.start()
        manager = services.transfers
        transfer = await begin_import(services, request(bucket, on_conflict="overwrite"))
        async for _ in manager.events.subscribe(None, keepalive=0.05):
            if multiparts(s3_client, bucket):
                break
        await asyncio.wait_for(manager.cancel(transfer.id), GIVE_UP_SECONDS)
    assert transfer.state == "cancelled"
    assert [file.state for file in transfer.files] == ["cancelled"]
    assert multiparts(s3_client, bucket) == []
    assert sha256s(s3_client, bucket) == {"org/model/large.bin": hashlib.sha256(b"before").hexdigest()}
    with pytest.raises(Conflict):
        await manager.cancel(transfer.id)


async def test_transfer_cancelled_immediately_never_runs(services: Services, s3_client: Any, bucket: str) -> None:
    s3_client.put_object(Bucket=bucket, Key="a", Body=b"a")
    manager = services.transfers
    transfer = await manager.start(manager.new("copy", S3Uri(bucket, "a"), S3Uri(bucket, "b")))
    await manager.cancel(transfer.id)
    assert (transfer.state, transfer.started_at, manager.active) == ("cancelled", None, 0)
    assert list(sha256s(s3_client, bucket)) == ["a"]
    await manager.remove(transfer.id)


async def test_the_token_goes_to_the_hub_only(
    services: Services,
    hub: HubStandIn,
    bucket: str,
    model: Repository,
) -> None:
    model.gated, model.accepted = "manual", frozenset({"hf_secret"})
    transfer = await run_import(services, request(bucket, token="hf_secret"))
    assert transfer.state == "completed"
    assert hub.traffic.tokens("hub") == {"Bearer hf_secret"}
    assert hub.traffic.seen("cdn")
    assert hub.traffic.tokens("cdn") == set()


async def test_impossible_import_is_refused_before_writing(
    services: Services, s3_client: Any, bucket: str, model: Repository
) -> None:
    model.gated = "manual"
    with pytest.raises(GatedRepository, match="Accept its terms"):
        await run_import(services, request(bucket))
    model.gated = False
    with pytest.raises(NotFound, match="revision"):
        await run_import(services, request(bucket, revision="nope"))
    with pytest.raises(NotFound, match="does not exist"):
        await run_import(services, ImportRequest(repo="org/other", bucket=bucket))
    with pytest.raises(BadRequest, match="repository name"):
        await run_import(services, ImportRequest(repo="a/b/c/../d", bucket=bucket))
    with pytest.raises((NotFound, StoreError), match="bucket"):
        await run_import(services, request(bucket + "-not"))
    assert sha256s(s3_client, bucket) == {}


async def test_part_larger_than_the_memory_is_streamed_in_pieces(
    make_services: Callable[..., Services],
    hub: HubStandIn,
    s3_client: Any,
    bucket: str,
    model: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "MAX_PARTS", 2)
    model.commit({"huge.bin": SyntheticContent(45 * MIB + 3, seed=8)})
    hub.inject(Cut(after=5 * MIB), "*huge.bin", method="GET", times=2)
    services = make_services(max_memory=4 * PART_SIZE, max_concurrent_transfers=1)
    await services.start()
    transfer = await run_import(services, request(bucket, include=["huge.bin"]))
    assert transfer.error is None
    assert s3_client.head_object(Bucket=bucket, Key="org/model/huge.bin")["ETag"].endswith('-2"')
    assert sha256s(s3_client, bucket)["org/model/huge.bin"] == expected(model)["org/model/huge.bin"]


@pytest.mark.parametrize("verify", ["source", "off"])
async def test_host_without_ranges_is_read_over_one_connection(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, model: Repository, verify: Any
) -> None:
    model.commit({"second.bin": SyntheticContent(17 * MIB, seed=9)})
    hub.mirror.ranges = False
    hub.inject(Cut(after=12 * MIB), "*second.bin", host="cdn")
    transfer = await run_import(services, request(bucket, verify=verify))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert transfer.bytes_done == transfer.bytes_total
    assert sha256s(s3_client, bucket) == expected(model)
    hub.traffic.clear()
    again = await run_import(services, request(bucket, prefix="again", include=["model.safetensors"], verify=verify))
    assert again.error is None
    # The store remembers that the host has no ranges: the whole file is read once.
    assert [seen.bytes_sent for seen in hub.traffic.seen("cdn")] == [LARGE.size]


@on_moto
async def test_connection_of_a_host_without_ranges_is_not_replaced(
    services: Services, hub: HubStandIn, bucket: str, model: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new connection has to read the received bytes again, so it is not slow."""
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.stragglers.LOOK_SECONDS", 0.001)
    monkeypatch.setattr("odhtec_jupyter.transfers.copying.stragglers.LATE_SECONDS", 0.0)
    monkeypatch.setattr("odhtec_jupyter.transfers.runtime.retry.FIRST_DELAY_SECONDS", 0.0)
    model.commit({"second.bin": SyntheticContent(12 * PART_SIZE, seed=9)})
    hub.mirror.ranges = False
    await run_import(services, request(bucket, include=["model.safetensors"]))  # shows that the host has no ranges
    hub.traffic.clear()
    hub.inject(Cut(after=11 * PART_SIZE), "*second.bin", host="cdn")
    transfer = await run_import(services, request(bucket, include=["second.bin"]))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert len(hub.traffic.seen("cdn")) == 2


async def test_refused_link_is_final_and_names_the_host(
    services: Services, hub: HubStandIn, s3_client: Any, bucket: str, model: Repository
) -> None:
    hub.inject(Refuse(403), "*model.safetensors", host="cdn", times=None)
    transfer = await run_import(services, request(bucket, include=["model.safetensors"]))
    assert transfer.state == "failed"
    assert transfer.error is not None
    cdn = hub.service.cdn_endpoint.partition("://")[2]
    assert (
        f"{cdn}, which stores model.safetensors for the hub, answered with status 403. A firewall"
        in transfer.error.message
    )
    assert transfer.error.code == "HubForbidden"
    assert sha256s(s3_client, bucket) == {}
    # Each connection requests a link once.
    assert len(hub.traffic.seen("cdn")) <= 8


async def test_expired_link_is_requested_again(
    make_services: Callable[..., Services], s3_client: Any, bucket: str, hub: HubStandIn
) -> None:
    size = 6 * PART_SIZE
    halt = Halt(PART_SIZE)
    hub.add(Repository("org/model")).commit({"large.bin": SyntheticContent(size, seed=5)})
    hub.inject(halt, "*large.bin", host="cdn", times=None)
    services = make_services(max_memory=4 * PART_SIZE, max_concurrent_transfers=1)
    await services.start()
    transfer = await begin_import(services, request(bucket))
    await until(services, lambda: any(entry.parts for entry in services.engine.pending_writes.entries))
    later = time.time() + 2 * hub.service.link_seconds
    hub.service.clock = lambda: later
    halt.over.set()
    await ended(services, transfer)
    assert (transfer.state, transfer.error) == ("completed", None)
    assert s3_client.head_object(Bucket=bucket, Key="org/model/large.bin")["ContentLength"] == size
    assert 403 in {seen.status for seen in hub.traffic.seen("cdn")}
