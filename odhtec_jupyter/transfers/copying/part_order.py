"""Whose turn it is: a checksum wants the bytes of a file in order, parts come as they come."""

from __future__ import annotations

import threading

WAIT = 0.5  # seconds; who waits holds a thread, which another part's new try may need


class PartOrder:
    """Counts from part 1 on. Threads wait in it."""

    def __init__(self) -> None:
        self._next = 1
        self._changed = threading.Condition()

    def wait(self, number: int) -> bool:
        """Whether it is the turn of part ``number``, now or within :data:`WAIT`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next == number, WAIT)

    def end(self) -> None:
        """The next one's turn."""
        with self._changed:
            self._next += 1
            self._changed.notify_all()
