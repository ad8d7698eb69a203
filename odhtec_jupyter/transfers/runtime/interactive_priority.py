"""Who waits for an answer goes first.

The interpreter runs one thread at a time, and hands itself on without regard to what a thread is for: a listing would
stand in line, at each of its steps, behind every thread that moves bytes. So those pause between two blocks while a
short call runs. And while somebody looks around they all pause at the same time, again and again: the loop has its
steps before and after the call, too, and so have the kernels. It is one for the process, as the interpreter is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_PAUSE_SECONDS = 0.05  # seconds: who asks without end slows the transfers down, and does not stop them
BROWSING_SECONDS = 2.0  # seconds for which somebody who has looked at something will look at more
# Seconds: so often and so long all pause meanwhile. Where the network is the limit nobody notices.
PAUSE_PERIOD_SECONDS = 0.03
PAUSE_SECONDS = 0.01


class InteractivePriority:
    """:meth:`asked` belongs to the event loop, :meth:`give_way` to any thread."""

    def __init__(self, answered: threading.Event | None = None) -> None:
        """``answered`` is what the transfers wait for."""
        self._asking = 0
        self._until = 0.0
        self._looking_until = 0.0
        self._answered = answered or threading.Event()
        self._answered.set()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """While the context lasts, and not longer than :data:`MAX_PAUSE_SECONDS`, the transfers pause."""
        self._asking += 1
        self._until = time.monotonic() + MAX_PAUSE_SECONDS
        self._answered.clear()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._answered.set()

    def looked(self) -> None:
        """Somebody has got what they wanted to see."""
        self._looking_until = time.monotonic() + BROWSING_SECONDS

    def give_way(self) -> None:
        """Between two blocks: wait while somebody else is asked, and now and then while somebody looks around."""
        if (now := time.monotonic()) < self._looking_until and (
            left := PAUSE_PERIOD_SECONDS - now % PAUSE_PERIOD_SECONDS
        ) < PAUSE_SECONDS:
            time.sleep(left)
        if not self._answered.is_set() and (left := self._until - time.monotonic()) > 0:
            self._answered.wait(left)


interactive_priority = InteractivePriority()
