"""Interruption of requests that wait for a reply, so that a cancellation does not wait for the store.

A thread declares with :func:`ended_by` which stop its requests belong to. A connection that sends or waits is
registered with that stop, which closes its socket after a grace period.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Protocol


class Interruptible(Protocol):
    """A wait of a thread that another thread can end."""

    def interrupt(self) -> None:
        """Make the wait end with an error; called from another thread."""
        ...


class Stop(Protocol):
    """A signal that tells threads to stop, and later to wait for no reply any more."""

    def is_cut(self) -> bool:
        """Return whether waits for replies are being interrupted."""
        ...

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        """Within the context, cutting interrupts ``wait``."""
        ...


_stops: ContextVar[tuple[Stop, ...]] = ContextVar("odhtec_stops", default=())


@contextmanager
def ended_by(stop: Stop) -> Iterator[None]:
    """Within the context, ``stop`` can interrupt the requests of this thread and of the calls it submits."""
    token = _stops.set((*_stops.get(), stop))
    try:
        yield
    finally:
        _stops.reset(token)


@contextmanager
def interruptible(wait: Interruptible) -> Iterator[None]:
    """Let the stops of this thread interrupt ``wait``. Raises ``ConnectionAbortedError`` if one has already cut."""
    stops = _stops.get()
    with ExitStack() as stack:
        for stop in stops:
            stack.enter_context(stop.answering(wait))
        if any(
            stop.is_cut() for stop in stops
        ):  # checked after registering: a stop that cut before did not know of this wait
            raise ConnectionAbortedError("The request has been stopped.")
        yield


class InterruptibleSet:
    """The current waits of several threads, which can be interrupted together."""

    def __init__(self) -> None:
        self._current: set[Interruptible] = set()

    @contextmanager
    def holding(self, wait: Interruptible) -> Iterator[None]:
        """Within the context, :meth:`interrupt` reaches ``wait``."""
        self._current.add(wait)
        try:
            yield
        finally:
            self._current.discard(wait)

    def interrupt(self) -> None:
        """Make every wait end with an error; called from another thread."""
        for wait in tuple(self._current):
            wait.interrupt()


class ReplyWait:
    """A wait for the body of a urllib3 response."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def interrupt(self) -> None:
        """Shut the socket for reading. With urllib3 before 2.3, the wait continues until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.shutdown()


class _Interruptible:
    """A mixin for connections of http.client."""

    def request(self, *args: Any, **options: Any) -> Any:
        with interruptible(self):
            return super().request(*args, **options)  # type: ignore[misc]

    def getresponse(self, *args: Any, **options: Any) -> Any:
        connected = getattr(self, "sock", None)
        with interruptible(self):
            response = super().getresponse(*args, **options)  # type: ignore[misc]
        if isinstance(connected, ssl.SSLSocket) and getattr(response, "_sock_shutdown", None):
            # SSLSocket.shutdown removes the encryption: a thread that reads would take encrypted bytes for the body.
            response._sock_shutdown = partial(socket.socket.shutdown, connected)
        return response

    def interrupt(self) -> None:
        """Shut the socket if there is one; an attempt to connect ends by its own timeout."""
        connected = getattr(self, "sock", None)
        connected = getattr(connected, "socket", connected)  # TLS within TLS
        if isinstance(connected, socket.socket):
            with suppress(OSError):
                # Not the method of SSLSocket, which removes the encryption while another thread reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


@cache
def interruptible_pool(pool: Any) -> Any:
    """Return a copy of the urllib3 pool class whose connections a stop can interrupt."""
    connection = type(pool.ConnectionCls.__name__, (_Interruptible, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
