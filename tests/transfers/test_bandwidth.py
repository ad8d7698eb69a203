"""Transfers with a bandwidth limit, to and from real stores: what arrives, and which bytes count."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.demo.content import SyntheticContent
from odhtec_jupyter.demo.hub.faults import Cut
from odhtec_jupyter.demo.hub.repository import Repository
from odhtec_jupyter.demo.hub.stand_in import HubStandIn
from odhtec_jupyter.models import ImportRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.copying import connection_scaler, copy_file
from odhtec_jupyter.transfers.runtime import parts
from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth
from odhtec_jupyter.transfers.runtime.parts import MIB, PART_SIZE, Part
from tests.content import multiparts
from tests.marks import on_moto
from tests.transfers.bandwidth_meter import Meter
from tests.transfers.steps import begin, begin_import, ended, sha256s, until

FAST = 10**9  # bytes per second: a limit that delays little
LARGE = SyntheticContent(3 * PART_SIZE + 11, seed=3)
SMALL = SyntheticContent(300_000, seed=1)
SIZE = LARGE.size + SMALL.size
SUMS = {"large.bin": LARGE.sha256, "small.bin": SMALL.sha256}


@pytest.fixture
def repository(hub: HubStandIn) -> Repository:
    repository = hub.add(Repository("org/model"))
    repository.commit({"large.bin": LARGE, "small.bin": SMALL})
    return repository


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    return Meter(monkeypatch)


@pytest.fixture
def limited(make_services: Callable[..., Services], jp_asyncio_loop: Any) -> Services:
    made = make_services(max_bandwidth=FAST)
    jp_asyncio_loop.run_until_complete(made.start())
    return made


async def test_limited_import_completes_and_is_verified(
    make_services: Callable[..., Services], hub: HubStandIn, s3_client: Any, bucket: str, repository: Repository
) -> None:
    hub.inject(Cut(after=3 * MIB), "*large.bin", host="cdn", times=2)  # as a host does that waits too long for us
    services = make_services(max_bandwidth=20 * MIB)
    await services.start()
    transfer = await ended(services, await begin_import(services, ImportRequest(repo="org/model", bucket=bucket)))
    assert (transfer.state, transfer.error) == ("completed", None)
    assert sha256s(s3_client, bucket) == {f"org/model/{name}": sum_ for name, sum_ in SUMS.items()}
    assert transfer.bytes_done == transfer.bytes_total == SIZE
    assert multiparts(s3_client, bucket) == []


async def test_each_byte_counts_once_however_it_is_moved(
    limited: Services, s3_client: Any, bucket: str, repository: Repository, workspace: Path, meter: Meter
) -> None:
    async def moved(action: str, source: str, target: str) -> int:
        transfer = await ended(limited, await begin(limited, action, source, target))
        assert (transfer.state, transfer.error) == ("completed", None)
        return meter.read()

    assert await moved("copy", "hf://org/model/", f"s3://{bucket}/hub/") == SIZE
    assert await moved("copy", "hf://org/model/", "workspace://hub/") == SIZE
    assert await moved("copy", f"s3://{bucket}/hub/", "workspace://back/") == SIZE
    assert await moved("copy", "workspace://back/", f"s3://{bucket}/again/") == SIZE
    assert await moved("copy", f"s3://{bucket}/hub/", f"s3://{bucket}/copied/") == 0, "the store copies"
    for folder in ("hub", "back"):
        assert (workspace / folder / "large.bin").read_bytes() == LARGE.read(0, LARGE.size)
    wanted = {f"{folder}/{name}": sum_ for folder in ("hub", "again", "copied") for name, sum_ in SUMS.items()}
    assert sha256s(s3_client, bucket) == wanted


@on_moto
async def test_streamed_parts_count_once(
    limited: Services,
    s3_client: Any,
    bucket: str,
    hub: HubStandIn,
    meter: Meter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "STREAM_SIZE", 2 * PART_SIZE)
    monkeypatch.setattr(connection_scaler, "FAST_BYTES_PER_SECOND", 0)
    monkeypatch.setattr(connection_scaler, "SLOW_BYTES_PER_SECOND", 0)
    relayed: list[int] = []
    real = copy_file.relay

    def relay(source: Any, part: Part, *more: Any) -> Generator[memoryview]:
        relayed.append(part.size)
        return real(source, part, *more)

    monkeypatch.setattr(copy_file, "relay", relay)
    content = SyntheticContent(5 * PART_SIZE + 7, seed=8)
    hub.add(Repository("org/streamed")).commit({"large.bin": content})
    for source, target in (
        ("hf://org/streamed/", "workspace://w/"),
        ("workspace://w/", f"s3://{bucket}/s/"),
        ("hf://org/streamed/", f"s3://{bucket}/h/"),
    ):
        transfer = await ended(limited, await begin(limited, "copy", source, target))
        assert (transfer.state, transfer.error) == ("completed", None)
        assert meter.read() == content.size
        assert relayed == [2 * PART_SIZE, 2 * PART_SIZE]
        relayed.clear()
    assert set(sha256s(s3_client, bucket).values()) == {content.sha256}


@on_moto
async def test_paused_transfer_does_not_wait_for_its_bytes(
    make_services: Callable[..., Services], bucket: str, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services(max_bandwidth=FAST)
    await services.start()
    bandwidth = services.engine.bandwidth
    with monkeypatch.context() as patch:
        patch.setattr(Bandwidth, "_serve", lambda _: None)  # no bytes ever move
        transfer = await begin(services, "copy", "hf://org/model/", f"s3://{bucket}/")
        await until(services, lambda: len(bandwidth._waiting) >= 2)
        await services.transfers.pause(transfer.id)
        assert transfer.state == "paused"
        assert bandwidth._waiting == []
    await services.transfers.resume(transfer.id)
    assert (await ended(services, transfer)).state == "completed"


@on_moto
async def test_transfers_have_one_share_each(
    limited: Services, bucket: str, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: dict[str, set[int]] = {}
    real = Bandwidth.flow

    def flow(bandwidth: Bandwidth, name: str = "") -> Any:
        made = real(bandwidth, name)
        shares.setdefault(name, set()).add(id(made._share))
        kept.append(made)
        return made

    kept: list[Any] = []
    monkeypatch.setattr(Bandwidth, "flow", flow)
    made = [await begin(limited, "copy", "hf://org/model/", f"s3://{bucket}/{number}/") for number in range(2)]
    for transfer in made:
        assert (await ended(limited, transfer)).state == "completed"
    assert {name: len(found) for name, found in shares.items()} == {f"transfer/{one.id}": 1 for one in made}
