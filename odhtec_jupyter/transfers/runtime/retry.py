"""Retries: which errors are worth another attempt, how many attempts there are, and the delay between them."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from odhtec_jupyter.errors import OdhTecError, TooManyRequests
from odhtec_jupyter.stores.interruption import Interruptible, InterruptibleSet

MAX_ATTEMPTS = 8  # with their delays about a minute, in which a gateway restarts or a network comes back
FIRST_DELAY_SECONDS = 0.5  # doubled after each attempt
MAX_DELAY_SECONDS = 60.0  # also for a Retry-After


class CancelToken(threading.Event):
    """Tells the threads of a transfer to stop. It is never cleared."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = InterruptibleSet()
        self._answers = InterruptibleSet()
        self._cut = False

    def set(self) -> None:
        """Stop, and interrupt threads that wait for data."""
        super().set()
        self._waits.interrupt()

    def ending(self, wait: Interruptible) -> AbstractContextManager[None]:
        """Let :meth:`set` interrupt ``wait`` during the context."""
        return self._waits.holding(wait)

    def cut(self) -> None:
        """Stop, and end requests that wait for an answer. Whether the store carries them out is unknown."""
        self._cut = True
        self.set()
        self._answers.interrupt()

    def is_cut(self) -> bool:
        """Return whether requests no longer wait for an answer."""
        return self._cut

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        """Let :meth:`cut` interrupt ``wait`` during the context."""
        return self._answers.holding(wait)


class OperationCancelled(Exception):
    """The transfer was cancelled while a thread worked for it. Users never see it."""


def check(stop: CancelToken) -> None:
    """Raise :class:`OperationCancelled` if the transfer is cancelled."""
    if stop.is_set():
        raise OperationCancelled


# Codes that S3 sends with status 400 for credentials that expired or are invalid.
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}


def keeps_parts(error: OdhTecError) -> bool:
    """Return whether to keep the stored parts for a retry by the user: new credentials or time can remove the cause."""
    return error.transient or error.status in {401, 403} or error.code in EXPIRED


_listener: ContextVar[Callable[[OdhTecError], None] | None] = ContextVar("odhtec_failures", default=None)


@contextmanager
def listening(listener: Callable[[OdhTecError], None]) -> Iterator[None]:
    """Within the context, call ``listener`` with the error of each failed attempt of this task and its threads."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Retries:
    """The attempts of one call: it counts failures in a row, and says whether and when another attempt follows."""

    def __init__(self, max_attempts: int = MAX_ATTEMPTS, max_delay: float = MAX_DELAY_SECONDS) -> None:
        """``max_delay`` is in seconds: an error that asks for a longer delay is not retried."""
        self._max_attempts = max_attempts
        self._max_delay = max_delay
        self._failures = 0

    def reset(self) -> None:
        """Count from zero again, because there was progress."""
        self._failures = 0

    def delay(self, error: OdhTecError) -> float:
        """Count a failure and return the seconds until the next attempt. Raises the error if there is none."""
        self._failures += 1
        if listener := _listener.get():
            listener(error)
        seconds = delay(self._failures, error)
        if not error.transient or self._failures >= self._max_attempts or seconds > self._max_delay:
            raise error
        return seconds

    def wait(self, error: OdhTecError, stop: CancelToken) -> None:
        """Block until the next attempt. Raises the error if there is none, :class:`OperationCancelled` on ``stop``."""
        if stop.wait(self.delay(error)):
            raise OperationCancelled from error

    async def sleep(self, error: OdhTecError) -> None:
        """Like :meth:`wait`, on the event loop."""
        await asyncio.sleep(self.delay(error))


def delay(failures: int, error: OdhTecError) -> float:
    """Return the seconds to wait after so many failures, with jitter; a Retry-After of the server counts instead."""
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return min(error.retry_after, MAX_DELAY_SECONDS)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311
    return min(FIRST_DELAY_SECONDS * 2.0 ** (failures - 1), MAX_DELAY_SECONDS) * jitter
