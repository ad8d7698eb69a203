"""Trying again: what is worth it, how often and after how long."""

from __future__ import annotations

import random
import threading
from contextlib import AbstractContextManager

from odhtec_jupyter.errors import OdhTecError, TooManyRequests
from odhtec_jupyter.stores.interruption import Interruptible, InterruptibleSet

ATTEMPTS = 8  # with the delays between them about a minute: a gateway that restarts, a network that comes back
FIRST_DELAY = 0.5  # seconds, doubled each time
LONGEST_DELAY = 60.0  # seconds, also for a Retry-After


class CancelToken(threading.Event):
    """Tells the threads of a transfer to stop; once set, it stays."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = InterruptibleSet()
        self._answers = InterruptibleSet()
        self._cut = False

    def set(self) -> None:
        """Stop, also those who wait for bytes that do not come."""
        super().set()
        self._waits.interrupt()

    def ending(self, wait: Interruptible) -> AbstractContextManager[None]:
        """While the context lasts, :meth:`set` interrupts ``wait``."""
        return self._waits.holding(wait)

    def cut(self) -> None:
        """Stop, and end the requests that still wait for an answer: what becomes of them is not known."""
        self._cut = True
        self.set()
        self._answers.interrupt()

    def is_cut(self) -> bool:
        """Whether no answer is waited for any more."""
        return self._cut

    def answering(self, wait: Interruptible) -> AbstractContextManager[None]:
        """While the context lasts, :meth:`cut` interrupts ``wait``."""
        return self._answers.holding(wait)


class OperationCancelled(Exception):
    """The transfer was cancelled while a thread worked for it; never shown to a user."""


def check(stop: CancelToken) -> None:
    """Raise :class:`OperationCancelled` once the transfer is being cancelled."""
    if stop.is_set():
        raise OperationCancelled


# What S3 says with status 400 of credentials that others can replace.
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}


def goes_on(error: OdhTecError) -> bool:
    """Whether what has arrived is worth keeping for a retry by the user: the cause may go away by itself or by keys."""
    return error.transient or error.status in {401, 403} or error.code in EXPIRED


def delay(attempt: int, error: OdhTecError) -> float:
    """Seconds before the try after number ``attempt`` (from 1), with jitter; the other side's wish counts."""
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_DELAY)
    jitter = random.uniform(0.5, 1.0)  # noqa: S311
    return min(FIRST_DELAY * 2.0 ** (attempt - 1), LONGEST_DELAY) * jitter
