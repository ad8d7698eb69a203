"""Requests of a client that has disconnected stop reading from S3 and the workspace."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.keys import encode_key
from odhtec_jupyter.stores.s3.source import S3Source
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.runtime.lookups import MAX_QUEUED_LOOKUPS

on_moto = pytest.mark.parametrize("s3_server", ["moto"], indirect=True)
KEYS = [f"d/k{number:04}" for number in range(10 * MAX_QUEUED_LOOKUPS)]
TIMEOUT_SECONDS = 30.0


class Watched:
    """A method of a store that waits until the client has disconnected, and then calls the real method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        self.started, self.disconnected = threading.Event(), threading.Event()
        real: Callable[..., Any] = getattr(owner, name)
        closed = OdhTecHandler.on_connection_close

        def waiting(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            self.started.set()
            assert self.disconnected.wait(TIMEOUT_SECONDS)
            return real(*args, **kwargs)

        def on_connection_close(handler: OdhTecHandler) -> None:
            closed(handler)
            self.disconnected.set()

        monkeypatch.setattr(owner, name, waiting)
        monkeypatch.setattr(OdhTecHandler, "on_connection_close", on_connection_close)


async def request_and_disconnect(api: Any, watched: Watched, method: str, target: str, body: object) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    _, writer = await api.raw(method, target, {"Content-Length": str(len(content))})
    writer.write(content)
    await writer.drain()
    assert await asyncio.to_thread(watched.started.wait, TIMEOUT_SECONDS)
    writer.transport.abort()
    assert await asyncio.to_thread(watched.disconnected.wait, TIMEOUT_SECONDS)


@pytest.fixture
def all_done(
    services: Any, eventually: Callable[[Callable[[], bool]], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """A function that waits until all threads for short calls are idle."""

    async def wait() -> None:
        # One call for each thread. They run after all calls that were queued before.
        barrier = threading.Barrier(services.calls._max_workers)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.gather(
                *(loop.run_in_executor(services.calls, barrier.wait) for _ in range(services.calls._max_workers))
            )

    return wait


@on_moto
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("DELETE", "objects/multiple/{bucket}?dryRun=true", {"keys": KEYS}),
        (
            "POST",
            "transfers",
            {
                "action": "copy",
                "source": "s3://{bucket}/d/",
                "target": "s3://{bucket}/e/",
                "names": [key.removeprefix("d/") for key in KEYS],
                "dryRun": True,
            },
        ),
    ],
    ids=["a deletion's dry run", "a copy's dry run"],
)
async def test_dry_run_stops_reading_objects_when_the_client_disconnects(
    api: Any,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    all_done: Callable[[], Awaitable[None]],
    method: str,
    target: str,
    body: dict[str, Any],
) -> None:
    watched = Watched(monkeypatch, S3Store, "head")
    filled = json.loads(json.dumps(body).replace("{bucket}", bucket))
    await request_and_disconnect(api, watched, method, target.replace("{bucket}", bucket), filled)
    await all_done()
    assert 0 < watched.calls <= MAX_QUEUED_LOOKUPS


@on_moto
async def test_dry_run_stops_reading_files_when_the_client_disconnects(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, all_done: Callable[[], Awaitable[None]], s3_client: Any
) -> None:
    for number in range(20):
        s3_client.put_object(Bucket=bucket, Key=f"d/{number}", Body=b"x")
    watched = Watched(monkeypatch, WorkspaceStore, "head")
    request = {"action": "copy", "source": f"s3://{bucket}/d/", "target": "workspace://d/", "dryRun": True}
    await request_and_disconnect(api, watched, "POST", "transfers", request)
    await all_done()
    assert watched.calls == 1


@on_moto
async def test_preview_stops_reading_the_object_when_the_client_disconnects(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, all_done: Callable[[], Awaitable[None]], s3_client: Any
) -> None:
    s3_client.put_object(Bucket=bucket, Key="a.csv", Body=b"a,b\n" * 1000)
    watched = Watched(monkeypatch, S3Store, "head")
    ranges = []
    opened = S3Source.open_range

    def open_range(source: S3Source, start: int, end: int) -> Any:
        ranges.append((start, end))
        return opened(source, start, end)

    monkeypatch.setattr(S3Source, "open_range", open_range)
    await request_and_disconnect(api, watched, "GET", f"objects/preview/{bucket}/{encode_key('a.csv')}", None)
    await all_done()
    assert ranges == []
    assert (await api.ok("GET", "objects/preview", bucket, encode_key("a.csv")))["kind"] == "table"
    assert ranges
