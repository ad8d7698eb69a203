"""Ending a request whose answer does not come: a cancellation must not wait as long as a store pleases.

A thread says by :func:`ended_by` which stop its requests belong to. While a connection sends or waits for an answer,
the stop knows it, and closes its socket when the store has had time enough.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol


class Interruptible(Protocol):
    """Something a thread may be waiting in."""

    def interrupt(self) -> None:
        """Make the wait end with an error; called from another thread."""
        ...


class Stop(Protocol):
    """Tells threads to stop, and later to wait for no answer any more."""

    def is_cut(self) -> bool:
        """Whether no answer is waited for any more."""
        ...

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        """While the context lasts, cutting interrupts ``wait``."""
        ...


_stops: ContextVar[tuple[Stop, ...]] = ContextVar("odhtec_stops", default=())


@contextmanager
def ended_by(stop: Stop) -> Iterator[None]:
    """While the context lasts, ``stop`` may end the requests of this thread and of calls that it submits."""
    token = _stops.set((*_stops.get(), stop))
    try:
        yield
    finally:
        _stops.reset(token)


@contextmanager
def interruptible(wait: Interruptible) -> Iterator[None]:
    """Let the stops of this thread interrupt ``wait``. Raises ``ConnectionAbortedError`` when one is cut already."""
    stops = _stops.get()
    with ExitStack() as stack:
        for stop in stops:
            stack.enter_context(stop.answering(wait))
        if any(stop.is_cut() for stop in stops):  # checked only now: one that was cut before does not know of this wait
            raise ConnectionAbortedError("The request has been stopped.")
        yield


class InterruptibleSet:
    """What several threads are waiting in now, to interrupt all of it at once."""

    def __init__(self) -> None:
        self._current: set[Interruptible] = set()

    @contextmanager
    def holding(self, wait: Interruptible) -> Iterator[None]:
        """While the context lasts, :meth:`interrupt` reaches ``wait``."""
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
    """Waiting for the body of an urllib3 response."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def interrupt(self) -> None:
        """Shut the socket for reading; with urllib3 before 2.3 the wait goes on until bytes or the timeout come."""
        with suppress(AttributeError, OSError, RuntimeError, ValueError):
            self._response.shutdown()


class _Interruptible:
    """What a connection of http.client gets on top."""

    def request(self, *args: Any, **options: Any) -> Any:
        with interruptible(self):
            return super().request(*args, **options)  # type: ignore[misc]

    def getresponse(self, *args: Any, **options: Any) -> Any:
        with interruptible(self):
            return super().getresponse(*args, **options)  # type: ignore[misc]

    def interrupt(self) -> None:
        """Shut the socket, where there is one: what is still being connected ends by its own timeout."""
        connected = getattr(self, "sock", None)
        connected = getattr(connected, "socket", connected)  # TLS within TLS
        if isinstance(connected, socket.socket):
            with suppress(OSError):
                # Not the method of an SSLSocket, which takes the encryption from under the thread that reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


@cache
def interruptible_pool(pool: Any) -> Any:
    """A pool of urllib3 as ``pool`` is, whose connections a stop can end."""
    connection = type(pool.ConnectionCls.__name__, (_Interruptible, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
