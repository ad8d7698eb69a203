"""Connections that were added while the server runs: in memory only, until it stops."""

from __future__ import annotations

from collections.abc import Hashable

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.watched_files import MAX_ENTRIES
from odhtec_jupyter.errors import Conflict


class SessionSource:
    """The added connections."""

    name = "session"

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._changes = 0

    def state(self) -> Hashable:
        """Return the number of changes."""
        return self._changes

    def read(self) -> list[Connection]:
        """Return the connections."""
        return list(self._connections.values())

    def get(self, name: str) -> Connection | None:
        """Return an added connection."""
        return self._connections.get(name)

    def put(self, connection: Connection) -> None:
        """Add or replace a connection. Raises :class:`Conflict` if there are too many."""
        if connection.name not in self._connections and len(self._connections) >= MAX_ENTRIES:
            raise Conflict(f"Up to {MAX_ENTRIES} connections can be added. Remove one first.")
        self._connections[connection.name] = connection
        self._changes += 1

    def remove(self, name: str) -> None:
        """Remove a connection."""
        self._connections.pop(name, None)
        self._changes += 1
