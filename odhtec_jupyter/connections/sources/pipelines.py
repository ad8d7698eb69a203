"""The bucket of the project's pipeline server, which Open Data Hub describes in ``odh_dsp.json``.

The platform mounts the file below the application root of the image, from where the image copies it for Elyra.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.definition import Definition, defined
from odhtec_jupyter.connections.watched_files import State, state_of, text_in
from odhtec_jupyter.errors import BadRequest

FILE = "odh_dsp.json"
MAX_JSON_BYTES = 64 * 1024


class PipelinesSource:
    """One connection, named ``pipelines``, if the project has a pipeline server."""

    name = "pipelines"

    @property
    def _paths(self) -> list[Path]:
        """Where the file can be. The mounted one is first, because it changes when the platform changes it."""
        root = os.environ.get("APP_ROOT") or "/opt/app-root"
        return [Path(root, "runtimes", FILE), Path(jupyter_data_dir(), "metadata", "runtimes", FILE)]

    def state(self) -> State:
        """Return the state of both files."""
        return state_of(self._paths)

    def read(self) -> list[Connection]:
        """Return the connection. Raises :class:`BadRequest` if the file is not what Elyra expects."""
        path = next((path for path in self._paths if path.is_file()), None)
        return [] if path is None else [_connection(text_in(path, MAX_JSON_BYTES), self.name)]


def _connection(text: str, source: str) -> Connection:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest(f"{FILE} is not valid JSON.") from None
    found = found.get("metadata", found) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise BadRequest(f"{FILE} must contain a JSON object.")

    def value(name: str) -> str | None:
        text = found.get(name)
        return text if isinstance(text, str) else None

    definition = Definition(
        endpoint=value("cos_endpoint"),
        bucket=value("cos_bucket"),
        access_key_id=value("cos_username"),
        secret_access_key=value("cos_password"),
        secret_name=value("cos_secret"),
        title="Pipeline server",
    )
    return defined(definition, source, source)
