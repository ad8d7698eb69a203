"""A request whose body is handed on while it comes in, and what becomes of it when something goes wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from tornado import iostream

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.client_socket import can_let_go, client_socket, let_go, watch_again
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT
from odhtec_jupyter.transfers.uploads.part_buffer import Incoming
from odhtec_jupyter.transfers.uploads.socket_reader import Sender

MOST = 2 * MAX_OBJECT  # bytes of a body: a form is more than its files
CHUNK = 128 * 1024
STRAIGHT_CHUNK = 1024 * 1024


class Sink(Protocol):
    """Where a request's body goes."""

    async def write(self, data: bytes) -> None:
        """Take bytes; returning late is the back-pressure."""
        ...

    def abort(self) -> Coroutine[Any, Any, None]:
        """Leave nothing behind; may be called twice."""
        ...


class StraightSink(Sink, Protocol):
    """One that lets the socket write into its own memory."""

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` put bytes into memory; how many it put."""
        ...


class StraightBody:
    """A body read from its socket by a thread while it comes quickly, and else by the loop."""

    def __init__(self, stream: Any, sender: Sender | None) -> None:
        self._stream = stream
        self._sender = sender

    def sender(self) -> Sender | None:
        """The socket, where a thread may read there now."""
        sender = self._sender
        return sender if sender and sender.is_quick and let_go(self._stream) else None

    async def read(self, room: memoryview) -> int:
        """Put bytes there; how many."""
        if (sender := self.sender()) and (taken := await sender.receive(room)):
            return taken
        count: int = await self._stream.read_into(room[:STRAIGHT_CHUNK], partial=True)
        if self._sender:
            self._sender.came(count)
        return count


class StreamedBodyHandler(OdhTecHandler):
    """Its verb runs when the body has come in; ``prepare`` says with :meth:`expect` where it goes."""

    _sink: Sink | None = None

    def limit_body(self) -> None:
        """What is refused from here on gets our reply, not tornado's word on the body's length."""
        self.connection.set_max_body_size(MOST)

    @property
    def connection(self) -> Any:
        """Tornado's HTTP1Connection."""
        return cast(Any, self.request.connection)

    @property
    def content_length(self) -> int | None:
        """As the sender announced it."""
        text = self.request.headers.get("Content-Length")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 16):
            raise BadRequest("Content-Length is not a number of bytes.")
        return int(text)

    def expect(self, sink: Sink) -> None:
        """Let the body go to ``sink``."""
        self._sink = sink
        self.services.unfinished.add(sink.abort)

    def expect_straight(self, sink: StraightSink) -> None:
        """As :meth:`expect`, without a copy on the way where the body's length is told."""
        self.expect(sink)
        # Not public in tornado; without it all works, at twice the cost.
        if self.request.headers.get("Content-Length") and hasattr(self.connection, "_read_fixed_body"):

            async def receive_straight(length: int, delegate: Any) -> None:
                await self._receive_straight(sink, length)

            self.connection._read_fixed_body = receive_straight

    async def data_received(self, chunk: bytes) -> None:
        """Hand the bytes on."""
        if not self._finished and self._sink is not None:
            async with self._refusing(self._sink):
                await self._sink.write(chunk)
                self.services.note_activity()

    async def _receive_straight(self, sink: StraightSink, length: int) -> None:
        """In the place of tornado's own loop: the socket's bytes go into the sink's memory without a copy between."""
        stream = self.connection.stream
        with client_socket(stream, allowed=can_let_go(stream)) as source:
            body = StraightBody(stream, Sender(self.services.engine, source) if source else None)
            async with self._refusing(sink):
                while length and not self._finished:
                    length -= await sink.receive(body, length)
                    self.services.note_activity()
                    await asyncio.sleep(0)  # a quick sender must not keep the loop to itself
            if source:
                watch_again(stream)
        while length:  # refused: what still comes is dropped until the connection is closed
            length -= len(await stream.read_bytes(min(length, CHUNK), partial=True))

    @asynccontextmanager
    async def _refusing(self, sink: Sink) -> AsyncIterator[None]:
        """Reply to an error while the body comes in: let go, it would reset the connection without a reply."""
        try:
            yield
        except iostream.StreamClosedError:
            raise  # the sender has gone: tornado tells on_connection_close
        except OdhTecError as error:
            await sink.abort()
            self.refuse(error)
        except asyncio.CancelledError:
            await sink.abort()
            if not self._finished:
                raise
        except Exception:
            self.log.exception("An upload failed.")
            await sink.abort()
            self.refuse(OdhTecError("Something unexpected went wrong; the server's log has the details."))

    def on_connection_close(self) -> None:
        """The sender has gone in the middle; nothing of what it sent stays."""
        super().on_connection_close()
        self._drop()

    def on_finish(self) -> None:
        """The reply is sent: the server has nothing to drop any more when it stops."""
        super().on_finish()
        if self._sink is not None:
            self.services.unfinished.discard(self._sink.abort)

    def lost(self, error: OdhTecError) -> None:
        """The sink failed between two chunks: tell the sender while it sends, or while it stands still."""
        self.refuse(error)
        self._drop()

    def _drop(self) -> None:
        if self._sink is not None:
            self.services.unfinished.discard(self._sink.abort)
            # Held by the services: nobody awaits a request whose connection is closed.
            self.services.keep(self._sink.abort())
