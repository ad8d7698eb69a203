"""Which bytes count for the bandwidth limit."""

from __future__ import annotations

import threading

import pytest

from odhtec_jupyter.transfers.runtime.bandwidth import Bandwidth, Flow, Share
from odhtec_jupyter.transfers.runtime.retry import CancelToken


class Meter:
    """The bytes that were granted and not given back, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._lock = threading.Lock()
        self._bytes = 0
        take, take_async, give_back = Flow.take, Flow.take_async, Bandwidth.give_back

        def taken(flow: Flow, wanted: int, stop: CancelToken) -> int:
            return self._add(take(flow, wanted, stop))

        async def taken_async(flow: Flow, wanted: int) -> int:
            return self._add(await take_async(flow, wanted))

        def given_back(bandwidth: Bandwidth, share: Share, count: int) -> None:
            self._add(-count)
            give_back(bandwidth, share, count)

        monkeypatch.setattr(Flow, "take", taken)
        monkeypatch.setattr(Flow, "take_async", taken_async)
        monkeypatch.setattr(Bandwidth, "give_back", given_back)

    def _add(self, count: int) -> int:
        with self._lock:
            self._bytes += count
        return count

    def read(self) -> int:
        """The bytes since the last call."""
        with self._lock:
            count, self._bytes = self._bytes, 0
        return count
