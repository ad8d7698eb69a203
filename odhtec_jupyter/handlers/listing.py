"""What all requests that list have in common: the store's own token, and steps that end when nobody listens."""

from __future__ import annotations

import threading

from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.services import Services
from odhtec_jupyter.stores.step import Step


class ListingHandler(OdhTecHandler):
    """Base of the handlers that read lists."""

    def initialize(self, services: Services) -> None:
        """Take the services the routes were built with."""
        super().initialize(services)
        self._gone = threading.Event()

    def on_connection_close(self) -> None:
        """A search or a count that nobody waits for ends with the page it is at."""
        super().on_connection_close()
        self._gone.set()

    def step(self) -> Step:
        """This reply's share of something long."""
        return Step(self._gone)

    @property
    def continuation_token(self) -> str | None:
        """Where the page before has ended, in the store's own words."""
        return self.text("continuationToken") or None
