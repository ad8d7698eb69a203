"""How long a test waits for what must happen: only a deadlock takes this long, however busy the machine is."""

from __future__ import annotations

import asyncio
import threading

GIVE_UP_SECONDS = 300.0


async def until_set(event: threading.Event) -> None:
    """Return when another thread has set the event; fails when none does."""
    assert await asyncio.to_thread(event.wait, GIVE_UP_SECONDS), "the event did not happen"
