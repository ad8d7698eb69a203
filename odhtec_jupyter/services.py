"""What the handlers work with, built once by the app: settings, stores, transfers and threads for short calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from odhtec_jupyter.errors import NotFound
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import HubConnection, OdhTecSettings, S3Connection
from odhtec_jupyter.stores.http import remove_ca_files
from odhtec_jupyter.stores.hub import HubStore
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.transfers.engine import Engine
from odhtec_jupyter.transfers.manager import STOP_TIMEOUT, TransferManager

CALLS = 16  # short S3 and hub calls at once


class Services:
    """One per server. Stores are made on first use and anew when the settings they were made from have changed."""

    def __init__(self, settings: OdhTecSettings, *, log: logging.Logger) -> None:
        self.settings = settings
        self.engine = Engine(max_memory=settings.max_memory, max_concurrent_transfers=settings.max_concurrent_transfers)
        self.transfers = TransferManager(self.engine, log=log)
        # Apart from the transfers' threads, so that a listing never waits for a part.
        self.calls = ThreadPoolExecutor(CALLS, thread_name_prefix="odhtec-call")
        # Called for each piece of an upload: what moves keeps the server from being culled.
        self.note_activity: Callable[[], None] = lambda: None
        self._cleanups: set[asyncio.Task[None]] = set()
        # How to drop each upload whose body is still coming in.
        self.unfinished: set[Callable[[], Coroutine[Any, Any, None]]] = set()
        # A transfer keeps the store it began with, so stores that were replaced stay open until the end.
        self._s3: dict[tuple[S3Connection, Network], S3Store] = {}
        self._hub: dict[tuple[HubConnection, Network], HubStore] = {}

    def require_connection(self, name: str) -> None:
        """Raise :class:`NotFound` unless there is a connection of this name."""
        if name != "default":
            raise NotFound(f"There is no connection {name!r}.", code="NoSuchConnection")

    @property
    def s3(self) -> S3Store:
        """The S3 store of the present settings."""
        key = (self.settings.s3, self.settings.network)
        if key not in self._s3:
            self._s3[key] = S3Store(*key)
        return self._s3[key]

    @property
    def hub(self) -> HubStore:
        """The Hugging Face store of the present settings."""
        key = (self.settings.hub, self.settings.network)
        if key not in self._hub:
            self._hub[key] = HubStore(*key)
        return self._hub[key]

    def renew_calls(self) -> None:
        """New threads for short calls: the old ones may wait for a store that does not answer."""
        old, self.calls = self.calls, ThreadPoolExecutor(CALLS, thread_name_prefix="odhtec-call")
        old.shutdown(wait=False)

    @property
    def active(self) -> int:
        """How many transfers and uploads are not finished."""
        return self.transfers.active + len(self.unfinished)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run cleanup that nobody waits for, to its end."""
        task = asyncio.ensure_future(work)
        self._cleanups.add(task)
        task.add_done_callback(self._cleanups.discard)

    async def stop(self) -> None:
        """Cancel what runs, with its cleanup, and close everything."""
        for abort in self.unfinished:
            self.keep(abort())
        await self.transfers.stop()
        if self._cleanups:
            await asyncio.wait(self._cleanups, timeout=STOP_TIMEOUT)
        self.engine.close()
        self.calls.shutdown(wait=False, cancel_futures=True)
        for s3 in self._s3.values():
            s3.close()
        for hub in self._hub.values():
            hub.close()
        remove_ca_files()
