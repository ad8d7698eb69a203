"""The connection ``default``: the data connection of the workbench, or what the settings say instead."""

from __future__ import annotations

from collections.abc import Hashable

from odhtec_jupyter.connections.connection import Connection, broken
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.settings import OdhTecSettings
from odhtec_jupyter.uris import DEFAULT_CONNECTION


class EnvironmentSource:
    """The S3 settings of the server. They are complete without keys: then boto3 looks for credentials."""

    name = "environment"

    def __init__(self, settings: OdhTecSettings) -> None:
        self._settings = settings

    def state(self) -> Hashable:
        """Return the connection in force now."""
        return self.read()[0]

    def read(self) -> list[Connection]:
        """Return one connection."""
        try:
            return [Connection(DEFAULT_CONNECTION, self.name, self._settings.s3)]
        except BadRequest as error:
            return [broken(DEFAULT_CONNECTION, self.name, str(error))]
