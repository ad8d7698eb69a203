"""A fault proxy in front of S3 or the hub: it forwards HTTP unchanged, except for the faults of its rules.

The Host header stays as the client sent it, so S3's signatures for the proxy's address are valid. Memory is
bounded by the pieces in flight. Each request is forwarded over a new connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.faults.rules import Flip, LostReply, Reset, Rule, Rules, Side, Stall, Status, Truncate
from tests.faults.traffic import Exchange, Traffic, s3_kind
from tests.faults.wire import PIECE, Body, Head, Torn, read_head
from tests.waiting import GIVE_UP_SECONDS

ABRUPT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a RST


class _Cut(Exception):
    """A fault ends the client's connection."""

    def __init__(self, *, reset: bool) -> None:
        self.reset = reset


class _Refused(ConnectionError):
    """The upstream has closed the connection during a request. It may have sent a reply with the reason."""


class Proxy:
    """A proxy that runs during its ``with`` block. Clients use :attr:`url` as their endpoint."""

    def __init__(self, upstream: str, *, kind: Callable[[Exchange], str] = s3_kind, address: str = "127.0.0.1") -> None:
        parts = urlsplit(upstream)
        assert parts.scheme == "http"
        self._upstream = (parts.hostname, parts.port)
        self._kind = kind
        self._socket = socket.create_server((address, 0), backlog=256)
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.rules = Rules()
        self.traffic = Traffic()
        self.defects: list[BaseException] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fault proxy")

    def clear(self) -> None:
        """Remove all rules and forget the traffic."""
        self.rules.clear()
        self.traffic.clear()

    def catch_up(self) -> None:
        """Return when the traffic has everything that clients, also killed ones, have sent before."""

        async def run_pending_tasks() -> None:
            for _ in range(10):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(run_pending_tasks(), self._loop).result(GIVE_UP_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(GIVE_UP_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self.defects and error is None:
            raise self.defects[0]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._client(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, sock=self._socket, limit=PIECE)
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection of a client."""
        _prepare(writer)
        try:
            while (head := await read_head(reader)) is not None:
                exchange = self.traffic.begin(head, self._kind)
                try:
                    if not await self._exchange(head, exchange, reader, writer):
                        break
                finally:
                    self.traffic.end(exchange)
            writer.close()
        except _Cut as cut:
            if cut.reset:
                _abort(writer)
            else:
                writer.close()
        except (OSError, asyncio.CancelledError):  # the client or the upstream has disconnected, or the proxy ends
            _abort(writer)
        except Exception as error:
            self.defects.append(error)
            _abort(writer)

    async def _exchange(
        self, head: Head, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Forward one request and its reply. Return whether the client's connection stays open."""
        rule = self.rules.take(exchange)
        body = Body.of_request(head, reader)
        if rule is not None and isinstance(rule.action, Status):
            await self._answer(rule, exchange, head, body, writer)
            return head.keeps
        await self._fault_at(0, "request", rule, exchange)
        onward_reader, onward = await asyncio.open_connection(*self._upstream, limit=PIECE)
        _prepare(onward)
        passing = asyncio.ensure_future(self._pass_request(head, body, onward, rule, exchange))
        try:
            reply, reply_body = await self._reply(passing, exchange, onward_reader, writer)
            whole = passing.done()
            await self._pass_reply(reply, reply_body, writer, rule, exchange)
            onward.close()
            return whole and head.keeps and reply.keeps and reply_body.delimited
        finally:
            passing.cancel()
            with suppress(asyncio.CancelledError, OSError, _Cut):
                await passing
            if not onward.is_closing():
                _abort(onward)  # a reset, so that a torn request does not look complete

    async def _answer(
        self, rule: Rule, exchange: Exchange, head: Head, body: Body, writer: asyncio.StreamWriter
    ) -> None:
        """Reply with an error after the request was read, as a busy server does."""
        action = rule.action
        assert isinstance(action, Status)
        if "100-continue" not in head.headers.get("expect", "").lower():
            async for _ in body.pieces():
                pass
        text = f"<?xml version='1.0'?><Error><Code>{action.code}</Code><Message>Refused by the test.</Message></Error>"
        lines = [f"HTTP/1.1 {action.status} Fault", "Content-Type: application/xml", f"Content-Length: {len(text)}"]
        if action.retry_after is not None:
            lines.append(f"Retry-After: {action.retry_after}")
        self.traffic.note(exchange, status=action.status)
        self._happened(rule, exchange)
        writer.write("\r\n".join([*lines, "", "" if exchange.method == "HEAD" else text]).encode())
        await writer.drain()

    async def _pass_request(
        self, head: Head, body: Body, onward: asyncio.StreamWriter, rule: Rule | None, exchange: Exchange
    ) -> None:
        async def write(data: bytes) -> None:
            try:
                onward.write(data)
                await onward.drain()
            except ConnectionError as error:
                raise _Refused from error

        await write(head.raw)
        await self._pass(body, write, rule, "request", exchange)

    async def _reply(
        self,
        passing: asyncio.Future[None],
        exchange: Exchange,
        onward: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> tuple[Head, Body]:
        """Return the head of the final reply, which can arrive before the whole request is forwarded."""
        while True:
            coming = asyncio.ensure_future(read_head(onward))
            try:
                while not coming.done():
                    waits: set[asyncio.Future[object]] = {coming} if passing.done() else {coming, passing}  # type: ignore[arg-type]
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                    if passing.done() and not isinstance(passing.exception(), _Refused):
                        passing.result()  # raises a fault, or the error of a client that has disconnected
                head = coming.result()
            finally:
                coming.cancel()
            if head is None:
                raise Torn
            if head.status >= 200:
                return head, Body.of_reply(head, onward, exchange.method)
            writer.write(head.raw)  # 100 Continue
            await writer.drain()

    async def _pass_reply(
        self, head: Head, body: Body, writer: asyncio.StreamWriter, rule: Rule | None, exchange: Exchange
    ) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        if rule is not None and isinstance(rule.action, LostReply):
            async for _ in body.pieces():  # a slow Complete is done only at the end of its reply
                pass
            self._happened(rule, exchange)
            raise _Cut(reset=True)
        await self._fault_at(0, "reply", rule, exchange)
        self.traffic.note(exchange, status=head.status)
        await write(head.raw)
        await self._pass(body, write, rule, "reply", exchange)

    async def _pass(
        self, body: Body, write: Callable[[bytes], Awaitable[None]], rule: Rule | None, side: Side, exchange: Exchange
    ) -> None:
        """Forward a body up to the fault, and the rest if the fault does not end it."""
        done = 0
        at = _offset(rule, side)
        async for piece in body.pieces():
            while piece:
                count = len(piece)
                if at is not None and done < at < done + count:
                    count = at - done
                now, piece = piece[:count], piece[count:]
                if rule is not None and at == done and isinstance(rule.action, Flip):
                    now = bytes([now[0] ^ 0xFF]) + now[1:]
                    self._happened(rule, exchange)
                # Counted before they are sent, so that the count is never behind the receiver.
                sent, received = (count, 0) if side == "request" else (0, count)
                self.traffic.note(exchange, sent=sent, received=received)
                await write(body.framed(now))
                done += count
                if done == at:
                    await self._fault_at(done, side, rule, exchange)
        await write(body.end())

    async def _fault_at(self, done: int, side: Side, rule: Rule | None, exchange: Exchange) -> None:
        """Apply the rule if its fault is after ``done`` bytes of this side."""
        if rule is None or _offset(rule, side) != done:
            return
        action = rule.action
        if isinstance(action, Stall):
            self.traffic.note(exchange, fault=str(action))
            if not await rule.hold():
                raise _Cut(reset=True)
        elif isinstance(action, Reset | Truncate):
            self._happened(rule, exchange)
            raise _Cut(reset=isinstance(action, Reset))

    def _happened(self, rule: Rule, exchange: Exchange) -> None:
        self.traffic.note(exchange, fault=str(rule.action))
        rule.happened()


def _offset(rule: Rule | None, side: Side) -> int | None:
    """Return the offset of the rule's action in the body of this side, or None."""
    if rule is None or not isinstance(rule.action, Reset | Truncate | Stall | Flip) or rule.action.of != side:
        return None
    return rule.action.after


def _prepare(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    writer.transport.set_write_buffer_limits(high=0)  # so that drain() returns when all bytes are sent


def _abort(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
    writer.transport.abort()
