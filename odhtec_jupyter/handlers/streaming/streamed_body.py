"""Requests whose bodies are passed on while they are received, and the handling of errors in between."""

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
from odhtec_jupyter.transfers.runtime.parts import MAX_OBJECT
from odhtec_jupyter.transfers.uploads.part_buffer import Incoming
from odhtec_jupyter.transfers.uploads.socket_reader import SocketReader

MAX_BODY_BYTES = 2 * MAX_OBJECT  # a form is larger than its files
CHUNK_BYTES = 128 * 1024
MAX_READ_BYTES = 1024 * 1024


class Sink(Protocol):
    """The destination of a request's body."""

    async def write(self, data: bytes) -> None:
        """Accept bytes; returning late slows the sender down."""
        ...

    def abort(self) -> Coroutine[Any, Any, None]:
        """Remove everything that was stored; can be called twice."""
        ...


class StraightSink(Sink, Protocol):
    """A sink that lets the socket write into its own memory."""

    async def receive(self, body: Incoming, at_most: int) -> int:
        """Let ``body`` write into memory. Returns the number of bytes."""
        ...


class StraightBody:
    """A body that a thread reads from the socket while it arrives quickly, otherwise the event loop."""

    def __init__(self, stream: Any, sender: SocketReader | None) -> None:
        self._stream = stream
        self._sender = sender

    def sender(self) -> SocketReader | None:
        """Return the socket reader, if a thread can read from the socket now."""
        sender = self._sender
        return sender if sender and sender.is_quick and stop_reading(self._stream) else None

    async def read(self, room: memoryview) -> int:
        """Read bytes into ``room``. Returns their number."""
        if (sender := self.sender()) and (taken := await sender.receive(room)):
            return taken
        count: int = await self._stream.read_into(room[:MAX_READ_BYTES], partial=True)
        if self._sender:
            self._sender.note_available(count)
        return count


class StreamedBodyHandler(OdhTecHandler):
    """A handler whose verb runs after its body was received; ``prepare`` sets the sink with :meth:`expect`."""

    _sink: Sink | None = None

    def limit_body(self) -> None:
        """Raise Tornado's own limit for the body, so that our reply is sent instead of Tornado's."""
        self.connection.set_max_body_size(MAX_BODY_BYTES)

    @property
    def connection(self) -> Any:
        """Tornado's HTTP1Connection."""
        return cast(Any, self.request.connection)

    @property
    def content_length(self) -> int | None:
        """The length that the client has announced; None without one."""
        text = self.request.headers.get("Content-Length")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 16):
            raise BadRequest("Content-Length must be a number of bytes.")
        return int(text)

    def expect(self, sink: Sink) -> None:
        """Pass the body to ``sink``."""
        self._sink = sink
        self.services.open_streams.add(sink.abort)

    def expect_straight(self, sink: StraightSink) -> None:
        """Pass the body to ``sink``, without copying it if its length is known."""
        self.expect(sink)
        if self.request.headers.get("Content-Length"):
            # If it cannot be replaced, data_received gets the body, at twice the cost.
            replace_body_reader(self.connection, partial(self._receive_straight, sink))

    async def data_received(self, chunk: bytes) -> None:
        """Pass the bytes to the sink."""
        if not self.replied and self._sink is not None:
            async with self._refusing(self._sink):
                await self._sink.write(chunk)
                self.services.note_activity()

    async def _receive_straight(self, sink: StraightSink, length: int) -> None:
        """Receive the body instead of Tornado: the socket's bytes are read into the sink's memory."""
        stream = self.connection.stream
        with client_socket(stream, allowed=can_stop_reading(stream)) as source:
            body = StraightBody(stream, SocketReader(self.services.engine, source) if source else None)
            async with self._refusing(sink):
                while length and not self.replied:
                    length -= await sink.receive(body, length)
                    self.services.note_activity()
                    await asyncio.sleep(0)  # a fast sender must not block the event loop
            if source:
                watch_for_close(stream)
        while length:  # the request was refused: read and drop the rest until the connection is closed
            length -= len(await stream.read_bytes(min(length, CHUNK_BYTES), partial=True))

    @asynccontextmanager
    async def _refusing(self, sink: Sink) -> AsyncIterator[None]:
        """Reply to an error while the body is received: raising it would reset the connection without a reply."""
        try:
            yield
        except iostream.StreamClosedError:
            raise  # the client has disconnected: Tornado calls on_connection_close
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
        """Drop what was received, because the client has disconnected."""
        super().on_connection_close()
        self._drop()

    def on_finish(self) -> None:
        """Unregister the sink: after the reply, there is nothing to drop when the server stops."""
        super().on_finish()
        if self._sink is not None:
            self.services.open_streams.discard(self._sink.abort)

    def lost(self, error: OdhTecError) -> None:
        """Report an error of the sink that occurred between two chunks, even if the client sends nothing."""
        self.refuse(error)
        self._drop()

    def _drop(self) -> None:
        if self._sink is not None:
            self.services.open_streams.discard(self._sink.abort)
            # Kept by the services, because a request with a closed connection is not awaited.
            self.services.keep(self._sink.abort())
