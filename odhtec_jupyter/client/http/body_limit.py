"""The maximum size of requests: a proxy in front of the server may limit it."""

from __future__ import annotations

import sys

from odhtec_jupyter.errors import OdhTecError

PROXY_LIMIT = "ProxyBodyLimit"  # the code of a 413 that is not our server's
MIN_LIMIT_BYTES = 64 * 1024  # proxies accept requests of this size, or refuse them for another reason


class BodyLimit:
    """The limit of one server, learned from refused requests."""

    def __init__(self) -> None:
        self.bytes = sys.maxsize

    def shrinks(self, error: OdhTecError, refused: int) -> bool:
        """Lower the limit if a body of ``refused`` bytes was too large. Return whether a smaller one is possible."""
        if error.code != PROXY_LIMIT or refused <= MIN_LIMIT_BYTES:
            return False
        self.bytes = min(self.bytes, max(MIN_LIMIT_BYTES, refused // 2))
        return True
