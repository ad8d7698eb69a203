"""How far one reply goes into something long: a search, a count."""

from __future__ import annotations

import threading
import time

STEP_SECONDS = 1.0  # after which a person wants to see something
STEP_PAGES = 200


class Step:
    """One reply's share of a long listing: at least a page, then until time or pages are used up or nobody listens."""

    def __init__(self, gone: threading.Event | None = None) -> None:
        """``gone`` is set when the client has gone away."""
        self._gone = gone
        self._pages = 0
        self._end = time.monotonic() + STEP_SECONDS

    def is_over(self) -> bool:
        """Asked after each page."""
        self._pages += 1
        gone = self._gone is not None and self._gone.is_set()
        return gone or self._pages >= STEP_PAGES or time.monotonic() >= self._end
