from __future__ import annotations

import asyncio

from odhtec_jupyter.transfers.events import Event, EventLog
from tests.waiting import GIVE_UP_SECONDS


async def take(log: EventLog, count: int, last_id: str | None = None) -> list[Event]:
    found: list[Event] = []

    async def follow() -> None:
        async for event in log.follow(last_id, keepalive=GIVE_UP_SECONDS):
            if event is not None:
                found.append(event)
            if len(found) == count:
                return

    await asyncio.wait_for(follow(), GIVE_UP_SECONDS)
    return found


async def test_many_changes_of_one_transfer_are_one_event() -> None:
    log = EventLog()
    for _ in range(1000):
        log.changed("a")
    log.changed("b")
    events = await take(log, 2)
    assert {event.key for event in events} == {"a", "b"}
    assert await take(log, 2) == events, "a viewer that comes later sees the present state"
    log.close()


async def test_returning_client_receives_only_missed_events() -> None:
    log = EventLog()
    log.changed("a")
    log.changed("b")
    last = (await take(log, 2))[-1]
    log.changed("a")
    log.removed("b")
    missed = await take(log, 2, last.id)
    assert sorted((event.kind, event.key) for event in missed) == [("removed", "b"), ("transfer", "a")]
    log.close()


async def test_event_id_of_another_run_gets_the_current_state() -> None:
    log = EventLog()
    log.changed("a")
    log.changed("b")
    await take(log, 2)
    log.removed("b")
    assert [event.key for event in await take(log, 1, "abcdef-99")] == ["a"]
    log.close()


async def test_events_recorded_during_replay_follow_it() -> None:
    log = EventLog()
    log.changed("a")
    log.changed("b")
    await take(log, 2)
    follower = log.follow(None, keepalive=GIVE_UP_SECONDS)
    first = await anext(follower)
    assert first is not None
    log.removed("c")  # recorded before the viewer received the event of the second transfer
    rest = [await anext(follower), await anext(follower)]
    assert [event.key for event in rest if event] == ["b", "c"]
    await follower.aclose()
    log.close()


async def test_keepalive_is_none() -> None:
    log = EventLog()
    async for event in log.follow(None, keepalive=0.01):
        assert event is None
        break
