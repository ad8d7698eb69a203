"""How large a request may be, as far as is known: a proxy in front of the server may limit it."""

from __future__ import annotations

import sys

from odhtec_jupyter.errors import OdhTecError

PROXY_LIMIT = "ProxyBodyLimit"  # the code of a 413 that is not our server's
LEAST_BYTES = 64 * 1024  # smaller requests pass every proxy, or there is another reason


class BodyLimit:
    """Found out once for each server, by what is refused."""

    def __init__(self) -> None:
        self.bytes = sys.maxsize

    def shrinks(self, error: OdhTecError, refused: int) -> bool:
        """Whether a body of ``refused`` bytes was refused for its size, and a smaller one may pass."""
        if error.code != PROXY_LIMIT or refused <= LEAST_BYTES:
            return False
        self.bytes = min(self.bytes, max(LEAST_BYTES, refused // 2))
        return True
