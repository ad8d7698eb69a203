"""``/openapi.json``, and replies to unknown addresses."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from importlib.resources import files

from tornado import web

from odhtec_jupyter.handlers.base import OdhTecHandler


@cache
def contract() -> str:
    """Return the contract as JSON."""
    import yaml

    return json.dumps(yaml.safe_load((files("odhtec_jupyter") / "openapi.yaml").read_text(encoding="utf-8")))


class ContractHandler(OdhTecHandler):
    """``/openapi.json``"""

    @web.authenticated
    async def get(self) -> None:
        """Return the whole contract."""
        self.finish(await asyncio.to_thread(contract))


class NotFoundHandler(OdhTecHandler):
    """Every other address below the API: 404 in JSON."""

    @web.authenticated
    async def get(self) -> None:
        """Reply 404."""
        raise web.HTTPError(404)

    head = post = put = delete = patch = get
