"""Requests of users go before transfers.

The interpreter runs one thread at a time, and switches between threads without regard to their purpose: each step of a
listing would wait for every thread that moves bytes. So these threads pause between two blocks while a short request
runs. While a user browses they also pause together at regular intervals, because the event loop and the kernels need
the processor before and after the request. There is one instance for the process, as there is one interpreter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PAUSE_SECONDS = 0.05  # endless requests slow transfers down, but do not stop them
BROWSING_SECONDS = 2.0  # after a request, in which the user is expected to send more
# How often and how long all transfers pause while a user browses. It costs nothing where the network is the limit.
PAUSE_PERIOD_SECONDS = 0.03
PAUSE_SECONDS = 0.01


class InteractivePriority:
    """Call :meth:`request` and :meth:`note_browsing` on the event loop, :meth:`yield_to_requests` in any thread."""

    def __init__(self, answered: threading.Event | None = None) -> None:
        """``answered`` is the event that transfers wait for."""
        self._requests = 0
        self._until = 0.0
        self._browsing_until = 0.0
        self._answered = answered or threading.Event()
        self._answered.set()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Pause transfers during the context, for up to :data:`MAX_PAUSE_SECONDS`."""
        self._requests += 1
        self._until = time.monotonic() + MAX_PAUSE_SECONDS
        self._answered.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._answered.set()

    def note_browsing(self) -> None:
        """Note that a user has received a listing or a preview."""
        self._browsing_until = time.monotonic() + BROWSING_SECONDS

    def yield_to_requests(self) -> None:
        """Pause between two blocks while a request runs, and at intervals while a user browses."""
        if (now := time.monotonic()) < self._browsing_until and (
            left := PAUSE_PERIOD_SECONDS - now % PAUSE_PERIOD_SECONDS
        ) < PAUSE_SECONDS:
            time.sleep(left)
        if not self._answered.is_set() and (left := self._until - time.monotonic()) > 0:
            self._answered.wait(left)


interactive_priority = InteractivePriority()
