"""Requests that are sent again, and fewer in parallel, while a store, a proxy or the server is busy."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from odhtec_jupyter.client.local.adaptive_limit import AdaptiveLimit
from odhtec_jupyter.client.local.local_file import Gate
from odhtec_jupyter.errors import OdhTecError, TooManyRequests

T = TypeVar("T")
CODES = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "TooManyRequests"})  # nothing was stored
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  # before the second and each later try


def retry_while_busy(call: Callable[[], T], gate: Gate, limit: AdaptiveLimit) -> T:
    """Return the result of a call that can be repeated. Raises :class:`Cancelled` while it waits."""
    for seconds in RETRY_SECONDS:
        try:
            return call()
        except OdhTecError as error:
            if error.code not in CODES and error.status != TooManyRequests.status:
                raise
        limit.halve()
        gate.wait(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - not for a secret
    return call()
