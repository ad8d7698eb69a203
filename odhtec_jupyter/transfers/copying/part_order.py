"""Whose turn it is: a checksum wants the bytes of a file in order, parts come as they come."""

from __future__ import annotations

import threading

MAX_WAIT_SECONDS = 0.5  # a waiting part holds a thread, which the retry of another part may need


class PartOrder:
    """Counts from part 1 on. Threads wait in it."""

    def __init__(self) -> None:
        self._next = 1
        self._changed = threading.Condition()

    def wait(self, number: int) -> bool:
        """Whether it is the turn of part ``number``, now or within :data:`MAX_WAIT_SECONDS`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next == number, MAX_WAIT_SECONDS)

    def end(self) -> None:
        """The next one's turn."""
        with self._changed:
            self._next += 1
            self._changed.notify_all()
