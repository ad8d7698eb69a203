"""Connections in a folder: mounted Secrets, and files in the form of KServe's ``storage-config``.

https://kserve.github.io/website/ describes the JSON of ``storage-config``: each key of that Secret is one storage.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from odhtec_jupyter.connections.connection import Connection, broken, safe_name
from odhtec_jupyter.connections.definition import MAX_SECRET, VARIABLES, Definition, defined, from_variables
from odhtec_jupyter.connections.watched_files import State, entries_in, state_of, text_in
from odhtec_jupyter.errors import BadRequest

VARIABLE_NAMES = tuple(name for names in VARIABLES.values() for name in names)
MAX_JSON_BYTES = 64 * 1024


class DirectorySource:
    """The connections in ``connections_dir``."""

    name = "directory"

    def __init__(self, folder: str) -> None:
        self._folder = os.path.expanduser(folder)

    def state(self) -> State:
        """Return the state of each file that :meth:`read` would read."""
        if not self._folder:
            return ()
        try:
            entries = entries_in(self._folder)
        except BadRequest as error:
            return (str(error),)
        return state_of([file for entry in entries for file in (entry, *(entry / name for name in VARIABLE_NAMES))])

    def read(self) -> list[Connection]:
        """Return one connection for each subfolder and each file."""
        return [self._connection(entry) for entry in (entries_in(self._folder) if self._folder else ())]

    def _connection(self, entry: Path) -> Connection:
        is_folder = entry.is_dir()
        name = entry.name if is_folder else entry.name.removesuffix(".json")
        try:
            definition = _mounted_secret(entry) if is_folder else storage_config(text_in(entry, MAX_JSON_BYTES))
        except BadRequest as error:
            return broken(safe_name(name), self.name, str(error))
        return defined(definition, name, self.name)


def _mounted_secret(folder: Path) -> Definition:
    values = {name: text_in(folder / name, MAX_SECRET) for name in VARIABLE_NAMES if (folder / name).exists()}
    if not values:
        raise BadRequest("The folder has no files such as AWS_ACCESS_KEY_ID.")
    return from_variables(values)


def storage_config(text: str) -> Definition:
    """Return the definition in a JSON text of KServe. Raises :class:`BadRequest` with the reason."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("The file is not valid JSON.") from None
    if not isinstance(found, dict):
        raise BadRequest("The file must contain a JSON object.")
    if (kind := found.get("type", "s3")) not in {"s3", "", None}:
        raise BadRequest(f"type: {str(kind)[:50]!r} is not supported, only s3.")
    return Definition(
        endpoint=_string(found, "endpoint_url"),
        region=_string(found, "region"),
        bucket=_string(found, "default_bucket") or _string(found, "bucket"),
        access_key_id=_string(found, "access_key_id"),
        secret_access_key=_string(found, "secret_access_key"),
        session_token=_string(found, "session_token"),
        anonymous=str(found.get("anonymous", "")).lower() == "true",
    )


def _string(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.")
    return value
