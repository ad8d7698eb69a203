"""The aliases of MinIO's client in the environment: ``MC_HOST_<alias>=https://KEY:SECRET[:TOKEN]@host``.

https://min.io/docs/minio/linux/reference/minio-mc.html; an alias without keys is for public buckets.
"""

from __future__ import annotations

import os

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.definition import Definition, defined
from odhtec_jupyter.connections.watched_files import MAX_ENTRIES

PREFIX = "MC_HOST_"


class McSource:
    """One connection for each alias."""

    name = "mc"

    def state(self) -> tuple[tuple[str, str], ...]:
        """Return the variables with their values."""
        found = ((key, value) for key, value in os.environ.items() if key.startswith(PREFIX) and value.strip())
        return tuple(sorted((key, value) for key, value in found if key != PREFIX))

    def read(self) -> list[Connection]:
        """Return the connections."""
        return [
            defined(_definition(value.strip()), variable.removeprefix(PREFIX), self.name)
            for variable, value in self.state()[:MAX_ENTRIES]
        ]


def _definition(url: str) -> Definition:
    scheme, _, rest = url.partition("://")
    account, at, host = rest.rpartition("@")  # a secret can contain the sign
    key, secret, token = (*account.split(":", 2), "", "")[:3]
    return Definition(
        endpoint=f"{scheme}://{host}",
        access_key_id=key,
        secret_access_key=secret,
        session_token=token,
        anonymous=not at,
    )
