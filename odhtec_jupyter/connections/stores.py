"""The S3 stores of the connections: one for each, created on first use, replaced when the connection changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from weakref import WeakSet

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.registry import Connections
from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import OdhTecSettings, S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.uris import DEFAULT_CONNECTION, named

_Key = tuple[S3Connection, Network]


class S3Stores:
    """The stores by the names of their connections; thread-safe. Connections with equal values have two stores."""

    def __init__(self, connections: Connections, settings: OdhTecSettings) -> None:
        self._connections = connections
        self._settings = settings
        self._stores: dict[str, tuple[_Key, S3Store]] = {}
        # A running transfer keeps its store, which opens connections again.
        self._replaced: WeakSet[S3Store] = WeakSet()
        self._lock = threading.Lock()

    def of(self, connection: Connection) -> S3Store:
        """Return the store of a connection. Raises :class:`BadRequest` if the connection cannot be used."""
        connection.require_usable()
        name = named(connection.name)
        key = connection.s3, connection.network(self._settings.network)
        with self._lock:
            known = self._stores.get(name)
            if known and known[0] != key and self._renew(known, key):
                known = self._stores[name] = key, known[1]
            elif known is None or known[0] != key:
                self._drop(name)
                known = self._stores[name] = key, S3Store(*key, name=name, look=partial(self._look_again, name))
            return known[1]

    def known(self, name: str = "") -> S3Store:
        """Return the store of a connection as it was last seen, without reading files.

        Raises :class:`NotFound`, or :class:`BadRequest` if the connection cannot be used.
        """
        return self.of(self._connections.known(name or DEFAULT_CONNECTION))

    @staticmethod
    def _renew(known: tuple[_Key, S3Store], key: _Key) -> bool:
        """Give new keys to a store whose connection has no other changes: transfers continue to use it."""
        (before, network), store = known
        if network != key[1] or not before.is_renewed_by(key[0]):
            return False
        store.renew(key[0])
        return True

    def _look_again(self, name: str) -> None:
        """Read a connection again after its keys were refused. Blocks."""
        with suppress(OdhTecError):  # the refusal of the keys is the error to report
            self._settings.read_s3_files_again()
            self._connections.expire()
            self.of(self._connections.find(name or DEFAULT_CONNECTION))

    def look_for_changes(self) -> None:
        """Read what has changed, before the keys expire that running transfers use. Blocks."""
        if self._settings.read_s3_files_again():
            self.update({DEFAULT_CONNECTION: self._connections.find(DEFAULT_CONNECTION)})
        self._connections.refresh()

    def update(self, connections: Mapping[str, Connection]) -> None:
        """Renew the keys of stores, and close those of connections that cannot be used, except the default one."""
        kept = {named(name) for name, connection in connections.items() if connection.error is None}
        with self._lock:
            for name in self._stores.keys() - kept - {""}:
                self._drop(name)
            known = list(self._stores)
        for name in known:
            if connection := connections.get(name or DEFAULT_CONNECTION):
                with suppress(OdhTecError):
                    self.of(connection)

    def close(self) -> None:
        """Close the idle connections of all stores, also of those that were replaced."""
        with self._lock:
            for name in list(self._stores):
                self._drop(name)
            for store in self._replaced:
                store.close()

    def _drop(self, name: str) -> None:
        if known := self._stores.pop(name, None):
            known[1].close()
            self._replaced.add(known[1])
