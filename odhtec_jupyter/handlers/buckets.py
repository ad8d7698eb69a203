"""``/buckets``."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.models import CreateBucket, Message
from odhtec_jupyter.uris import S3Uri


class BucketsHandler(OdhTecHandler):
    """``/buckets``"""

    audited = actions(POST="bucket.create")

    @web.authenticated
    async def get(self) -> None:
        """List all buckets, or the known ones without permission to list."""
        self.reply(await self.call_interactive(self.store.list_buckets))

    @web.authenticated
    async def post(self) -> None:
        """Create a bucket."""
        name = self.body(CreateBucket).bucket_name
        self.concerns(lambda: [S3Uri(name, "", self.connection_name)])
        await self.call(self.store.create_bucket, name)
        self.reply(Message(message=f"The bucket {name} was created."), 201)


class BucketHandler(OdhTecHandler):
    """``/buckets/:bucket``"""

    audited = actions(DELETE="bucket.delete")

    @web.authenticated
    async def delete(self, bucket: str) -> None:
        """Delete an empty bucket."""
        await self.call(self.store.delete_bucket, bucket)
        self.reply(Message(message=f"The bucket {bucket} was deleted."))
