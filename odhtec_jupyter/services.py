"""What the handlers work with, built once by the app: settings, stores, transfers and threads for short calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from odhtec_jupyter.errors import NotFound, OdhTecError
from odhtec_jupyter.models import ImportRequest, TransferRequest
from odhtec_jupyter.network import Network, Origin, origin
from odhtec_jupyter.settings import HubConnection, OdhTecSettings, S3Connection, check_secret
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.http import remove_ca_files, remove_left_ca_files
from odhtec_jupyter.stores.hub import HubStore
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.workspace import WorkspaceStore
from odhtec_jupyter.stores.workspace_hidden import HiddenRules
from odhtec_jupyter.transfers.jobs.jobs import Jobs, Waits, drop_entry
from odhtec_jupyter.transfers.jobs.multiparts import Multiparts
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.journal.pending_writes import Unfinished
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.planning.places import Stores
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.targets.target import STREAM
from odhtec_jupyter.transfers.transfer import Options, Transfer
from odhtec_jupyter.transfers.uploads.sessions import Uploads

CALLS = 16  # short calls of S3 at once, and of the hub
PREVIEWS = 4  # that look into an object at once: each may take some megabytes and a second or two
SWEEP = 600.0  # seconds between two looks for what was left
# For all that a stop waits for. Kubernetes kills 30 s after SIGTERM, and Jupyter's kernels need their share of these.
STOP_SECONDS = 5.0
ACTIVITY_SECONDS = 60.0  # between two notes that a transfer runs; what culls workbenches looks every few minutes


class Services:
    """One per server. Stores are made on first use and anew when the settings they were made from have changed."""

    def __init__(
        self,
        settings: OdhTecSettings,
        root: Path,
        *,
        log: logging.Logger,
        hidden_rules: Callable[[], HiddenRules] = HiddenRules,
    ) -> None:
        """``root`` is the workspace, the server's root directory; ``hidden_rules`` says which files are hidden."""
        self.settings = settings
        self._log = log
        self.engine = Engine(
            max_memory=settings.max_memory,
            max_concurrent_transfers=settings.max_concurrent_transfers,
            journal=Journal(Path(settings.state_dir) if settings.state_dir else None, log=log),
        )
        self.transfers = TransferManager(
            self.engine,
            Jobs(self.engine, self.stores_of, log=log),
            self._drop,
            keep_finished=timedelta(days=settings.keep_finished_days),
            log=log,
        )
        self.uploads = Uploads(self.engine, lambda: self.s3, keep_days=settings.keep_uploads_days)
        self.workspace = WorkspaceStore(root, hidden_rules)
        # Apart from the transfers' threads, so that a listing never waits for a part.
        self.calls = DaemonThreads(CALLS, thread_name_prefix="odhtec-call")
        # A hub that does not answer must not stop lists of buckets.
        self.hub_calls = DaemonThreads(CALLS, thread_name_prefix="odhtec-hub")
        self.previews = asyncio.Semaphore(PREVIEWS)
        # Called for each piece of an upload: what moves keeps the server from being culled.
        self.note_activity: Callable[[], None] = lambda: None
        # Those that were typed in, by transfer, with the origin of the hub they are for; never written down.
        self._tokens: dict[str, tuple[Origin, str]] = {}
        self._cleanups: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._heart: asyncio.Task[None] | None = None
        # How to end each upload whose body is still coming in, and each archive that is still going out.
        self.unfinished: set[Callable[[], Coroutine[Any, Any, None]]] = set()
        # A transfer keeps the store it began with, so stores that were replaced stay open until the end.
        self._s3: dict[tuple[S3Connection, Network], S3Store] = {}
        self._hub: dict[tuple[HubConnection, Network], HubStore] = {}

    async def start(self) -> None:
        """Go on with what an earlier server left."""
        # First, and without a wait before it: a request that comes now must find what an earlier server had.
        self.engine.unfinished.load()
        self.uploads.load()
        loop = asyncio.get_running_loop()

        def lost() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._write_again)

        self.engine.journal.on_lost = lost
        await self.transfers.restore()
        self._sweeper = asyncio.create_task(self._keep_sweeping(), name="odhtec sweeper")
        self._heart = asyncio.create_task(self._keep_noting(), name="odhtec activity")

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

    # --- transfers ------------------------------------------------------------------------------------------------

    def options(self, request: ImportRequest | TransferRequest) -> Options:
        """What is kept of a request, with the stores it means: those of the present settings."""
        names = request.names if isinstance(request, TransferRequest) else None
        return Options(
            names=list(dict.fromkeys(names)) if names else None,
            include=request.include,
            exclude=request.exclude,
            on_conflict=request.on_conflict,
            verify=request.verify,
            **self._present(),
            token_given=bool(request.token),
        )

    def deletion(self, keys: Sequence[str], prefixes: Sequence[str]) -> Options:
        """The options of a deletion in the present store."""
        return Options(keys=list(keys), prefixes=list(prefixes), **self._present())

    def _present(self) -> dict[str, Any]:
        return {
            "endpoint": self.s3.host,
            "hub_endpoint": self.hub.host,
            "keys_given": bool(self.settings.s3_access_key_id),
        }

    def stores(self, token: str | None = None) -> Stores:
        """The stores of the present settings."""
        return Stores(self.s3, self.hub, self.workspace, token)

    def stores_of(self, transfer: Transfer) -> Stores:
        """The stores in force now, if they are the ones a transfer began with. Raises :class:`Waits`."""
        options = transfer.options
        uses_s3 = any(uri.startswith("s3://") for uri in (transfer.source, transfer.target))
        uses_hub = transfer.source.startswith("hf://")
        try:
            hub, token = self._tokens.get(transfer.id, (None, None))
            stores = self.stores(token if hub == origin(self.hub.connection.endpoint) else None)
        except OdhTecError as error:
            raise Waits(f"This transfer waits for a connection that can be used: {error}", "connection") from error
        if uses_s3 and stores.s3.host != options.endpoint:
            raise Waits(f"This transfer goes on when {options.endpoint} is connected again.", "connection")
        if uses_s3 and options.keys_given and not self.settings.s3_access_key_id:
            raise Waits("This transfer goes on when the S3 keys are there again.", "connection")
        if uses_hub and stores.hub.host != options.hub_endpoint:
            raise Waits(f"This transfer goes on when {options.hub_endpoint} is set as the hub again.", "connection")
        if uses_hub and options.token_given and not stores.token and not self.settings.hf_token:
            raise Waits("The token was typed in and is not kept: resume with the token to go on.", "token")
        return stores

    def give_token(self, transfer: Transfer, token: str | None) -> None:
        """Keep a token that was typed in for a transfer, in memory, as long as the transfer is not done."""
        for known in list(self._tokens):
            if (found := self.transfers.find(known)) is None or found.is_done:
                del self._tokens[known]
        if token:
            check_secret(token, "token")
            self._tokens[transfer.id] = origin(self.hub.connection.endpoint), token

    def _write_again(self) -> None:
        """The journal was lost: what this server knows goes into the next one."""
        self.engine.unfinished.save_all()
        self.uploads.save_all()
        self.transfers.save_all()

    async def settings_changed(self) -> None:
        """Short calls must not wait for the old store, and what waited for a connection may have it now."""
        self.renew_calls()
        await self.transfers.wake()

    async def _drop(self, entries: Iterable[Unfinished]) -> None:
        for entry in list(entries):
            try:
                gone = await drop_entry(self.engine, self.stores(), entry)
            except OdhTecError:
                gone = False
            if not gone:
                self.engine.unfinished.orphan(entry)

    async def sweep(self) -> None:
        """Drop what was begun and will not go on, and forget what is old."""
        await self.engine.journal.written()  # which also finds a journal that was lost
        await self.uploads.expire()
        await self._drop([entry for entry in self.engine.unfinished.entries if self._is_left(entry)])
        await self.transfers.forget_old()

    async def _keep_sweeping(self) -> None:
        await asyncio.to_thread(remove_left_ca_files)
        while True:
            try:
                await self.sweep()
            except Exception:
                self._log.exception("What was left behind could not be looked at.")
            await asyncio.sleep(SWEEP)

    async def _keep_noting(self) -> None:
        """Note as activity what shows no progress: a copy that the store makes, a list of a million objects."""
        while True:
            await asyncio.sleep(ACTIVITY_SECONDS)
            if self.transfers.active:
                self.note_activity()

    def _is_left(self, entry: Unfinished) -> bool:
        if entry.live:
            return False
        kind, _, rest = entry.owner.partition("/")
        if kind == "transfer":
            transfer = self.transfers.find(rest.partition("/")[0])
            return transfer is None or transfer.is_done
        return kind == STREAM

    def multiparts(self, bucket: str) -> Multiparts:
        """What a bucket of the present store has unfinished, by whomever it was begun."""
        return Multiparts(self.engine, self.s3, bucket, self._is_left)

    def renew_calls(self) -> None:
        """New threads for short calls: the old ones may wait for a store that does not answer."""
        old = self.calls, self.hub_calls
        self.calls = DaemonThreads(CALLS, thread_name_prefix="odhtec-call")
        self.hub_calls = DaemonThreads(CALLS, thread_name_prefix="odhtec-hub")
        for threads in old:
            threads.shutdown(wait=False)

    @property
    def active(self) -> int:
        """How many transfers, uploads and archives are not finished."""
        return self.transfers.active + len(self.unfinished)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run cleanup that nobody waits for, to its end."""
        task = asyncio.ensure_future(work)
        self._cleanups.add(task)
        task.add_done_callback(self._cleanups.discard)

    async def stop(self) -> None:
        """Stop what runs so that the next server can go on with it, and close everything.

        What waits longer for a store than :data:`STOP_SECONDS` is abandoned: its thread ends with the process.
        """
        end = time.monotonic() + STOP_SECONDS
        if self._heart:
            self._heart.cancel()
        if self._sweeper:
            self._sweeper.cancel()
        for abort in self.unfinished:
            self.keep(abort())
        await self.transfers.stop(STOP_SECONDS)
        if ending := self._cleanups | ({self._sweeper} if self._sweeper else set()):
            await asyncio.wait(ending, timeout=max(0.0, end - time.monotonic()))
        self.engine.close()
        await self.engine.journal.written()  # one that was lost is noticed here, and written again
        self.engine.journal.close()
        for threads in (self.calls, self.hub_calls):
            threads.shutdown(wait=False, cancel_futures=True)
        for s3 in self._s3.values():
            s3.close()
        for hub in self._hub.values():
            hub.close()
        remove_ca_files()
