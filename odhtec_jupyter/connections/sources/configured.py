"""The connections in the trait ``connections``, which an administrator configures."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields
from typing import Any

from odhtec_jupyter.connections.connection import Connection, broken, checked_name, safe_name
from odhtec_jupyter.connections.definition import Definition
from odhtec_jupyter.connections.watched_files import MAX_ENTRIES, state_of
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.secret_traits import secret_in

KINDS = {field.name: bool if field.type == "bool" else str for field in fields(Definition)}
SECRET_FILES = {f"{name}_file": name for name in ("access_key_id", "secret_access_key", "session_token")}


class ConfiguredSource:
    """The configured connections. The files that they name are read again when they change."""

    name = "configured"

    def __init__(self, connections: Mapping[Any, Any]) -> None:
        self._connections = dict(list(connections.items())[:MAX_ENTRIES])

    def state(self) -> Hashable:
        """Return the state of the files; the trait itself does not change."""
        values = [value for value in self._connections.values() if isinstance(value, Mapping)]
        paths = [value.get(name) for value in values for name in (*SECRET_FILES, "ca_bundle")]
        return state_of([path for path in paths if isinstance(path, str)])

    def read(self) -> list[Connection]:
        """Return the connections."""
        return [self._connection(str(name), values) for name, values in self._connections.items()]

    def _connection(self, name: str, values: object) -> Connection:
        try:
            return _definition(values).connection(checked_name(name), self.name, may_use_own=True)
        except BadRequest as error:
            return broken(safe_name(name), self.name, str(error))


def _definition(values: object) -> Definition:
    if not isinstance(values, Mapping):
        raise BadRequest("The connection must be a dictionary.")
    found: dict[str, Any] = {}
    for name, value in values.items():
        target = SECRET_FILES.get(name, name)
        if target not in KINDS:
            raise BadRequest(f"{str(name)[:50]!r} is not a setting of a connection.")
        if value is None:
            continue
        if not isinstance(value, KINDS[target]):
            raise BadRequest(f"{name} must be {'True or False' if KINDS[target] is bool else 'a text'}.")
        if target != name:
            try:
                value = secret_in(str(value))
            except BadRequest as error:
                raise BadRequest(f"{name}: the secret cannot be read: {error}.") from None
        found[target] = value
    return Definition(**found)
