"""The order of parts for a checksum, which needs the bytes in order while parts are read in any order."""

from __future__ import annotations

import threading

MAX_WAIT_SECONDS = 0.5  # a waiting part holds a thread, which the retry of another part may need


class PartOrder:
    """A gate that lets parts pass one after another, from part 1. Threads wait in it."""

    def __init__(self) -> None:
        self._next = 1
        self._changed = threading.Condition()

    def wait(self, number: int) -> bool:
        """Wait up to :data:`MAX_WAIT_SECONDS` and return whether part ``number`` is the next one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next == number, MAX_WAIT_SECONDS)

    def end(self) -> None:
        """Let the next part pass."""
        with self._changed:
            self._next += 1
            self._changed.notify_all()
