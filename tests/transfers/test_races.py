"""Pause, resume, cancel and start between any two steps of a transfer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers import manager
from odhtec_jupyter.transfers.jobs import jobs
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.owner import STREAM
from odhtec_jupyter.transfers.runtime.engine import settled, together
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import HubUri, S3Uri
from tests.content import contents
from tests.marks import on_moto
from tests.transfers.steps import Hold, begin, begin_planned, ended, new, no_files, turns, until
from tests.waiting import GIVE_UP_SECONDS


@pytest.fixture
def folder(workspace: Path) -> Path:
    """A folder with files of one byte."""
    made = workspace / "d"
    made.mkdir()
    for number in range(5):
        (made / f"f{number}").write_bytes(b"x")
    return made


async def test_cancellation_is_not_lost_while_an_error_stops_the_group(jp_asyncio_loop: Any) -> None:
    started, released = asyncio.Event(), jp_asyncio_loop.create_future()

    async def fails() -> None:
        await started.wait()
        raise OdhTecError("of its own")

    async def has_to_settle() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await settled(released)

    async def group() -> None:
        async with together() as tasks:
            tasks.create_task(has_to_settle())
            tasks.create_task(fails())

    task = asyncio.create_task(group())
    await turns()
    task.cancel()
    await turns()
    assert not task.done()
    released.set_result(None)
    await asyncio.wait([task])
    assert task.cancelled()


async def test_transfer_cancelled_while_a_file_fails_copies_no_other_file(
    services: Services, workspace: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace / "large"
    folder.mkdir()
    (folder / "a").write_bytes(b"a" * 2 * PART_SIZE)
    for number in range(jobs.MAX_SLOTS + 5):  # more files than workers
        (folder / f"g{number}").touch()
        os.truncate(folder / f"g{number}", PART_SIZE + 1)
    services.engine.slots.limit = 1
    hold, real = Hold(), S3Store.put_part

    def put_part(store: S3Store, bucket: str, key: str, upload: str, number: int, *args: Any, **kwargs: Any) -> str:
        if number == 2:
            hold.met.wait(GIVE_UP_SECONDS)
            raise StoreError("not allowed", code="AccessDenied", status=403)
        hold.wait()
        return real(store, bucket, key, upload, number, *args, **kwargs)

    monkeypatch.setattr(S3Store, "put_part", put_part)
    transfer = await begin(services, "copy", "workspace://large/", f"s3://{bucket}/")
    await hold.reached()
    await until(services, lambda: any(task.cancelling() for task in asyncio.all_tasks()))
    await hold.free_after(services.transfers.cancel(transfer.id))
    assert transfer.state == "cancelled"
    assert contents(s3_client, bucket) == {}


@on_moto
async def test_transfer_paused_while_its_files_are_added_has_each_file_once(
    services: Services, folder: Path, s3_client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, real = asyncio.Event(), jobs.apply_plan

    async def apply_plan(transfer: Transfer, planned: Any) -> None:
        here.set()
        await real(transfer, planned)

    monkeypatch.setattr(jobs, "FILES_BEFORE_YIELD", 2)
    monkeypatch.setattr(jobs, "apply_plan", apply_plan)
    transfer = await begin(services, "copy", "workspace://d/", f"s3://{bucket}/")
    await here.wait()
    await services.transfers.pause(transfer.id)
    assert (transfer.state, transfer.planned) == ("paused", False)
    assert transfer.files, "it is adding the files"
    await services.transfers.resume(transfer.id)
    await ended(services, transfer)
    assert (transfer.state, transfer.files_done, transfer.files_total) == ("completed", 5, 5)
    assert (transfer.bytes_done, transfer.bytes_total) == (5, 5)


@on_moto
@pytest.mark.parametrize("verb", ["pause", "cancel"])
async def test_transfer_paused_or_cancelled_while_it_starts_does_not_run(
    services: Services, folder: Path, s3_client: Any, bucket: str, verb: str
) -> None:
    transfer = new(services, "copy", "workspace://d/", f"s3://{bucket}/")
    starting = asyncio.create_task(services.transfers.start(transfer))
    await asyncio.sleep(0)
    assert services.transfers.find(transfer.id) is transfer
    assert services.transfers.active == 0
    await getattr(services.transfers, verb)(transfer.id)
    await starting
    await turns()
    assert services.transfers.active == 0
    assert transfer.state == {"pause": "paused", "cancel": "cancelled"}[verb]
    if verb == "pause":
        await services.transfers.resume(transfer.id)
        await ended(services, transfer)
        assert transfer.state == "completed"


@on_moto
async def test_transfer_resumed_and_paused_immediately_stays_paused(
    services: Services, folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfers = services.transfers
    async with no_files(services):
        transfer = await begin_planned(services, "copy", "workspace://d/", f"s3://{bucket}/")
        again: list[asyncio.Task[Transfer]] = []
        real = transfers.state_changed

        async def resume_and_pause() -> Transfer:
            await transfers.resume(transfer.id)  # the done callback of its first task has not run yet
            return await transfers.pause(transfer.id)

        def state_changed(one: Transfer) -> None:
            real(one)
            if one.state == "paused" and not again:
                again.append(asyncio.create_task(resume_and_pause()))

        monkeypatch.setattr(transfers, "state_changed", state_changed)
        await transfers.pause(transfer.id)
        await again[0]
        assert (transfer.state, transfers.active) == ("paused", 0)
    await transfers.resume(transfer.id)
    assert (await ended(services, transfer)).state == "completed"


@on_moto
async def test_two_transfers_started_together_both_forget_old_ones(
    services: Services, folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [await begin(services, "copy", "workspace://nothing", f"s3://{bucket}/n") for _ in range(3)]
    for one in old:
        await ended(services, one)

    async def drop(entries: Iterable[PendingWrite]) -> None:
        await turns()

    monkeypatch.setattr(manager, "MAX_FINISHED_TRANSFERS", 1)
    monkeypatch.setattr(services.transfers, "_drop", drop)
    both = await asyncio.gather(*(begin(services, "copy", f"workspace://d/f{n}", f"s3://{bucket}/") for n in (0, 1)))
    assert [(await ended(services, one)).state for one in both] == ["completed", "completed"]
    assert not {one.id for one in old} & {one.id for one in services.transfers.list()}


@on_moto
async def test_failed_transfer_of_many_files_can_be_retried_after_a_sweep(
    services: Services, folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "MAX_FINISHED_FILES", 3)
    (folder / "broken").symlink_to("nowhere")
    transfer = await ended(services, await begin(services, "copy", "workspace://d/", f"s3://{bucket}/"))
    assert transfer.state == "failed"
    await services.sweep()
    assert services.transfers.find(transfer.id) is transfer


@on_moto
async def test_completed_transfer_of_many_files_is_kept_until_the_next_one_completes(
    services: Services, folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "MAX_FINISHED_FILES", 3)
    first = await ended(services, await begin(services, "copy", "workspace://d/", f"s3://{bucket}/1/"))
    await services.sweep()
    assert services.transfers.find(first.id) is first
    second = await ended(services, await begin(services, "copy", "workspace://d/", f"s3://{bucket}/2/"))
    await services.sweep()
    assert services.transfers.list() == [second]


async def test_transfer_that_waits_for_its_connection_continues_in_a_server_that_has_it(
    make_services: Callable[..., Services], folder: Path, s3_client: Any, bucket: str
) -> None:
    first = make_services()
    await first.start()
    async with no_files(first):
        transfer = await begin_planned(first, "copy", "workspace://d/f0", f"s3://{bucket}/f0")
        await first.stop()
    second = make_services(s3_endpoint="http://127.0.0.1:9")
    await second.start()
    waiting = await ended(second, second.transfers.get(transfer.id))
    assert (waiting.state, waiting.needs) == ("paused", "connection")
    await second.stop()
    third = make_services()
    await third.start()
    again = third.transfers.get(transfer.id)
    await until(third, lambda: again.state == "completed")
    assert contents(s3_client, bucket) == {"f0": b"x"}


@on_moto
async def test_pending_write_of_a_cancelled_request_is_swept(
    services: Services, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(services.engine.journal, "written", asyncio.Event().wait)
        task = asyncio.create_task(services.engine.pending_writes.begin(STREAM, S3Uri(bucket, "x"), services.s3.host))
        await turns()
        task.cancel()
        await asyncio.wait([task])
    await services.sweep()
    assert services.engine.pending_writes.entries == []


@on_moto
async def test_token_of_a_transfer_is_kept_when_others_are_added(services: Services, bucket: str) -> None:
    async with no_files(services):
        first = await services.transfers.start(services.transfers.new("copy", HubUri("a/b"), S3Uri(bucket, "")))
        services.give_token(first, "hf_one")
        second = services.transfers.new("copy", HubUri("a/b"), S3Uri(bucket, ""))
        services.give_token(second, "hf_two")
        services.give_token(second, None)
        assert {transfer_id: token for transfer_id, (_, token) in services._tokens.items()} == {first.id: "hf_one"}


@on_moto
async def test_cancelling_many_files_writes_one_batch_to_the_journal(
    services: Services, folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with no_files(services):
        transfer = await begin_planned(services, "copy", "workspace://d/", f"s3://{bucket}/")
        batches: list[int] = []
        put = services.engine.journal.put

        def counted(table: str, *rows: Any) -> None:
            batches.extend([len(rows)] if table == "files" else [])
            put(table, *rows)

        monkeypatch.setattr(services.engine.journal, "put", counted)
        await services.transfers.cancel(transfer.id)
    assert {file.state for file in transfer.files} == {"cancelled"}
    assert batches == [5]
