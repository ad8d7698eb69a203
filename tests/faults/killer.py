"""SIGKILL at a moment: after some bytes of a request or a reply.

At this point the traffic stalls and the server is killed. The stalled bytes then either arrive or are lost.
"""

from __future__ import annotations

import http.client
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.faults.jupyter import KillableServer
from tests.faults.proxy import Proxy
from tests.faults.rules import Rule, Side, Stall

MIB = 1024 * 1024
PART = 8 * MIB
BUDGET = 64 * MIB  # OdhTecSettings.max_memory: the bytes that may be in flight at a kill, and sent again after it
# The same in all processes of a run: scripts/test --all draws a seed and prints it.
SEED = int(os.environ.get("ODHTEC_SEED") or 20261130)
Gone = (OSError, http.client.HTTPException)  # what a client gets from a killed server


@dataclass(frozen=True)
class Moment:
    """The ``nth`` request of a kind from now on, after ``after`` bytes of its body or of its reply."""

    kind: str
    nth: int = 1
    after: int = 0
    of: Side = "request"
    arrives: bool = False  # whether the stalled bytes still arrive, before the server starts again

    def __str__(self) -> str:
        return f"{self.nth}. {self.kind}, {self.after} bytes into the {self.of}{', which arrives' * self.arrives}"


def moments(kinds: dict[str, int], latest: dict[str, int]) -> list[Moment]:
    """Draw as many moments of each kind as ``kinds`` has, up to request number ``latest`` of the kind, by the seed."""
    dice = random.Random(SEED)
    found = []
    for kind, count in kinds.items():
        for _ in range(count):
            of: Side = dice.choice(("request", "reply"))
            after = dice.randrange(PART) if (kind, of) in {("part", "request"), ("cdn", "reply")} else 0
            found.append(Moment(kind, dice.randint(1, latest.get(kind, 1)), after, of, dice.random() < 0.5))
    dice.shuffle(found)
    return found


@dataclass
class Killer:
    """Kills the server at moments and counts what was in flight."""

    server: KillableServer
    s3: Proxy
    hub: Proxy
    cdn: Proxy
    record: Callable[[str, object], None]  # a line of the summary
    kills: int = 0
    in_flight: int = 0  # bytes that S3 had not acknowledged at a kill, or acknowledged too late for the journal
    _seen: int = 0  # exchanges before the last kill

    def aim(self, moment: Moment, *, alone: bool = False) -> Rule:
        """Let the traffic stall at a moment.

        With ``alone``, all later requests of this kind stall too. Otherwise quick requests could finish the transfer
        before the server is killed.
        """
        proxy = {"api": self.hub, "resolve": self.hub, "cdn": self.cdn}.get(moment.kind, self.s3)
        rule = proxy.rules.add(Stall(moment.after, moment.of), moment.kind, nth=moment.nth)
        if alone:
            proxy.rules.add(Stall(), moment.kind, where=lambda _: rule.matched >= moment.nth, times=None)
        return rule

    def aim_again(self, moment: Moment, rule: Rule) -> tuple[Moment, Rule]:
        """Replace a moment that did not occur by one that certainly does. Some parts are too short for a moment."""
        rule.times = 0
        moment = replace(moment, nth=1, after=0)
        return moment, self.aim(moment)

    def kill(self, moment: Moment, rule: Rule) -> None:
        """Kill the server and wait until all traffic has ended."""
        self.server.kill()
        for proxy in (self.s3, self.hub, self.cdn):
            proxy.catch_up()
        seen = self.s3.traffic.seen()
        # The journal may not have a small file yet that S3 has just acknowledged.
        new = [one for one in seen if one.number > self._seen]
        open_now = [one for one in new if one.kind == "put" or (one.kind == "part" and not one.acknowledged)]
        self._seen = len(seen)
        if moment.arrives:
            rule.release()
        for proxy in (self.s3, self.hub, self.cdn):
            proxy.rules.clear()
            proxy.traffic.wait(proxy.traffic.quiet)
        # Counted after the release, because bytes that the killed server had sent arrive only then.
        flying = sum(one.sent for one in open_now)
        self.kills += 1
        self.in_flight += flying
        self.record(f"kill {self.kills}", f"{moment}; {flying / MIB:.1f} MiB in flight")

    def report(self, sizes: dict[str, int]) -> None:
        """Record how many bytes were sent again. Fails if they are more than the bytes in flight."""
        twice, total = self.s3.traffic.sent_twice(sizes), sum(sizes.values())
        self.record(
            "sent twice",
            f"{twice / MIB:.1f} of {total / MIB:.0f} MiB ({100 * twice / total:.1f} %) after {self.kills} kills, "
            f"{self.in_flight / MIB:.1f} MiB were in flight",
        )
        assert self.in_flight <= self.kills * BUDGET
        assert twice <= self.in_flight, "more was sent again than was in flight"
