"""A request whose body is handed on while it comes in, and what becomes of it when something goes wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol, cast

from tornado import iostream

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.streaming.client_socket import client_socket
from odhtec_jupyter.handlers.tornado_internals import (
    can_stop_reading,
    replace_body_reader,
    stop_reading,
    watch_for_close,
)
from odhtec_jupyter.transfers.part_buffer import Incoming
from odhtec_jupyter.transfers.parts import MAX_OBJECT
from odhtec_jupyter.transfers.sender import Sender

MAX_BODY_BYTES = 2 * MAX_OBJECT  # bytes of a body: a form is more than its files
CHUNK_BYTES = 128 * 1024
MAX_READ_BYTES = 1024 * 1024


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
        return sender if sender and sender.is_quick and stop_reading(self._stream) else None

    async def read(self, room: memoryview) -> int:
        """Put bytes there; how many."""
        if (sender := self.sender()) and (taken := await sender.receive(room)):
            return taken
        count: int = await self._stream.read_into(room[:MAX_READ_BYTES], partial=True)
        if self._sender:
            self._sender.came(count)
        return count


class StreamedBodyHandler(OdhTecHandler):
    """Its verb runs when the body has come in; ``prepare`` says with :meth:`expect` where it goes."""

    _sink: Sink | None = None

    def limit_body(self) -> None:
        """What is refused from here on gets our reply, not tornado's word on the body's length."""
        self.connection.set_max_body_size(MAX_BODY_BYTES)

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
            raise BadRequest("Content-Length must be a number of bytes.")
        return int(text)

    def expect(self, sink: Sink) -> None:
        """Let the body go to ``sink``."""
        self._sink = sink
        self.services.unfinished.add(sink.abort)

    def expect_straight(self, sink: StraightSink) -> None:
        """As :meth:`expect`, without a copy on the way where the body's length is told."""
        self.expect(sink)
        if self.request.headers.get("Content-Length"):
            # Where it cannot be replaced, data_received gets the body, at twice the cost.
            replace_body_reader(self.connection, partial(self._receive_straight, sink))

    async def data_received(self, chunk: bytes) -> None:
        """Hand the bytes on."""
        if not self.replied and self._sink is not None:
            async with self._refusing(self._sink):
                await self._sink.write(chunk)
                self.services.note_activity()

    async def _receive_straight(self, sink: StraightSink, length: int) -> None:
        """In the place of tornado's own loop: the socket's bytes go into the sink's memory without a copy between."""
        stream = self.connection.stream
        with client_socket(stream, allowed=can_stop_reading(stream)) as source:
            body = StraightBody(stream, Sender(self.services.engine, source) if source else None)
            async with self._refusing(sink):
                while length and not self.replied:
                    length -= await sink.receive(body, length)
                    self.services.note_activity()
                    await asyncio.sleep(0)  # a quick sender must not keep the loop to itself
            if source:
                watch_for_close(stream)
        while length:  # refused: what still comes is dropped until the connection is closed
            length -= len(await stream.read_bytes(min(length, CHUNK_BYTES), partial=True))

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
            if not self.replied:
                raise
        except Exception:
            self.log.exception("An upload failed.")
            await sink.abort()
            self.refuse(OdhTecError("Unexpected error. Details are in the server log."))

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
