"""``/objects``: listing, deleting, folders. Bodies stand in ``download.py`` and ``upload.py``."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import CreateFolder, DeleteRequest, StoredObject
from odhtec_jupyter.transfers.deletion import start_deletion


class ObjectsHandler(OdhTecHandler):
    """``/objects/:bucket``"""

    @web.authenticated
    async def get(self, bucket: str, prefix: str = "") -> None:
        """One page of one level."""
        await self.list_level(bucket, prefix)

    async def list_level(self, bucket: str, prefix: str) -> None:
        """Reply with one page of the level below ``prefix``, a path segment."""
        page = await self.call(
            self.services.s3.list_objects,
            bucket,
            self.key(prefix) if prefix else "",
            max_keys=self.number("maxKeys", 1000, least=1, most=1000),
            token=self.get_query_argument("continuationToken", None, strip=False),
        )
        self.reply(page)


class ObjectHandler(ObjectsHandler):
    """``/objects/:bucket/:key``; ``/objects/multiple/:bucket`` when a body names what is to be deleted."""

    @web.authenticated
    async def delete(self, bucket: str, prefix: str) -> None:
        """Exactly this key; a folder (trailing slash) with everything below it, as a transfer."""
        await self.delete_key(bucket, prefix)

    async def delete_key(self, bucket: str, prefix: str) -> None:
        """Delete what ``prefix``, a path segment, names."""
        if bucket == "multiple" and self.request.body.strip():
            await self._delete_multiple(prefix)
            return
        name = self.key(prefix)
        if name.endswith("/"):
            self._delete_folders(bucket, DeleteRequest(prefixes=[name]))
        else:
            self.reply(await self.call(self.services.s3.delete_exactly, bucket, name))

    async def _delete_multiple(self, bucket: str) -> None:
        request = self.body(DeleteRequest)
        if not request.keys and not request.prefixes:
            raise BadRequest("keys and prefixes are both empty.")
        if request.prefixes:
            self._delete_folders(bucket, request)
        else:
            self.reply(await self.call(self.services.s3.delete, bucket, request.keys))

    def _delete_folders(self, bucket: str, request: DeleteRequest) -> None:
        if bad := [prefix for prefix in request.prefixes if not prefix.endswith("/")]:
            # "foo" as a prefix would take "foobar" along.
            raise BadRequest(f"prefixes: {bad[0]!r} must end in a slash.")
        services = self.services
        transfer = start_deletion(services.transfers, services.s3, bucket, keys=request.keys, prefixes=request.prefixes)
        self.reply(transfer.show(), 202)


class FolderHandler(ObjectHandler):
    """``/objects/folder/:bucket``; for GET and DELETE the same address is a key in a bucket called ``folder``."""

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """List a folder of the bucket ``folder``."""
        await self.list_level("folder", bucket)

    @web.authenticated
    async def delete(self, bucket: str) -> None:
        """Delete from the bucket ``folder``."""
        await self.delete_key("folder", bucket)

    @web.authenticated
    async def post(self, bucket: str) -> None:
        """A zero-byte marker, so that an empty folder can be seen."""
        prefix = self.body(CreateFolder).prefix
        prefix = fitting(prefix if prefix.endswith("/") else f"{prefix}/")
        etag = await self.call(self.services.s3.put, bucket, prefix, [], 0, content_type="application/x-directory")
        self.reply(StoredObject(bucket=bucket, key=prefix, size=0, ETag=etag), 201)
