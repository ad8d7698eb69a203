"""What tests of transfers do again and again: begin one, wait for it, hold it somewhere, look at what is stored."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from odhtec_jupyter.models import ImportRequest, TransferRequest
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.jobs.jobs import apply_plan
from odhtec_jupyter.transfers.planning.hub_import import plan_import
from odhtec_jupyter.transfers.planning.plan import check_locations
from odhtec_jupyter.transfers.planning.selection import never
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.transfer import FINAL, Transfer
from odhtec_jupyter.uris import parse_uri
from tests.content import contents
from tests.waiting import GIVE_UP_SECONDS


class Clock:
    """Time that passes when the test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def new(services: Services, action: str, source: str, target: str = "", **fields: Any) -> Transfer:
    """A transfer to be started, checked as a request for it is."""
    request = TransferRequest(action=action, source=source, target=target, **fields)  # type: ignore[arg-type]
    to = parse_uri(target, "target") if target else None
    check_locations(request.action, parse_uri(source, "source"), to, request.names)
    return services.transfers.new(request.action, source, target, services.options(request))


async def begin(services: Services, action: str, source: str, target: str = "", **fields: Any) -> Transfer:
    """Start a transfer."""
    return await services.transfers.start(new(services, action, source, target, **fields))


async def begin_planned(services: Services, action: str, source: str, target: str, **fields: Any) -> Transfer:
    """Start a transfer; its plan is made when this returns. Where the slots are taken, no file moves yet."""
    transfer = await begin(services, action, source, target, **fields)
    await until(services, lambda: transfer.planned)
    return transfer


async def begin_import(services: Services, wish: ImportRequest) -> Transfer:
    """Plan and start an import."""
    plan = await asyncio.to_thread(plan_import, services.stores(wish.token), wish, services.options(wish), never)
    transfer = services.transfers.new("import", str(plan.source), str(plan.target), plan.options)
    await apply_plan(transfer, list(plan.files))
    await services.transfers.start(transfer)
    services.give_token(transfer, wish.token)
    return transfer


async def begin_deletion(services: Services, bucket: str, *, keys: Any = (), prefixes: Any = ()) -> Transfer:
    """Start a deletion of keys and folders."""
    options = services.deletion(keys, prefixes)
    return await services.transfers.start(services.transfers.new("delete", f"s3://{bucket}/", "", options))


async def until(services: Services, condition: Callable[[], bool]) -> None:
    """Return when the condition holds; it is looked at whenever a transfer moves, and now and then."""

    async def follow() -> None:
        async for _ in services.transfers.events.follow(None, keepalive=0.02):
            if condition():
                return

    await asyncio.wait_for(follow(), GIVE_UP_SECONDS)


async def ended(services: Services, transfer: Transfer) -> Transfer:
    """The transfer, when it does not go on by itself any more."""
    await until(services, lambda: transfer.state in FINAL | {"paused"})
    return transfer


async def turns() -> None:
    """Let the event loop do all that it can do now without waiting for anybody."""
    for _ in range(50):
        await asyncio.sleep(0)


class Hold:
    """A place in the code where what comes by waits until the test lets it go on."""

    def __init__(self) -> None:
        self.met, self._free = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Called by the thread that comes by."""
        self.met.set()
        assert self._free.wait(GIVE_UP_SECONDS), "nobody let it go on"

    async def reached(self) -> None:
        """Return when something waits here."""
        assert await asyncio.to_thread(self.met.wait, GIVE_UP_SECONDS), "nothing came by"

    def free(self) -> None:
        """Let it go on."""
        self._free.set()

    async def free_after(self, work: Any) -> None:
        """Let it go on when ``work``, a pause or a cancellation, has begun; return when that is done."""
        task = asyncio.ensure_future(work)
        await turns()
        self._free.set()
        await task


async def kept_waiting(engine: Engine, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin ``work`` that has to wait for other work of this process: until then it asks S3 for nothing."""
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
    """Hold whoever has called a blocking method, before the answer comes back."""
    hold, real = Hold(), getattr(kind, name)

    def held(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        hold.wait()
        return answer

    monkeypatch.setattr(kind, name, held)
    return hold


def sha256s(client: Any, bucket: str) -> dict[str, str]:
    """key → sha256 of everything in the bucket."""
    return {key: hashlib.sha256(content).hexdigest() for key, content in contents(client, bucket).items()}
