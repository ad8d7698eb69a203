"""The share of a long search or count that one reply covers."""

from __future__ import annotations

import threading
import time

STEP_SECONDS = 1.0  # a user waits that long without a sign of progress
STEP_PAGES = 200


class Step:
    """The limit of one reply: at least one page, then until time or pages are used up or the client disconnects."""

    def __init__(self, gone: threading.Event | None = None) -> None:
        """``gone`` is set when the client has disconnected."""
        self._gone = gone
        self._pages = 0
        self._end = time.monotonic() + STEP_SECONDS

    def is_over(self) -> bool:
        """Return whether the reply ends here; called after each page."""
        self._pages += 1
        gone = self._gone is not None and self._gone.is_set()
        return gone or self._pages >= STEP_PAGES or time.monotonic() >= self._end
