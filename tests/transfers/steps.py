"""Steps of tests of transfers: start a transfer, wait for it, hold it at a call, compare what is stored."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from odhtec_jupyter.models import ImportRequest, TransferRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.jobs.jobs import apply_plan
from odhtec_jupyter.transfers.planning.hub_import import plan_import
from odhtec_jupyter.transfers.planning.plan import check_locations
from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth, Flow, Share
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.lookups import never
from odhtec_jupyter.transfers.transfer import FINAL, Transfer
from odhtec_jupyter.uris import S3Uri, parse_uri
from tests.content import contents
from tests.waiting import GIVE_UP_SECONDS


class Clock:
    """A clock that the test sets."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Delayed(Flow):
    """A connection that the bandwidth limit has delayed for as long as the test says."""

    seconds = 0.0

    def __init__(self) -> None:
        super().__init__(Bandwidth(), Share())

    @property
    def waited(self) -> float:
        return self.seconds


def new(services: Services, action: str, source: str, target: str = "", **fields: Any) -> Transfer:
    """Return a transfer that can be started, after the checks of a request."""
    request = TransferRequest(action=action, source=source, target=target, **fields)  # type: ignore[arg-type]
    start, to = parse_uri(source, "source"), parse_uri(target, "target") if target else None
    check_locations(request.action, start, to, request.names)
    return services.transfers.new(request.action, start, to, services.options(request, start, to))


async def begin(services: Services, action: str, source: str, target: str = "", **fields: Any) -> Transfer:
    """Start a transfer."""
    return await services.transfers.start(new(services, action, source, target, **fields))


@asynccontextmanager
async def no_files(services: Services) -> AsyncIterator[None]:
    """Let no file start, of any size."""
    engine = services.engine
    limits = [engine.small_files.of(host) for host in (services.s3.host, services.hub.host)]
    places = [limit for limit in limits for _ in range(limit.limit)]
    async with engine.slots, engine.slots:
        for limit in places:
            await limit.acquire()
        yield
    for limit in places:
        limit.release()


async def begin_planned(services: Services, action: str, source: str, target: str, **fields: Any) -> Transfer:
    """Start a transfer and return when it is planned. If the slots are in use, no file has started."""
    transfer = await begin(services, action, source, target, **fields)
    await until(services, lambda: transfer.planned)
    return transfer


async def begin_import(services: Services, request: ImportRequest) -> Transfer:
    """Plan and start an import."""
    plan = await asyncio.to_thread(
        plan_import, services.stores(request.token), request, services.options(request), never
    )
    transfer = services.transfers.new("import", plan.source, plan.target, plan.options)
    await apply_plan(transfer, list(plan.files))
    await services.transfers.start(transfer)
    services.give_token(transfer, request.token)
    return transfer


async def begin_deletion(services: Services, bucket: str, *, keys: Any = (), prefixes: Any = ()) -> Transfer:
    """Start a deletion of keys and folders."""
    options = services.deletion(keys, prefixes)
    return await services.transfers.start(services.transfers.new("delete", S3Uri(bucket, ""), None, options))


async def until(services: Services, condition: Callable[[], bool]) -> None:
    """Return when the condition holds; it is checked at each event of a transfer, and regularly."""

    async def follow() -> None:
        async for _ in services.transfers.events.subscribe(None, keepalive=0.02):
            if condition():
                return

    await asyncio.wait_for(follow(), GIVE_UP_SECONDS)


async def ended(services: Services, transfer: Transfer) -> Transfer:
    """Return the transfer when it has finished or is paused."""
    await until(services, lambda: transfer.state in FINAL | {"paused"})
    return transfer


async def turns() -> None:
    """Let the event loop run everything that is ready."""
    for _ in range(50):
        await asyncio.sleep(0)


class Hold:
    """A point in the code at which threads wait until the test releases them."""

    def __init__(self) -> None:
        self.met, self._free = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Wait until the test releases the hold. Called by the held thread."""
        self.met.set()
        assert self._free.wait(GIVE_UP_SECONDS), "the test did not release it"

    async def reached(self) -> None:
        """Return when a thread waits here."""
        assert await asyncio.to_thread(self.met.wait, GIVE_UP_SECONDS), "no thread came here"

    def free(self) -> None:
        """Release the threads."""
        self._free.set()

    async def free_after(self, work: Any) -> None:
        """Release the threads when ``work``, a pause or a cancellation, has started; return when it is done."""
        task = asyncio.ensure_future(work)
        await turns()
        self._free.set()
        await task


async def kept_waiting(engine: Engine, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start ``work`` that must wait for other work of this process and send nothing to S3 until then."""
    calls: list[Any] = []
    in_thread = engine.in_thread

    async def noted(stop: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(call)
        return await in_thread(stop, call, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "in_thread", noted)
        task = asyncio.ensure_future(work)
        await turns()
    assert (calls, task.done()) == ([], False)
    return task


def hold_after(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> Hold:
    """Hold each call of a blocking method after it is done and before it returns."""
    hold, real = Hold(), getattr(kind, name)

    def held(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        hold.wait()
        return answer

    monkeypatch.setattr(kind, name, held)
    return hold


def sha256s(client: Any, bucket: str) -> dict[str, str]:
    """Return the SHA-256 of each object in the bucket by its key."""
    return {key: hashlib.sha256(content).hexdigest() for key, content in contents(client, bucket).items()}
