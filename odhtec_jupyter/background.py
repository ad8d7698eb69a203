"""What a server does regularly until it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from odhtec_jupyter.stores.http import remove_left_ca_files

SWEEP_SECONDS = 600.0  # between two searches for leftovers
LOOK_SECONDS = 5.0  # between two looks at the files of connections
ACTIVITY_SECONDS = 60.0  # between two records of activity; cullers of workbenches check every few minutes


async def keep_sweeping(sweep: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    """Remove leftovers."""
    await asyncio.to_thread(remove_left_ca_files)
    while True:
        try:
            await sweep()
        except Exception:
            log.exception("Unfinished writes that will not be resumed could not be removed.")
        await asyncio.sleep(SWEEP_SECONDS)


async def keep_noting(is_active: Callable[[], bool], note: Callable[[], None]) -> None:
    """Record activity for work without visible progress: a copy within the store, a list of a million objects."""
    while True:
        await asyncio.sleep(ACTIVITY_SECONDS)
        if is_active():
            note()


async def keep_looking(is_needed: Callable[[], bool], look: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    """Look for changed files of connections."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if is_needed():
                await look()
        except Exception:
            log.exception("The files of connections could not be read.")
