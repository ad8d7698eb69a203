"""What all requests that list have in common: the store's own token, and steps that end when nobody listens."""

from __future__ import annotations

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.stores.step import Step


class ListingHandler(OdhTecHandler):
    """Base of the handlers that read lists."""

    def step(self) -> Step:
        """This reply's share of something long; one that nobody waits for ends with the page it is at."""
        return Step(self.gone)

    @property
    def continuation_token(self) -> str | None:
        """Where the page before has ended, in the store's own words."""
        return self.text("continuationToken") or None
