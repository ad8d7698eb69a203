"""``/policy``: what the administrator allows."""

from __future__ import annotations

from dataclasses import asdict

from tornado import web

from odhtec_jupyter import models
from odhtec_jupyter.handlers.base import OdhTecHandler


class PolicyHandler(OdhTecHandler):
    """``/policy``"""

    @web.authenticated
    async def get(self) -> None:
        """Return the policy, for all users who can read."""
        self.reply(models.Policy.model_validate(asdict(self.services.settings.policy)))
