"""The base of requests for lists: continuation tokens, and steps that end when the client disconnects."""

from __future__ import annotations

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.stores.step import Step


class ListingHandler(OdhTecHandler):
    """The base of handlers that read lists."""

    def step(self) -> Step:
        """Return the limit of this reply. If the client disconnects, the step ends with the current page."""
        return Step(self.gone)

    @property
    def continuation_token(self) -> str | None:
        """Return the token of the previous page."""
        return self.text("continuationToken") or None
