"""``/openapi.json``, and what is said at addresses that do not exist."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from importlib.resources import files

from tornado import web

from odhtec_jupyter.handlers.base import OdhTecHandler


@cache
def contract() -> str:
    """The contract as JSON."""
    import yaml

    return json.dumps(yaml.safe_load((files("odhtec_jupyter") / "openapi.yaml").read_text(encoding="utf-8")))


class ContractHandler(OdhTecHandler):
    """``/openapi.json``"""

    @web.authenticated
    async def get(self) -> None:
        """The whole contract."""
        self.finish(await asyncio.to_thread(contract))


class NotFoundHandler(OdhTecHandler):
    """Everything else below the API: 404 in JSON."""

    @web.authenticated
    async def get(self) -> None:
        """There is nothing here."""
        raise web.HTTPError(404)

    head = post = put = delete = patch = get
