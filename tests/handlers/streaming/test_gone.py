"""What is looked up for a client ends when the client has gone."""

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
PATIENCE = 30.0  # seconds until a test that waits gives up


class Watched:
    """A store's method that waits, when it is first called, until the client has gone; the real one answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.calls = 0
        self.begun, self.gone = threading.Event(), threading.Event()
        real: Callable[..., Any] = getattr(owner, name)
        closed = OdhTecHandler.on_connection_close

        def waiting(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            self.begun.set()
            assert self.gone.wait(PATIENCE)
            return real(*args, **kwargs)

        def on_connection_close(handler: OdhTecHandler) -> None:
            closed(handler)
            self.gone.set()

        monkeypatch.setattr(owner, name, waiting)
        monkeypatch.setattr(OdhTecHandler, "on_connection_close", on_connection_close)


async def ask_and_leave(api: Any, watched: Watched, method: str, target: str, body: object) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    _, writer = await api.raw(method, target, {"Content-Length": str(len(content))})
    writer.write(content)
    await writer.drain()
    assert await asyncio.to_thread(watched.begun.wait, PATIENCE)
    writer.transport.abort()
    assert await asyncio.to_thread(watched.gone.wait, PATIENCE)


@pytest.fixture
def all_done(
    services: Any, eventually: Callable[[Callable[[], bool]], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """Wait until no thread for short calls has anything left to do."""

    async def wait() -> None:
        # As many as there are threads: each of these comes behind what was there before.
        barrier = threading.Barrier(services.calls._max_workers)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
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
    await ask_and_leave(api, watched, method, target.replace("{bucket}", bucket), filled)
    await all_done()
    assert 0 < watched.calls <= MAX_QUEUED_LOOKUPS


@on_moto
async def test_a_dry_run_looks_at_no_more_files(
    api: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, all_done: Callable[[], Awaitable[None]], s3_client: Any
) -> None:
    for number in range(20):
        s3_client.put_object(Bucket=bucket, Key=f"d/{number}", Body=b"x")
    watched = Watched(monkeypatch, WorkspaceStore, "head")
    request = {"action": "copy", "source": f"s3://{bucket}/d/", "target": "workspace://d/", "dryRun": True}
    await ask_and_leave(api, watched, "POST", "transfers", request)
    await all_done()
    assert watched.calls == 1


@on_moto
async def test_a_preview_reads_no_more_of_the_object(
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
    await ask_and_leave(api, watched, "GET", f"objects/preview/{bucket}/{encode_key('a.csv')}", None)
    await all_done()
    assert ranges == []
    assert (await api.ok("GET", "objects/preview", bucket, encode_key("a.csv")))["kind"] == "table"
    assert ranges
