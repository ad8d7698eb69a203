"""What a stand-in has seen, for those who test a client against it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from odhtec_jupyter.demo.faults import Host


@dataclass(frozen=True)
class Request:
    """One answered request. ``path`` is decoded; ``bytes_sent`` counts the body that left."""

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
    """All requests in the order in which their answers ended."""

    _requests: list[Request] = field(default_factory=list)
    _open: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def begin(self) -> None:
        """A request has come; :meth:`add` follows when it is answered."""
        with self._lock:
            self._open += 1

    def add(self, request: Request) -> None:
        """Remember an answered request."""
        with self._lock:
            self._open -= 1
            self._requests.append(request)
            self._lock.notify_all()

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._requests.clear()

    @property
    def waiting(self) -> int:
        """How many requests have come and are not answered yet."""
        return self._open

    def seen(self, host: Host | None = None, method: str | None = None) -> list[Request]:
        """The requests that came to a host."""
        with self._lock:
            # A client may have its answer before the request is noted down; one that is cut off takes longer.
            self._lock.wait_for(lambda: self._open == 0, timeout=1)
            return [r for r in self._requests if host in (None, r.host) and method in (None, r.method)]

    def bytes_sent(self, host: Host | None = None) -> int:
        """Bytes of bodies that left a host."""
        return sum(r.bytes_sent for r in self.seen(host))

    def tokens(self, host: Host) -> set[str]:
        """The Authorization headers that arrived at a host."""
        return {r.authorization for r in self.seen(host) if r.authorization is not None}
