"""The requests that a stand-in has received, for tests of clients."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from odhtec_jupyter.demo.hub.faults import Host


@dataclass(frozen=True)
class Request:
    """An answered request. ``path`` is decoded; ``bytes_sent`` counts the bytes of the body."""

    host: Host
    method: str
    path: str
    query: str
    range: str | None
    authorization: str | None
    user_agent: str | None
    status: int
    bytes_sent: int


@dataclass
class Traffic:
    """All requests, in the order in which their replies ended."""

    _requests: list[Request] = field(default_factory=list)
    _open: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def begin(self) -> None:
        """Count an open request; :meth:`add` records it when it is answered."""
        with self._lock:
            self._open += 1

    def add(self, request: Request) -> None:
        """Record an answered request."""
        with self._lock:
            self._open -= 1
            self._requests.append(request)
            self._lock.notify_all()

    def clear(self) -> None:
        """Remove all records, also those of replies that clients have received already."""
        with self._lock:
            self._lock.wait_for(lambda: self._open == 0, timeout=1)
            self._requests.clear()

    @property
    def waiting(self) -> int:
        """The number of open requests."""
        return self._open

    def seen(self, host: Host | None = None, method: str | None = None) -> list[Request]:
        """Return the requests to a host."""
        with self._lock:
            # A client can receive its reply before the request is recorded; an aborted one takes longer.
            self._lock.wait_for(lambda: self._open == 0, timeout=1)
            return [r for r in self._requests if host in (None, r.host) and method in (None, r.method)]

    def bytes_sent(self, host: Host | None = None) -> int:
        """Return the number of body bytes that a host has sent."""
        return sum(r.bytes_sent for r in self.seen(host))

    def tokens(self, host: Host) -> set[str]:
        """Return the Authorization headers that a host has received."""
        return {r.authorization for r in self.seen(host) if r.authorization is not None}
