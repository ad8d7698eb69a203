"""Faults that the hub stand-in injects on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeVar

from odhtec_jupyter.demo.content import Content

Host = Literal["hub", "cdn"]


@dataclass(frozen=True)
class Refuse:
    """Reply with an error: 503, or 429 with the seconds after which to retry; the hub adds a code and a message."""

    status: int = 503
    retry_after: int | None = None
    code: str | None = None
    message: str = "The stand-in refuses this request for a test."


@dataclass(frozen=True)
class Cut:
    """Close the connection after a number of bytes of a body."""

    after: int


@dataclass(frozen=True)
class Halt:
    """Stop sending the file at this byte until the faults are cleared. Ranges before it are sent."""

    at: int
    over: threading.Event = field(default_factory=threading.Event, compare=False)


@dataclass(frozen=True)
class WrongByte:
    """Send one byte of the file wrong. Ranges without this byte are sent correctly and do not count."""

    at: int


@dataclass(frozen=True)
class Changed:
    """Serve other content with the same name and revision, as a hub with a replaced file does."""

    content: Content


Fault = Refuse | Cut | Halt | WrongByte | Changed
F = TypeVar("F", Refuse, Cut, Halt, WrongByte, Changed)


@dataclass
class _Rule:
    fault: Fault
    path: str
    host: Host | None
    method: str | None
    times: int | None

    def matches(self, host: Host, method: str, path: str) -> bool:
        return (
            self.times != 0
            and self.host in (None, host)
            and self.method in (None, method)
            and fnmatchcase(path, self.path)
        )


@dataclass
class Faults:
    """The faults that have not occurred, in the order in which they were added."""

    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault, path: str, host: Host | None, method: str | None, times: int | None) -> None:
        """Add a fault; see :meth:`HubStandIn.inject`."""
        with self._lock:
            self._rules.append(_Rule(fault, path, host, method, times))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            for rule in self._rules:
                if isinstance(rule.fault, Halt):
                    rule.fault.over.set()
            self._rules.clear()

    def take(self, kind: type[F], host: Host, method: str, path: str, span: tuple[int, int] | None = None) -> F | None:
        """Return the next fault of this kind for a request, and count it."""
        with self._lock:
            for rule in self._rules:
                fault = rule.fault
                if isinstance(fault, kind) and rule.matches(host, method, path) and _hits(fault, span):
                    if rule.times is not None:
                        rule.times -= 1
                    return fault
        return None


def _hits(fault: Fault, span: tuple[int, int] | None) -> bool:
    if span is None:
        return True
    if isinstance(fault, WrongByte):
        return span[0] <= fault.at < span[1]
    if isinstance(fault, Halt):
        return fault.at < span[1]
    return not isinstance(fault, Cut) or fault.after < span[1] - span[0]
