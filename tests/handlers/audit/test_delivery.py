"""Where events go, what happens without a receiver, and that no receiver can disturb a request."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from odhtec_jupyter.audit.event import AuditEvent
from odhtec_jupyter.audit.log import SCHEMA_ID
from odhtec_jupyter.services import Services
from tests.handlers.audit.conftest import Recorded


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The actions of all events that are built."""
    found: list[str] = []
    real = AuditEvent.__init__

    def create(event: AuditEvent, **fields: Any) -> None:
        found.append(fields["action"])
        real(event, **fields)

    monkeypatch.setattr(AuditEvent, "__init__", create)
    return found


class Failing(logging.Handler):
    """A handler that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("no space left")


class Blocking(logging.Handler):
    """A handler that waits as for a file system that does not reply."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.released = threading.Event(), threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.called.set()
        assert self.released.wait(30)


@pytest.fixture
def attach(server: Services, jp_serverapp: Any) -> Iterator[Any]:
    """A function that adds a handler until the end of the test."""
    added: list[logging.Handler] = []

    def add(handler: Any) -> Any:
        jp_serverapp.event_logger.register_handler(handler)
        added.append(handler)
        return handler

    yield add
    for handler in added:
        jp_serverapp.event_logger.remove_handler(handler)


async def change_setting(api: Any) -> None:
    await api.ok("PUT", "settings/max-concurrent-transfers", json_body={"maxConcurrentTransfers": 3})


async def test_nothing_is_built_without_a_receiver(server: Services, odd_api: Any, built: list[str]) -> None:
    await odd_api.download("bucket", "folder/a.txt")
    await change_setting(odd_api)
    assert not server.audit.is_on
    assert built == []
    assert "odhtec-audit" not in {thread.name for thread in threading.enumerate()}


async def test_page_of_jupyterlab_neither_turns_it_on_nor_receives_events(
    server: Services, odd_api: Any, built: list[str], attach: Any, jp_ws_fetch: Any
) -> None:
    page = await jp_ws_fetch("api", "events", "subscribe")
    await change_setting(odd_api)
    assert not server.audit.is_on
    assert built == []
    attach(logging.NullHandler())
    await change_setting(odd_api)
    await asyncio.to_thread(server.audit.close)
    assert built == ["settings.change"]
    # Jupyter's own events still reach the page: the first message is one of them.
    await odd_api._fetch("api/contents/a.txt", method="PUT", body='{"type": "file", "format": "text", "content": "a"}')
    message = await page.read_message()
    assert "contents_service" in message
    page.close()


async def test_listener_receives_events(server: Services, odd_api: Any, jp_serverapp: Any) -> None:
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listener(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        received.put_nowait(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listener)
    await change_setting(odd_api)
    async with asyncio.timeout(30):
        assert (await received.get())["action"] == "settings.change"
    jp_serverapp.event_logger.remove_listener(schema_id=SCHEMA_ID, listener=listener)
    assert not server.audit.is_on


async def test_failing_handler_breaks_no_request_and_is_logged_once(
    server: Services, odd_api: Any, attach: Any, caplog: pytest.LogCaptureFixture
) -> None:
    attach(Failing())
    for _ in range(3):
        await change_setting(odd_api)
    await asyncio.to_thread(server.audit.close)
    found = [record for record in caplog.records if "Events of the audit are lost" in record.getMessage()]
    assert len(found) == 1
    assert "no space left" in found[0].getMessage()


async def test_event_that_cannot_be_built_breaks_no_request(
    recorded: Recorded, odd_api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AuditEvent, "data", lambda event: 1 / 0)
    await change_setting(odd_api)
    assert [record for record in caplog.records if "ZeroDivisionError" in record.getMessage()]


async def test_blocked_handler_blocks_no_request(
    server: Services,
    odd_api: Any,
    attach: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(server.audit._waiting, "maxsize", 3)
    blocking = attach(Blocking())
    try:
        for _ in range(6):
            await change_setting(odd_api)
        assert await asyncio.to_thread(blocking.called.wait, 30)
        assert [record for record in caplog.records if "are too slow" in record.getMessage()]
    finally:
        blocking.released.set()
        await asyncio.to_thread(server.audit.close)


async def test_modifier_of_an_administrator_applies(recorded: Recorded, odd_api: Any, jp_serverapp: Any) -> None:
    def modifier(schema_id: str, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "user": "someone"}

    jp_serverapp.event_logger.add_modifier(schema_id=SCHEMA_ID, modifier=modifier)
    await change_setting(odd_api)
    (event,) = await recorded.awaited()
    assert event["user"] == "someone"
