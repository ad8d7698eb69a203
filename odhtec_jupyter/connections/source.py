"""What each source of connections offers to the registry."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from odhtec_jupyter.connections.connection import Connection


class Source(Protocol):
    """Where connections are found. Both methods read small files at most."""

    name: str

    def state(self) -> Hashable:
        """Return a value that differs when :meth:`read` would return something else."""

    def read(self) -> list[Connection]:
        """Return its connections, those that cannot be used with their errors.

        Raises :class:`OdhTecError` if none of them can be read.
        """
