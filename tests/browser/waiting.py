"""How long browser tests wait. It is long, because the machine may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMEOUT_MS = 60_000


def wait_until(condition: Callable[[], bool], failure: str) -> None:
    """Check the condition until it holds. Each check sends a request, so there is no pause between them."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, failure
