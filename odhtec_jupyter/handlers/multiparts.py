"""``/multipart``: unfinished multipart uploads, and their removal."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.base import LARGE_BODY_BYTES, OdhTecHandler
from odhtec_jupyter.models import AbortRequest


class MultipartsHandler(OdhTecHandler):
    """``/multipart/:bucket``"""

    max_body = LARGE_BODY_BYTES

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """List one page of those below a prefix."""
        segment = self.get_query_argument("prefix", "")
        token = self.get_query_argument("continuationToken", None, strip=False)
        prefix = self.key(segment) if segment else ""
        page = await self.call_interactive(self.store.list_unfinished, bucket, prefix, token)
        self.reply(self.services.multiparts(self.store, bucket).mark(page))

    @web.authenticated
    async def delete(self, bucket: str) -> None:
        """Abort those that the body names."""
        self.store.policy.require_write()  # otherwise an error for each of them is in the reply
        self.store.require_bucket(bucket)
        self.reply(await self.services.multiparts(self.store, bucket).abort(self.body(AbortRequest).uploads))
