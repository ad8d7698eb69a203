"""How long browser tests wait: long, since a busy machine is slow."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60_000  # ms


def wait_until(is_so: Callable[[], bool], failure: str) -> None:
    """Ask until it is so. Each question is a request, so nothing else waits between them."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not is_so():
        assert time.monotonic() < deadline, failure
