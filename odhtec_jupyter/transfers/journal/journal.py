"""The database that survives a killed server: transfers, their files, pending writes and their stored parts.

SQLite with a rollback journal (a write-ahead log needs shared memory, which network file systems do not have). One
thread writes in batches; the event loop only hands statements over. The file is locked until the server ends, so a
second server of the same user uses another file. A server takes over the files of servers that no longer run. A file
that is removed or truncated while the server runs is written again. Secrets are never written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.transfers.journal.migration import migrate

VERSION = 3
BATCH_SECONDS = 0.25  # in which statements are collected, because a commit costs as much as storing a part
MAX_SERVERS = 32  # of one user with the same state directory
TABLES = {
    "transfers": "id TEXT PRIMARY KEY, action TEXT, source TEXT, target TEXT, options TEXT, state TEXT, "
    "planned INTEGER, needs TEXT, bytes_done INTEGER, bytes_total INTEGER, files_done INTEGER, files_total INTEGER, "
    "files_failed INTEGER, created_at TEXT, started_at TEXT, finished_at TEXT, error_code TEXT, error_message TEXT",
    "files": "transfer TEXT, number INTEGER, path TEXT, source TEXT, target TEXT, size INTEGER, pin TEXT, what TEXT, "
    "state TEXT, error_code TEXT, error_message TEXT, PRIMARY KEY (transfer, number)",
    "pending_writes": "id TEXT PRIMARY KEY, owner TEXT, uri TEXT, endpoint TEXT, started_at REAL, upload_id TEXT, "
    "token TEXT, completing_at REAL, published_pin TEXT",
    "parts": "pending_write TEXT, number INTEGER, etag TEXT, size INTEGER, PRIMARY KEY (pending_write, number)",
    "uploads": "endpoint TEXT, bucket TEXT, key TEXT, requested_key TEXT, size INTEGER, part_size INTEGER, "
    "content_type TEXT, last_modified INTEGER, if_absent INTEGER, verify TEXT, etag TEXT, id TEXT PRIMARY KEY, "
    "created_at TEXT, touched_at REAL, connection TEXT DEFAULT '', fingerprint TEXT DEFAULT ''",
}

Row = Sequence[Any]
# An SQL statement with its rows.
Statement = tuple[str, list[Row]]
# Statements to write in one transaction, and a function to call when everything up to here is written.
_Order = tuple[list[Statement], Callable[[], None] | None]


class Journal:
    """The database of one server. If ``folder`` is None, it is kept in memory and does not survive."""

    def __init__(self, folder: Path | None, *, log: logging.Logger) -> None:
        self._log = log
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._failing = self._closed = False
        self._folder = folder
        self._file: tuple[Path, int, int] | None = None  # with its inode, and its size after the last commit
        #: Called by the writer's thread after the file was lost; must write everything again.
        self.on_lost: Callable[[], None] = lambda: None
        self._database = _in_memory() if folder is None else self._open(folder)

    # --- reading, at the start ------------------------------------------------------------------------------------

    def rows(self, table: str) -> list[sqlite3.Row]:
        """Return all rows of a table. Only before the first :meth:`write`; then the writer owns the database."""
        assert self._writer is None
        return self._database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 (a name of TABLES)

    @contextmanager
    def leaving_out(self, table: str) -> Iterator[None]:
        """Within the context, leave out a row that cannot be used: the others must be resumed nevertheless.

        Another version can have accepted what this one does not.
        """
        try:
            yield
        except (OdhTecError, LookupError, TypeError, ValueError) as error:
            self._log.warning("A row of %s in the journal cannot be used and is left out: %s", table, error)

    # --- writing, from the event loop -----------------------------------------------------------------------------

    def put(self, table: str, *rows: Row) -> None:
        """Insert or replace rows; soon, and in order."""
        if rows:
            self.write_atomically(upsert(table, *rows))

    def write(self, statement: str, rows: Iterable[Row] = ((),)) -> None:
        """Run a statement for each row; soon, and in order."""
        self.write_atomically((statement, list(rows)))

    def write_atomically(self, *statements: Statement) -> None:
        """Run statements in one transaction; soon, and in order."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._work, name="odhtec-journal", daemon=True)
            self._writer.start()
        self._orders.put((list(statements), None))

    async def written(self) -> None:
        """Return when everything so far is written to the file, or failed and was logged."""
        if self._writer is None or self._closed:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def notify() -> None:
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(_resolve, done)

        self._orders.put(([], notify))
        await done

    def close(self) -> None:
        """Write everything so far and close the file."""
        self._closed = True
        if self._writer is not None:
            self._orders.put(None)
            self._writer.join()
        self._database.close()

    # --- the writer's thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        waiting: list[_Order] = []  # includes failed orders, because the disk can have space later
        ending = False
        while not ending:
            orders = self._collect()
            ending = None in orders
            callbacks = [order[1] for order in orders if order and order[1]]
            waiting += [order for order in orders if order and order[0]]
            self._renew_lost_file()
            if self._write(waiting):
                waiting.clear()
            for callback in callbacks:
                callback()

    def _collect(self) -> list[_Order | None]:
        """Return the orders of the next batch: those of :data:`BATCH_SECONDS`, or fewer if one of them is awaited."""
        orders = [self._orders.get()]
        until, urgent = time.monotonic() + BATCH_SECONDS, False
        with suppress(queue.Empty):
            while True:
                urgent = urgent or orders[-1] is None or orders[-1][1] is not None
                wait = 0.0 if urgent else max(0.0, until - time.monotonic())
                orders.append(self._orders.get(block=wait > 0, timeout=wait or None))
        return orders

    def _write(self, orders: list[_Order]) -> bool:
        try:
            if orders:
                self._database.execute("BEGIN")
                for statements, _ in orders:
                    for statement, rows in statements:
                        self._database.executemany(statement, rows)
                self._database.execute("COMMIT")
                self._note_size()
        except sqlite3.OperationalError as error:  # a full disk, which can have space later
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            if not self._failing:
                self._log.warning("The journal of transfers cannot be written, so they would not survive: %s", error)
            self._failing = True
            return False
        except Exception:  # a value that SQLite does not support: the other orders must still be written
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            self._log.exception("A record cannot be written to the journal of transfers.")
            written = [self._write([order]) for order in orders] if len(orders) > 1 else []
            return all(written)
        self._failing = False
        return True

    def _renew_lost_file(self) -> None:
        """Open a new file if ours was removed or truncated, because it could not be read again."""
        if self._file is None or self._folder is None:
            return
        path, inode, size = self._file
        try:
            now = path.stat()
        except FileNotFoundError:
            now = None
        except OSError:  # the file can still exist
            return
        if now is not None and now.st_ino == inode and now.st_size >= size:
            return
        self._log.warning("%s was removed or truncated while it was in use. It is written again.", path.name)
        with suppress(sqlite3.Error):
            self._database.close()
        self._file = None
        if now is not None and now.st_ino == inode and now.st_size:
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
        self._database = self._open(self._folder)
        self.on_lost()

    def _note_size(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file = (*self._file[:2], self._file[0].stat().st_size)

    # --- opening --------------------------------------------------------------------------------------------------

    def _open(self, folder: Path) -> sqlite3.Connection:
        """Open the first unlocked journal in the folder, and move the rows of all other unlocked journals to it."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for number in range(MAX_SERVERS):
                if database := self._lock(path := _path(folder, number)):
                    self._file = (path, (found := path.stat()).st_ino, found.st_size)
                    break
            else:
                raise OSError("too many servers use it")
            for other in range(MAX_SERVERS):
                if other != number and _path(folder, other).exists():
                    try:
                        self._take_over(database, _path(folder, other))
                    except (OSError, sqlite3.Error) as error:
                        with suppress(sqlite3.Error):
                            database.execute("ROLLBACK")
                        self._log.warning(
                            "The transfers in %s cannot be imported: %s", _path(folder, other).name, error
                        )
            return database
        except (OSError, sqlite3.Error) as error:
            self._log.warning("%s cannot hold the journal, so transfers end with the server: %s", folder, error)
            self._file = None
            return _in_memory()

    def _lock(self, path: Path) -> sqlite3.Connection | None:
        """Open a journal and lock it until it is closed; None if another server has it or a later version wrote it."""
        with suppress(FileExistsError):
            # Only a new file is opened here, because closing a file releases all locks of the process on it.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            # SQLite would roll the new file back with the rollback journal of an earlier file of this name.
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        for _ in range(2):
            database = _connect(str(path))
            try:
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
                database.execute("BEGIN EXCLUSIVE")
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version <= VERSION:
                    _prepare(database, version)
                    database.execute("COMMIT")
                    return database
                self._log.warning("%s was written by a later version and is not used.", path.name)
            except sqlite3.DatabaseError as error:
                database.close()
                if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
                    path.replace(path.with_suffix(".damaged"))
                    self._log.warning("%s is damaged and was renamed: transfers in it are lost.", path.name)
                    continue
                if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                    raise
                return None
            database.close()
            return None
        return None

    def _take_over(self, database: sqlite3.Connection, path: Path) -> None:
        other = self._lock(path)
        if other is None:
            return
        with closing(other):
            database.execute("BEGIN")
            for table in TABLES:
                rows = other.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
                if rows:
                    # Do not replace our own rows: an earlier take-over can have ended between the two commits.
                    database.executemany(_insertion(table, len(rows[0]), over="IGNORE"), rows)
            database.execute("COMMIT")
            for table in TABLES:
                other.execute(f"DELETE FROM {table}")  # noqa: S608


def upsert(table: str, *rows: Row) -> Statement:
    """Return the statement that inserts or replaces rows, for :meth:`Journal.write_atomically`."""
    return _insertion(table, len(rows[0])), list(rows)


def _insertion(table: str, columns: int, *, over: str = "REPLACE") -> str:
    return f"INSERT OR {over} INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 (of TABLES)


def _path(folder: Path, number: int) -> Path:
    return folder / (f"journal-{number}.sqlite" if number else "journal.sqlite")


def _connect(name: str) -> sqlite3.Connection:
    # First used by the thread that opens it, then by the writer's thread, never by both at the same time.
    database = sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    return database


def _in_memory() -> sqlite3.Connection:
    database = _connect(":memory:")
    _prepare(database)
    return database


def _prepare(database: sqlite3.Connection, version: int = 0) -> None:
    """Create or migrate the tables; ``version`` is 0 for a new database."""
    migrate(database, version, TABLES["pending_writes"])
    for name, columns in TABLES.items():
        database.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    database.execute(f"PRAGMA user_version = {VERSION}")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
