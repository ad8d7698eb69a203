"""SIGKILL at a moment: a place in the traffic, so many bytes into this request or that reply.

There the traffic stands still, the server is killed, and what is still on its way either arrives or is lost.
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
BUDGET = 64 * MIB  # OdhTecSettings.max_memory: what may be in flight, and so be sent twice, for each kill
# The same in every process of a run: scripts/test --all draws one and prints it.
SEED = int(os.environ.get("ODHTEC_SEED") or 20261130)
Gone = (OSError, http.client.HTTPException)  # what a killed server answers


@dataclass(frozen=True)
class Moment:
    """The ``nth`` request of a kind from now on, ``after`` bytes into it or its reply."""

    kind: str
    nth: int = 1
    after: int = 0
    of: Side = "request"
    arrives: bool = False  # whether what stood still arrives after all, before the server is back

    def __str__(self) -> str:
        return f"{self.nth}. {self.kind}, {self.after} bytes into the {self.of}{', which arrives' * self.arrives}"


def moments(kinds: dict[str, int], latest: dict[str, int]) -> list[Moment]:
    """``kinds`` of each kind in random order; ``latest`` says up to which request of its kind. The seed decides."""
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
    tell: Callable[[str, object], None]  # what the summary is to show
    kills: int = 0
    in_flight: int = 0  # bytes that S3 had not acknowledged when the server was killed, or may not have in time
    _seen: int = 0  # exchanges before the last kill

    def aim(self, moment: Moment, *, alone: bool = False) -> Rule:
        """Let the traffic stand still at a moment that is still to come.

        With ``alone`` no later request of this kind gets through either: where they are quick, all would be over
        before the server is dead.
        """
        proxy = {"api": self.hub, "resolve": self.hub, "cdn": self.cdn}.get(moment.kind, self.s3)
        rule = proxy.rules.add(Stall(moment.after, moment.of), moment.kind, nth=moment.nth)
        if alone:
            proxy.rules.add(Stall(), moment.kind, where=lambda _: rule.matched >= moment.nth, times=None)
        return rule

    def aim_again(self, moment: Moment, rule: Rule) -> tuple[Moment, Rule]:
        """For a moment that did not come, one that surely does: some parts are shorter than others."""
        rule.times = 0
        moment = replace(moment, nth=1, after=0)
        return moment, self.aim(moment)

    def kill(self, moment: Moment, rule: Rule) -> None:
        """Kill the server and let the network become quiet."""
        self.server.kill()
        for proxy in (self.s3, self.hub, self.cdn):
            proxy.catch_up()
        seen = self.s3.traffic.seen()
        # A small file that S3 has acknowledged in these moments may not be in the journal yet.
        new = [one for one in seen if one.number > self._seen]
        open_now = [one for one in new if one.kind == "put" or (one.kind == "part" and not one.acknowledged)]
        self._seen = len(seen)
        if moment.arrives:
            rule.release()
        for proxy in (self.s3, self.hub, self.cdn):
            proxy.rules.clear()
            proxy.traffic.wait(proxy.traffic.quiet)
        # Only now: what the dead server had already sent arrives after the release.
        flying = sum(one.sent for one in open_now)
        self.kills += 1
        self.in_flight += flying
        self.tell(f"kill {self.kills}", f"{moment}; {flying / MIB:.1f} MiB in flight")

    def report(self, sizes: dict[str, int]) -> None:
        """Say how many bytes were sent twice, and that they are not too many."""
        twice, total = self.s3.traffic.sent_twice(sizes), sum(sizes.values())
        self.tell(
            "sent twice",
            f"{twice / MIB:.1f} of {total / MIB:.0f} MiB ({100 * twice / total:.1f} %) after {self.kills} kills, "
            f"{self.in_flight / MIB:.1f} MiB were in flight",
        )
        assert self.in_flight <= self.kills * BUDGET
        assert twice <= self.in_flight, "more was sent again than was in flight"
