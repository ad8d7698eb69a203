"""The faults of a fault proxy, and the requests to which they are applied."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.faults.traffic import Exchange
from tests.waiting import GIVE_UP_SECONDS

Side = Literal["request", "reply"]


@dataclass(frozen=True)
class Reset:
    """RST after ``after`` bytes of a body. With 0, nothing of the request or the reply is forwarded."""

    after: int = 0
    of: Side = "request"


@dataclass(frozen=True)
class Truncate:
    """A regular end of the connection after ``after`` bytes of the reply's body."""

    after: int = 0
    of: Side = "reply"


@dataclass(frozen=True)
class Stall:
    """A stop after ``after`` bytes until the rule is released or dropped. Both connections stay open."""

    after: int = 0
    of: Side = "request"


@dataclass(frozen=True)
class Flip:
    """A wrong byte at offset ``after`` of a body."""

    after: int = 0
    of: Side = "reply"


@dataclass(frozen=True)
class Status:
    """An error reply. The request is read and not forwarded."""

    status: int = 503
    code: str = "ServiceUnavailable"
    retry_after: int | None = None


@dataclass(frozen=True)
class LostReply:
    """RST instead of the reply. The request is forwarded and answered completely."""


Action = Reset | Truncate | Stall | Flip | Status | LostReply


@dataclass(eq=False)
class Rule:
    """An action and the requests to which it is applied, with counts of matching requests and of applied actions.

    An action beyond the end of a body is not applied.
    """

    action: Action
    kind: str | None
    path: re.Pattern[str] | None
    where: Callable[[Exchange], bool] | None
    nth: int | None
    every: int | None
    chance: float | None
    times: int | None
    dice: random.Random = field(repr=False)
    matched: int = 0
    fired: int = 0
    _held: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[bool]]] = field(default_factory=list, repr=False)
    _outcome: bool | None = field(default=None, repr=False)  # how stalls end: released or dropped
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def takes(self, exchange: Exchange) -> bool:
        """Return whether the action has to be applied to this request."""
        if (
            self.times == 0
            or (self.kind is not None and self.kind != exchange.kind)
            or (self.path is not None and not self.path.search(exchange.target))
            or (self.where is not None and not self.where(exchange))
        ):
            return False
        self.matched += 1
        if (
            (self.nth is not None and self.matched != self.nth)
            or (self.every is not None and self.matched % self.every)
            or (self.chance is not None and self.dice.random() >= self.chance)
        ):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def happened(self) -> None:
        """Count an applied action."""
        with self._changed:
            self.fired += 1
            self._changed.notify_all()

    def wait(self, timeout: float = GIVE_UP_SECONDS, *, unless: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the action is applied. Return False if ``unless``, which is checked regularly, is true before."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._changed.wait_for(lambda: self.fired, 0.05):
                if unless():
                    return False
                assert time.monotonic() < deadline, f"no request matched {self}"
        return True

    async def hold(self) -> bool:
        """Stall. Return True after a release, and False if the connection has to end."""
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._outcome is not None:
                return self._outcome
            future: asyncio.Future[bool] = loop.create_future()
            self._held.append((loop, future))
        self.happened()
        return await future

    def release(self) -> None:
        """Let stalled requests continue."""
        self._end(True)

    def drop(self) -> None:
        """Reset the connections of stalled requests."""
        self._end(False)

    def _end(self, outcome: bool) -> None:
        with self._changed:
            self._outcome = outcome
            held, self._held = self._held, []
        for loop, future in held:
            loop.call_soon_threadsafe(_settle, future, outcome)


def _settle(future: asyncio.Future[bool], outcome: bool) -> None:
    if not future.done():
        future.set_result(outcome)


@dataclass
class Rules:
    """The rules of a proxy. The first one that matches a request is applied."""

    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        action: Action,
        kind: str | None = None,
        *,
        path: str | None = None,
        where: Callable[[Exchange], bool] | None = None,
        nth: int | None = None,
        every: int | None = None,
        chance: float | None = None,
        times: int | None = 1,
        seed: int = 0,
    ) -> Rule:
        """Apply ``action`` to ``times`` requests (None: to all) of this kind.

        ``path`` is a regular expression for path and query. Of the matching requests, ``nth`` selects one (counted
        from 1), ``every`` each n-th one, and ``chance`` a random part, drawn with ``seed``.
        """
        pattern = re.compile(path) if path is not None else None
        dice = random.Random(seed)
        rule = Rule(action, kind, pattern, where, nth, every, chance, times, dice)
        with self._lock:
            self._rules.append(rule)
        return rule

    def take(self, exchange: Exchange) -> Rule | None:
        """Return the rule for a request."""
        with self._lock:
            return next((rule for rule in self._rules if rule.takes(exchange)), None)

    def clear(self) -> None:
        """Remove all rules, and reset the connections of stalled requests."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.drop()
