"""Journals of earlier versions are brought to the current tables, in the transaction that locks the file.

Version 1: the table of pending writes was called ``unfinished``, its column ``upload_id`` also held the token of a
partial file, and part number 0 held the pin of a partial file that was about to be renamed.

Version 2: there was one connection, so uploads had no name of it.
"""

from __future__ import annotations

import sqlite3


def migrate(database: sqlite3.Connection, version: int, pending_writes: str) -> None:
    """Bring the tables of ``version`` to the current one. ``pending_writes`` are the columns of the new table.

    Needs SQLite 3.25.
    """
    if version == 1:
        _from_version_1(database, pending_writes)
    if version in {1, 2}:
        for column in ("connection", "fingerprint"):
            database.execute(f"ALTER TABLE uploads ADD COLUMN {column} TEXT DEFAULT ''")


def _from_version_1(database: sqlite3.Connection, pending_writes: str) -> None:
    database.execute("ALTER TABLE parts RENAME COLUMN unfinished TO pending_write")
    database.execute("ALTER TABLE uploads RENAME COLUMN asked TO requested_key")
    database.execute(f"CREATE TABLE pending_writes ({pending_writes})")
    database.execute(
        "INSERT INTO pending_writes SELECT id, owner, place, endpoint, begun_at,"
        " CASE WHEN place LIKE 'workspace://%' THEN NULL ELSE upload_id END,"
        " CASE WHEN place LIKE 'workspace://%' THEN upload_id END,"
        " completing_at,"
        " (SELECT etag FROM parts WHERE pending_write = unfinished.id AND number = 0)"
        " FROM unfinished"
    )
    database.execute("DELETE FROM parts WHERE number = 0")
    database.execute("DROP TABLE unfinished")
