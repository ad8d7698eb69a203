"""The S3 stores of the connections: one for each, created on first use, replaced when the connection changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from weakref import WeakSet

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.uris import named

_Key = tuple[S3Connection, Network]


class S3Stores:
    """The stores by the names of their connections; thread-safe. Connections with equal values have two stores."""

    def __init__(self, network: Callable[[], Network]) -> None:
        """``network`` returns the network of the server, which can change."""
        self._network = network
        self._stores: dict[str, tuple[_Key, S3Store]] = {}
        # A running transfer keeps its store, which opens connections again.
        self._replaced: WeakSet[S3Store] = WeakSet()
        self._lock = threading.Lock()

    def of(self, connection: Connection) -> S3Store:
        """Return the store of a connection that can be used."""
        name = named(connection.name)
        key = connection.s3, connection.network(self._network())
        with self._lock:
            known = self._stores.get(name)
            if known is None or known[0] != key:
                self._drop(name)
                known = self._stores[name] = key, S3Store(*key, name=name)
            return known[1]

    def keep_only(self, connections: Mapping[str, Connection]) -> None:
        """Close the stores of connections that have gone or that cannot be used any more, except the default one."""
        kept = {named(name) for name, connection in connections.items() if connection.error is None}
        with self._lock:
            for name in self._stores.keys() - kept - {""}:
                self._drop(name)

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
