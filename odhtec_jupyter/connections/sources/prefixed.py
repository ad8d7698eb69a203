"""Connections in variables such as ``ODHTEC_CONNECTION_ARCHIVE_AWS_S3_ENDPOINT``.

A workbench has one set of variables ``AWS_…``, so two data connections overwrite each other. With a prefix they do not.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict

from odhtec_jupyter.connections.connection import Connection
from odhtec_jupyter.connections.definition import VARIABLES, defined, from_variables
from odhtec_jupyter.connections.watched_files import MAX_ENTRIES

PREFIX = "ODHTEC_CONNECTION_"
_KNOWN = "|".join(name for names in VARIABLES.values() for name in names)
_VARIABLE = re.compile(rf"{PREFIX}(.{{1,200}}?)_({_KNOWN})", re.DOTALL)


class PrefixedSource:
    """The connections in the environment variables with :data:`PREFIX`. Names in capital letters become small ones."""

    name = "prefixed"

    def state(self) -> tuple[tuple[str, str], ...]:
        """Return the variables with their values."""
        return tuple(sorted((key, value) for key, value in os.environ.items() if key.startswith(PREFIX)))

    def read(self) -> list[Connection]:
        """Return one connection for each name."""
        found: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for variable, value in self.state():
            if match := _VARIABLE.fullmatch(variable):
                found[match[1]][match[2]] = value
        return [
            defined(from_variables(values), name.lower() if name.isupper() else name, self.name)
            for name, values in list(found.items())[:MAX_ENTRIES]
        ]
