"""Many short requests in parallel, for a plan. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from odhtec_jupyter.errors import Cancelled
from odhtec_jupyter.stores.daemon_threads import DaemonThreads

PARALLEL_LOOKUPS = 16  # HEAD requests in parallel
MAX_QUEUED_LOOKUPS = 4 * PARALLEL_LOOKUPS  # requested between two checks for a stop
Asked = TypeVar("Asked")
Found = TypeVar("Found")


def never() -> bool:
    """Return False: the ``is_stopped`` of work that is never stopped."""
    return False


def raise_if_stopped(is_stopped: Callable[[], bool]) -> None:
    """Raise :class:`Cancelled` if the client has disconnected."""
    if is_stopped():
        raise Cancelled("The client has disconnected.")


def look_up(
    function: Callable[[Asked], Found], items: Sequence[Asked], is_stopped: Callable[[], bool] = never
) -> Iterator[Found]:
    """Call ``function`` for the items in parallel; yield results in order. Raises :class:`Cancelled`. Blocks."""
    threads = DaemonThreads(PARALLEL_LOOKUPS, thread_name_prefix="odhtec-look")
    try:
        for start in range(0, len(items), MAX_QUEUED_LOOKUPS):
            raise_if_stopped(is_stopped)
            yield from threads.map(function, items[start : start + MAX_QUEUED_LOOKUPS])
    finally:
        threads.shutdown(cancel_futures=True)
