"""Deletions of many keys: batches side by side, keys that S3 refuses for a moment, and what a broken-off one leaves."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.jobs.deletion import PARALLEL_BATCHES
from odhtec_jupyter.transfers.transfer import Transfer
from tests.marks import on_moto
from tests.odd_store import OddStore, Reply, Request, failure
from tests.transfers.steps import Hold, begin_deletion, ended
from tests.waiting import GIVE_UP_SECONDS

pytestmark = on_moto  # which only the fixtures need


@pytest.fixture
def odd() -> Iterator[OddStore]:
    with OddStore() as running:
        yield running


@pytest.fixture
def make_server(make_services: Callable[..., Services], odd: OddStore) -> Callable[[], Services]:
    """A function that makes a server with ``odd`` as its store."""
    connection = {"s3_endpoint": odd.endpoint, "s3_access_key_id": "key", "s3_secret_access_key": "secret"}
    return lambda: make_services(**connection, ca_bundle="")


@pytest.fixture
def server(make_server: Callable[[], Services], jp_asyncio_loop: Any) -> Services:
    made = make_server()
    jp_asyncio_loop.run_until_complete(made.start())
    return made


def fill(odd: OddStore, count: int, prefix: str = "d/") -> None:
    for number in range(count):
        odd.put(f"{prefix}{number:05}", b"")


def batches(odd: OddStore) -> list[list[str]]:
    """The keys of each DeleteObjects request."""
    return [re.findall("<Key>([^<]*)</Key>", one.body.decode()) for one in odd.requests if "delete" in one.query]


def counts(transfer: Transfer) -> tuple[int, int | None, int]:
    return transfer.files_done, transfer.files_total, transfer.files_failed


async def test_batches_are_deleted_in_parallel_while_the_next_ones_are_listed(
    server: Services, odd: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(odd, 8000)
    delete, together = S3Store.delete, threading.Barrier(PARALLEL_BATCHES, timeout=GIVE_UP_SECONDS)

    def meeting(store: S3Store, bucket: str, keys: list[str]) -> Any:
        together.wait()  # breaks if fewer requests run at the same time
        return delete(store, bucket, keys)

    monkeypatch.setattr(S3Store, "delete", meeting)
    transfer = await ended(server, await begin_deletion(server, "bucket", prefixes=["d/"]))
    assert (transfer.state, transfer.error, counts(transfer)) == ("completed", None, (8000, 8000, 0))
    assert [len(keys) for keys in batches(odd)] == [1000] * 8
    assert odd.objects == {}
    assert transfer.files == []


async def test_overlapping_keys_and_folders_are_deleted_and_counted_once(server: Services, odd: OddStore) -> None:
    fill(odd, 1500, "d/e/")
    for key in ("d/a", "x", "y"):
        odd.put(key, b"")
    meant = {"keys": ["d/a", "x", "x"], "prefixes": ["d/e/", "d/", "d/e/"]}
    transfer = await ended(server, await begin_deletion(server, "bucket", **meant))
    assert (transfer.state, counts(transfer)) == ("completed", (1502, 1502, 0))
    assert set(Counter(key for keys in batches(odd) for key in keys).values()) == {1}
    assert set(odd.objects) == {"y"}


async def test_many_keys_are_deleted_in_batches(server: Services, odd: OddStore) -> None:
    fill(odd, 2500)
    transfer = await ended(server, await begin_deletion(server, "bucket", keys=list(odd.objects)))
    assert (transfer.state, counts(transfer), odd.objects) == ("completed", (2500, 2500, 0), {})
    assert sorted(len(keys) for keys in batches(odd)) == [500, 1000, 1000]


def refuse_key(odd: OddStore, key: str, code: str, times: int) -> None:
    """Let DeleteObjects delete all keys but one, which it refuses so many times."""
    left = times
    error = f"<Error><Key>{key}</Key><Code>{code}</Code><Message>Later.</Message></Error>"

    def change(request: Request, reply: Reply) -> Reply | None:
        nonlocal left
        if "delete" in request.query and key in request.body.decode() and left:
            left -= 1
            odd.put(key, b"")
            reply.body = f"<DeleteResult>{error}</DeleteResult>".encode()
        return reply

    odd.oddity = change


async def test_only_keys_that_the_store_was_too_busy_for_are_sent_again(server: Services, odd: OddStore) -> None:
    fill(odd, 20)
    refuse_key(odd, "d/00007", "SlowDown", 3)
    transfer = await ended(server, await begin_deletion(server, "bucket", prefixes=["d/"]))
    assert (transfer.state, transfer.error, counts(transfer)) == ("completed", None, (20, 20, 0))
    assert [len(keys) for keys in batches(odd)] == [20, 1, 1, 1]
    assert odd.objects == {}


async def test_key_that_always_fails_is_listed_and_does_not_stop_the_others(server: Services, odd: OddStore) -> None:
    fill(odd, 1200)
    refuse_key(odd, "d/00007", "InternalError", 100)
    transfer = await ended(server, await begin_deletion(server, "bucket", prefixes=["d/"]))
    assert (transfer.state, counts(transfer)) == ("failed", (1199, 1200, 1))
    assert [(file.path, file.state, file.error and file.error.code) for file in transfer.files] == [
        ("d/00007", "failed", "InternalError")
    ]
    assert set(odd.objects) == {"d/00007"}
    odd.oddity = None
    await server.transfers.retry(transfer.id)
    await ended(server, transfer)
    assert (transfer.state, counts(transfer), odd.objects) == ("completed", (1200, 1200, 0), {})


async def test_single_deletions_are_sent_again_to_a_busy_store(server: Services, odd: OddStore) -> None:
    fill(odd, 5)
    busy = 7

    def refuse(request: Request) -> Reply | None:
        nonlocal busy
        if "delete" in request.query:
            return failure(501, "NotImplemented")
        if request.method == "DELETE" and request.key == "d/00003" and busy:
            busy -= 1
            return failure(503, "SlowDown")
        return None

    odd.refuse = refuse
    transfer = await ended(server, await begin_deletion(server, "bucket", prefixes=["d/"]))
    assert (transfer.state, transfer.error, counts(transfer)) == ("completed", None, (5, 5, 0))
    assert odd.objects == {}
    assert odd.count("DELETE", key="d/00001") == 1


async def test_cancelled_deletion_leaves_no_running_files(
    server: Services, make_server: Callable[[], Services], odd: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(odd, 3000)
    hold = Hold()

    def lost(*_: Any) -> None:
        hold.wait()
        raise StoreError("The store is busy.", code="SlowDown")

    with monkeypatch.context() as patch:
        patch.setattr(S3Store, "delete", lost)
        transfer = await begin_deletion(server, "bucket", prefixes=["d/"])
        await hold.reached()
        await hold.free_after(server.transfers.cancel(transfer.id))
    assert transfer.state == "cancelled"
    states = {file.state for file in transfer.files}
    assert states == {"cancelled"}
    await server.stop()
    second = make_server()
    await second.start()
    again = second.transfers.get(transfer.id)
    assert (again.state, {file.state for file in again.files}) == ("cancelled", {"cancelled"})


async def test_failed_deletion_leaves_no_running_files(
    server: Services, make_server: Callable[[], Services], odd: OddStore
) -> None:
    fill(odd, 3000)
    odd.refuse = lambda request: failure(403, "AccessDenied") if "delete" in request.query else None
    transfer = await ended(server, await begin_deletion(server, "bucket", prefixes=["d/"]))
    assert transfer.state == "failed"
    assert {file.state for file in transfer.files} == {"queued"}
    await server.stop()
    second = make_server()
    await second.start()
    again = second.transfers.get(transfer.id)
    assert (again.state, {file.state for file in again.files}) == ("failed", {"queued"})
    odd.refuse = None
    await second.transfers.retry(again.id)
    await ended(second, again)
    assert (again.state, counts(again), odd.objects) == ("completed", (3000, 3000, 0), {})
