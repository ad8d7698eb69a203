"""``/objects/preview``: the content of an object, of which only a part is read."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.preview.dispatch import preview_object


class PreviewHandler(OdhTecHandler):
    """``/objects/preview/:bucket/:key``"""

    audited = actions(GET="preview.read")
    sends_content = True

    @web.authenticated
    async def get(self, bucket: str, key: str) -> None:
        """Return a table, text, tensors, entries, … as data. Nothing is rendered here."""
        name = self.key(key)
        async with self.services.previews:
            found = await self.call_interactive(preview_object, self.store, bucket, name, self.gone.is_set)
        self.reply(found)
