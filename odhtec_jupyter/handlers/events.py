"""Server-sent events: one stream for a tab."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tornado import iostream, web

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.tornado_internals import UntrackedHandler
from odhtec_jupyter.handlers.transfers import WorkspaceHandler, shown

KEEPALIVE_SECONDS = 15.0  # seconds between two comments, so that no proxy closes the stream as idle


class EventStream:
    """A reply that stays open and flushes each event. Raises StreamClosedError if the client disconnects."""

    def __init__(self, handler: OdhTecHandler) -> None:
        self._handler = handler
        handler.set_header("Content-Type", "text/event-stream")
        handler.set_header("Cache-Control", "no-cache")
        handler.set_header("X-Accel-Buffering", "no")

    async def send(self, data: dict[str, Any] | str, *, kind: str | None = None, event_id: str | None = None) -> None:
        """Send one event; a dict is sent as JSON."""
        lines = [f"id: {event_id}"] if event_id else []
        lines += [f"event: {kind}"] if kind else []
        lines.append(f"data: {data if isinstance(data, str) else json.dumps(data)}")
        await self._write("\n".join(lines) + "\n\n")

    async def comment(self) -> None:
        """Send a line that clients ignore."""
        await self._write(": still here\n\n")

    async def _write(self, text: str) -> None:
        self._handler.write(text)
        await self._handler.flush()

    def close(self) -> None:
        """End the reply."""
        self._handler.finish(set_content_type="text/event-stream")


class TransferEventsHandler(UntrackedHandler, WorkspaceHandler):
    """``/transfers/events``"""

    _following: asyncio.Task[Any] | None = None

    @web.authenticated
    async def get(self) -> None:
        """Send the current state of all transfers (or the changes since ``Last-Event-ID``), then every change."""
        transfers = self.services.transfers
        sees = await self.sees_contents()
        stream = EventStream(self)
        self._following = asyncio.current_task()
        try:
            await stream.comment()  # sends the headers immediately
            async for event in transfers.events.subscribe(
                self.request.headers.get("Last-Event-ID"), keepalive=KEEPALIVE_SECONDS
            ):
                if event is None:
                    await stream.comment()
                elif event.kind == "removed":
                    await stream.send({"id": event.key}, kind="removed", event_id=event.id)
                elif (transfer := transfers.find(event.key)) is not None:
                    text = shown(transfer, sees_contents=sees).model_dump_json(by_alias=True)
                    await stream.send(text, kind="transfer", event_id=event.id)
        except (iostream.StreamClosedError, asyncio.CancelledError):
            pass

    def on_connection_close(self) -> None:
        """Stop when the tab is closed."""
        super().on_connection_close()
        if self._following is not None:
            self._following.cancel()
