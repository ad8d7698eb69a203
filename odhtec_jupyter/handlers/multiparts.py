"""``/multipart``: unfinished multipart uploads, and their removal."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import LARGE_BODY_BYTES, OdhTecHandler
from odhtec_jupyter.models import AbortRequest
from odhtec_jupyter.uris import S3Uri


class MultipartsHandler(OdhTecHandler):
    """``/multipart/:bucket``"""

    audited = actions(DELETE="upload.abort")
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
        uploads = self.body(AbortRequest).uploads
        self.concerns(lambda: (S3Uri(bucket, one.Key, self.connection_name) for one in uploads), lambda: len(uploads))
        self.store.policy.require_write()  # otherwise an error for each of them is in the reply
        self.store.require_bucket(bucket)
        reply = await self.services.multiparts(self.store, bucket).abort(uploads)
        if reply.errors:
            self.failure = reply.errors[0].Code
        self.reply(reply)
