"""The services of the handlers, created once by the app: settings, stores, transfers, and threads for short calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from odhtec_jupyter.audit.log import AuditLog
from odhtec_jupyter.background import keep_looking, keep_noting, keep_sweeping
from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.registry import Connections
from odhtec_jupyter.connections.stores import S3Stores
from odhtec_jupyter.errors import NotFound, OdhTecError, PolicyDenied
from odhtec_jupyter.models import ImportRequest, TransferRequest
from odhtec_jupyter.network import Network, Origin, origin
from odhtec_jupyter.settings import HubConnection, OdhTecSettings, check_secret
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.http import remove_ca_files
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.hidden import HiddenRules
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.jobs.jobs import Jobs, TransferBlocked
from odhtec_jupyter.transfers.jobs.multiparts import Multiparts
from odhtec_jupyter.transfers.journal.journal import Journal
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.transfer import Action, Options, Transfer
from odhtec_jupyter.transfers.uploads.sessions import Uploads
from odhtec_jupyter.uris import DEFAULT_CONNECTION, FOLDERS, HubUri, S3Uri, Uri, names_connection

CALL_THREADS = 16  # threads for short calls to S3, and as many for the hub
MAX_TESTS = 4  # of connections, in parallel: each can use a few threads for a minute
MAX_PREVIEWS = 4  # in parallel: each can use some megabytes and a second or two
# For everything that stopping waits for. Kubernetes kills 30 s after SIGTERM, and stopping kernels takes time, too.
STOP_SECONDS = 5.0
CONNECTIONS_SECONDS = 10.0  # that the start waits for the files with connections


class Services:
    """The services of one server. A store is created on first use, and again when its settings have changed."""

    def __init__(
        self,
        settings: OdhTecSettings,
        root: Path,
        *,
        log: logging.Logger,
        hidden_rules: Callable[[], HiddenRules] = HiddenRules,
    ) -> None:
        """``root`` is the workspace, the server's root directory; ``hidden_rules`` returns which files are hidden."""
        self.settings = settings
        _ = settings.policy  # raises an error: with a policy that is not valid, the extension must not start
        self.audit = AuditLog(log)
        self.connections = Connections(settings, log=log)
        self._s3 = S3Stores(self.connections, settings)
        self._log = log
        self.engine = Engine(
            max_memory=settings.max_memory,
            max_concurrent_transfers=settings.max_concurrent_transfers,
            max_bandwidth=settings.max_bandwidth,
            max_small_files=settings.max_small_files,
            journal=Journal(Path(settings.state_dir) if settings.state_dir else None, log=log),
        )
        self.transfers = TransferManager(
            self.engine,
            Jobs(self.engine, self.stores_of, log=log),
            self._drop,
            keep_finished=timedelta(days=settings.keep_finished_days),
            log=log,
        )
        self.uploads = Uploads(self.engine, self.known_store, keep_days=settings.keep_uploads_days)
        self.workspace = WorkspaceStore(root, hidden_rules)
        # Separate from the threads of transfers, so that a list never waits for a part.
        self.calls = DaemonThreads(CALL_THREADS, thread_name_prefix="odhtec-call")
        # Separate again, because a hub that does not reply must not block lists of buckets.
        self.hub_calls = DaemonThreads(CALL_THREADS, thread_name_prefix="odhtec-hub")
        self.previews = asyncio.Semaphore(MAX_PREVIEWS)
        self.tests = asyncio.Semaphore(MAX_TESTS)
        # Called for each chunk of an upload, so that the server is not culled.
        self.note_activity: Callable[[], None] = lambda: None
        # Entered tokens by transfer, with the origin of their hub; never stored on disk.
        self._tokens: dict[str, tuple[Origin, str]] = {}
        self._cleanups: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._others: list[asyncio.Task[None]] = []
        # Functions that end the uploads and archives whose bodies are being streamed.
        self.open_streams: set[Callable[[], Coroutine[Any, Any, None]]] = set()
        # A transfer keeps its store, so replaced stores stay open until the server stops.
        self._hub: dict[tuple[HubConnection, Network], HubStore] = {}

    async def start(self) -> None:
        """Resume what an earlier server left."""
        # First and without awaiting: a request must already find the uploads of an earlier server.
        self.engine.pending_writes.load()
        self.uploads.load()
        loop = asyncio.get_running_loop()

        def changed() -> None:
            self._s3.update(self.connections.latest())
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(lambda: self.keep(self.transfers.wake()))

        self.connections.on_change = changed

        def lost() -> None:
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(self._write_again)

        self.engine.journal.on_lost = lost
        # Otherwise they are found when they are first used.
        if self._journal_names_connections() or not self.connections.is_immediate(DEFAULT_CONNECTION):
            # A folder that does not reply must not stop the transfers of other connections.
            found = loop.run_in_executor(self.calls, self.connections.refresh)
            await asyncio.wait([found], timeout=CONNECTIONS_SECONDS)
        await self.transfers.restore()
        self._sweeper = asyncio.create_task(keep_sweeping(self.sweep, self._log), name="odhtec sweeper")
        noting = keep_noting(lambda: bool(self.transfers.active), lambda: self.note_activity())
        looking = keep_looking(self._needs_connections, self._look_for_changes, self._log)
        self._others = [asyncio.create_task(noting), asyncio.create_task(looking)]

    def _journal_names_connections(self) -> bool:
        """Return whether an earlier server left anything of a connection with a name."""
        rows = self.engine.journal.rows
        uris = [row[end] for row in rows("transfers") for end in ("source", "target")]
        uris += [row["uri"] for row in rows("pending_writes")]
        return any(map(names_connection, uris)) or any(row["connection"] for row in rows("uploads"))

    def store(self, connection: Connection) -> S3Store:
        """Return the S3 store of a connection. Raises :class:`BadRequest` if the connection cannot be used."""
        return self._s3.of(connection)

    def known_store(self, name: str = "") -> S3Store:
        """Return the S3 store of a connection as it was last seen, without reading files.

        Raises :class:`NotFound`, or :class:`BadRequest` if the connection cannot be used.
        """
        return self._s3.known(name)

    @property
    def s3(self) -> S3Store:
        """The S3 store of the default connection."""
        return self.known_store()

    @property
    def hub(self) -> HubStore:
        """The Hugging Face store for the current settings."""
        key = (self.settings.hub, self.settings.network)
        if key not in self._hub:
            self._hub[key] = HubStore(*key)
        return self._hub[key]

    # --- transfers ------------------------------------------------------------------------------------------------

    def options(self, request: ImportRequest | TransferRequest, *uris: Uri | None) -> Options:
        """Return what is stored of a request, with the stores that its URIs name."""
        names = request.names if isinstance(request, TransferRequest) else None
        return Options(
            names=list(dict.fromkeys(names)) if names else None,
            include=request.include,
            exclude=request.exclude,
            on_conflict=request.on_conflict,
            verify=request.verify,
            **self._current_stores(uris),
            token_given=bool(request.token),
        )

    def deletion(self, keys: Sequence[str], prefixes: Sequence[str], *, connection: str = "") -> Options:
        """Return the options of a deletion in the store of a connection."""
        where = S3Uri("", "", connection)
        return Options(keys=list(keys), prefixes=list(prefixes), **self._current_stores([where]))

    def _current_stores(self, uris: Sequence[Uri | None]) -> dict[str, Any]:
        names = {uri.connection for uri in uris if isinstance(uri, S3Uri)}
        uses_default = not names or "" in names
        return {
            "endpoint": self.s3.host if uses_default else "",
            "hub_endpoint": self.hub.host,
            "keys_given": uses_default and bool(self.s3.connection.access_key_id),
            "connections": {name: self.connections.known(name).fingerprint for name in sorted(names - {""})},
        }

    def require_allowed(self, action: Action, source: Uri, target: Uri | None) -> None:
        """Raise :class:`Forbidden` (ReadOnly) for a transfer that would write through a read-only connection.

        Raises :class:`PolicyDenied` for one that the policy does not allow.
        """
        for uri in (target, source):
            if isinstance(uri, S3Uri):
                store = self.known_store(uri.connection)
                if uri is target or action in {"move", "delete"}:
                    store.require_writable()
                store.require_bucket(uri.bucket)
            elif isinstance(uri, HubUri):
                self.settings.policy.require_hub_repo(FOLDERS[uri.repo_type] + uri.repo)

    def stores(self, token: str | None = None) -> Stores:
        """Return the stores for the current settings. The store of a connection stays the same."""
        return Stores(cache(self.known_store), self.hub, self.workspace, token)

    def stores_of(self, transfer: Transfer) -> Stores:
        """Return the current stores if a transfer was started with them. Raises :class:`TransferBlocked`."""
        options = transfer.options
        uses_hub = "hf" in transfer.schemes
        names = {uri.connection for uri in (transfer.source, transfer.target) if isinstance(uri, S3Uri)}
        try:
            hub, token = self._tokens.get(transfer.id, (None, None))
            stores = self.stores(token if hub == origin(self.hub.connection.endpoint) else None)
            s3 = {name: stores.find_s3(name) for name in names}
        except NotFound as error:
            raise TransferBlocked(f"Paused: {error} Add it again to continue.", "connection") from error
        except OdhTecError as error:
            raise TransferBlocked(f"Paused: the connection cannot be used. {error}", "connection") from error
        if "" in s3 and s3[""].host != options.endpoint:
            raise TransferBlocked(f"Paused: connect to {options.endpoint} again to continue.", "connection")
        if "" in s3 and options.keys_given and not s3[""].connection.access_key_id:
            raise TransferBlocked("Paused: enter the S3 keys again to continue.", "connection")
        for name, store in s3.items():
            if name and store.connection.fingerprint != options.connections.get(name):
                raise TransferBlocked(
                    f"Paused: the connection “{name}” has another endpoint or account than before. Change it back to"
                    " continue, or start the transfer again.",
                    "connection",
                )
        if uses_hub and stores.hub.host != options.hub_endpoint:
            raise TransferBlocked(f"Paused: set {options.hub_endpoint} as the hub again to continue.", "connection")
        if uses_hub and options.token_given and not stores.token and not self.settings.hf_token:
            raise TransferBlocked("Paused: the token is not stored. Enter it again to continue.", "token")
        try:  # an earlier server can have started it under another policy
            self.require_allowed(transfer.action, transfer.source, transfer.target)
        except PolicyDenied as error:
            raise TransferBlocked(f"Paused: {error}", "connection") from error
        return stores

    def give_token(self, transfer: Transfer, token: str | None) -> None:
        """Keep the token that was entered for a transfer, in memory only, until the transfer is done."""
        for known in list(self._tokens):
            if (found := self.transfers.find(known)) is None or found.is_done:
                del self._tokens[known]
        if token:
            check_secret(token, "token")
            self._tokens[transfer.id] = origin(self.hub.connection.endpoint), token

    def _write_again(self) -> None:
        """Write everything to the new journal after the journal was lost."""
        self.engine.pending_writes.save_all()
        self.uploads.save_all()
        self.transfers.save_all()

    async def settings_changed(self) -> None:
        """Use new threads, which do not wait for the old store, and wake transfers that needed a connection."""
        self.connections.expire()
        self.renew_calls()
        await self.transfers.wake()

    async def _drop(self, entries: Iterable[PendingWrite]) -> None:
        for entry in list(entries):
            try:
                gone = await self.stores().writable(entry.uri).drop(self.engine, entry)
            except OdhTecError:
                gone = False
            if not gone:
                self.engine.pending_writes.orphan(entry)

    async def sweep(self) -> None:
        """Remove leftovers that will not be resumed, and forget old transfers."""
        await self.engine.journal.written()  # also detects a lost journal
        await self.uploads.expire()
        await self._drop([entry for entry in self.engine.pending_writes.entries if self._is_leftover(entry)])
        await self.transfers.forget_old()

    def _needs_connections(self) -> bool:
        """Return whether work is running, or a transfer waits for a connection: no request may notice a change."""
        waiting = (one.state == "paused" and one.needs == "connection" for one in self.transfers.list())
        return bool(self.active) or any(waiting)

    async def _look_for_changes(self) -> None:
        await self.engine.in_thread(CancelToken(), self._s3.look_for_changes)

    def _is_leftover(self, entry: PendingWrite) -> bool:
        if entry.live:
            return False
        if entry.owner.kind == "transfer":
            transfer = self.transfers.find(entry.owner.id)
            return transfer is None or transfer.is_done
        return entry.owner.kind == "stream"

    def multiparts(self, store: S3Store, bucket: str) -> Multiparts:
        """Return the unfinished uploads of a bucket, of all users."""
        return Multiparts(self.engine, store, bucket, self._is_leftover)

    def renew_calls(self) -> None:
        """Use new threads for short calls: the old ones can be waiting for a store that does not reply."""
        old = self.calls, self.hub_calls
        self.calls = DaemonThreads(CALL_THREADS, thread_name_prefix="odhtec-call")
        self.hub_calls = DaemonThreads(CALL_THREADS, thread_name_prefix="odhtec-hub")
        for threads in old:
            threads.shutdown(wait=False)

    @property
    def active(self) -> int:
        """The number of unfinished transfers, uploads and archives."""
        return self.transfers.active + len(self.open_streams)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a cleanup to its end that nothing awaits."""
        task = asyncio.ensure_future(work)
        self._cleanups.add(task)
        task.add_done_callback(self._cleanups.discard)

    async def stop(self) -> None:
        """Stop everything so that the next server can resume it, and close the stores.

        Work that waits for a store longer than :data:`STOP_SECONDS` is abandoned: its thread ends with the process.
        """
        end = time.monotonic() + STOP_SECONDS
        for task in self._others:
            task.cancel()
        if self._sweeper:
            self._sweeper.cancel()
        for abort in self.open_streams:
            self.keep(abort())
        await self.transfers.stop(STOP_SECONDS)
        if ending := self._cleanups | ({self._sweeper} if self._sweeper else set()):
            await asyncio.wait(ending, timeout=max(0.0, end - time.monotonic()))
        self.engine.close()
        await self.engine.journal.written()  # a lost journal is detected here and written again
        self.engine.journal.close()
        for threads in (self.calls, self.hub_calls):
            threads.shutdown(wait=False, cancel_futures=True)
        self._s3.close()
        for hub in self._hub.values():
            hub.close()
        remove_ca_files()
