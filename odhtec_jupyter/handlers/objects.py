"""``/objects``: lists, searches, deletions and folders. Content is in ``streaming/download.py`` and ``upload.py``."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.errors import BadRequest, StoreError, Unreachable
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import LARGE_BODY_BYTES
from odhtec_jupyter.handlers.listing import ListingHandler
from odhtec_jupyter.keys import MAX_KEY_BYTES, fitting
from odhtec_jupyter.models import CreateFolder, DeleteReply, DeleteRequest, StoredObject, TransferPlan
from odhtec_jupyter.stores.s3.search import SEARCH_MODES, Search
from odhtec_jupyter.transfers.jobs.key_deletion import KeyDeletion, delete_keys
from odhtec_jupyter.transfers.planning.plan import plan_deletion
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.runtime.retry import Retries
from odhtec_jupyter.uris import S3Uri

DELETE_ATTEMPTS = 3  # of requests that a user waits for: with their delays less than two seconds


class ObjectsHandler(ListingHandler):
    """``/objects/:bucket``"""

    @web.authenticated
    async def get(self, bucket: str, prefix: str = "") -> None:
        """List one page of a level, or run one step of a search."""
        await self.list_level(bucket, prefix)

    async def list_level(self, bucket: str, prefix: str) -> None:
        """Reply with one page of the level below ``prefix``, a path segment, or with the matches of a search."""
        where = self.key(prefix) if prefix else ""
        most = self.number("maxKeys", 1000, least=1, most=1000)
        store = self.store
        if (q := self.text("q")) is None:
            page = await self.call_interactive(
                store.list_objects, bucket, where, max_keys=most, token=self.continuation_token
            )
        else:
            search = self._search(bucket, where, q)
            page = await self.call_interactive(
                store.search, search, max_keys=most, token=self.continuation_token, step=self.step()
            )
        self.reply(page)

    def _search(self, bucket: str, prefix: str, q: str) -> Search:
        if len(q.encode()) > MAX_KEY_BYTES:
            raise BadRequest(f"q has more than {MAX_KEY_BYTES} bytes, which is longer than any key.")
        mode = self.choice("mode", "prefix", SEARCH_MODES)
        return Search(bucket, prefix, q, mode, self.choice("recursive", "false", ("true", "false")) == "true")


class ObjectHandler(ObjectsHandler):
    """``/objects/:bucket/:key``; ``/objects/multiple/:bucket`` if a body names what to delete."""

    audited = actions(DELETE="object.delete")
    max_body = LARGE_BODY_BYTES

    @property
    def audit_place(self) -> tuple[str, str]:
        """The object in the path, or the bucket if a body names the objects."""
        bucket, key = super().audit_place
        return (
            (key, "")
            if bucket == "multiple" and self.request.headers.get("Content-Length", "0") != "0"
            else (bucket, key)
        )

    @web.authenticated
    async def delete(self, bucket: str, prefix: str) -> None:
        """Delete one key, or a folder (trailing slash) with everything below it, by a transfer."""
        await self.delete_key(bucket, prefix)

    async def delete_key(self, bucket: str, prefix: str) -> None:
        """Delete what ``prefix``, a path segment, names."""
        if bucket == "multiple" and self.has_body:
            await self._delete_multiple(prefix)
            return
        name, version = self.key(prefix), self.version_id()
        self.concerns(lambda: [S3Uri(bucket, name, self.connection_name)])
        if version is not None:
            await self._delete_version(bucket, name, version)
        elif name.endswith("/"):
            await self._delete_folders(bucket, DeleteRequest(prefixes=[name]))
        elif self.flag("dryRun"):
            await self._plan(bucket, DeleteRequest(keys=[name]))
        else:
            self.reply(await self._delete_one(bucket, name))

    async def _delete_version(self, bucket: str, key: str, version: str) -> None:
        if self.flag("dryRun"):
            raise BadRequest("dryRun cannot be combined with versionId.")
        self.reply(await self.call(self.store.delete_version, bucket, key, version))

    async def _delete_multiple(self, bucket: str) -> None:
        request = self.body(DeleteRequest)
        named = [*request.keys, *request.prefixes]
        self.concerns(lambda: (S3Uri(bucket, one, self.connection_name) for one in named), lambda: len(named))
        if self.version_id() is not None:
            raise BadRequest("versionId can only be combined with a single key.")
        if not request.keys and not request.prefixes:
            raise BadRequest("keys or prefixes is required.")
        if request.prefixes:
            await self._delete_folders(bucket, request)
        elif self.flag("dryRun"):
            await self._plan(bucket, request)
        else:
            self.reply(await self._delete_keys(bucket, request.keys))

    async def _delete_one(self, bucket: str, key: str) -> DeleteReply:
        retries = Retries(DELETE_ATTEMPTS)
        while True:
            try:
                return await self.call(self.store.delete_exactly, bucket, key)
            except StoreError as error:
                await retries.sleep(error)

    async def _delete_keys(self, bucket: str, keys: list[str]) -> DeleteReply:
        deletion = KeyDeletion(self.store, bucket, keys)
        try:
            await delete_keys(self.call, deletion, DELETE_ATTEMPTS)
        except Unreachable:
            if not deletion.refused:
                raise
            deletion.give_up()  # the deleted keys must be reported
        failed = {failure.Key for failure in deletion.failures}
        if deletion.failures:
            self.failure = deletion.failures[0].Code
        return DeleteReply(deleted=[key for key in keys if key not in failed], errors=deletion.failures)

    async def _delete_folders(self, bucket: str, request: DeleteRequest) -> None:
        if bad := [prefix for prefix in request.prefixes if not prefix.endswith("/")]:
            # "foo" as a prefix would include "foobar".
            raise BadRequest(f"prefixes: {bad[0]!r} must end in a slash.")
        if self.flag("dryRun"):
            await self._plan(bucket, request)
            return
        services = self.services
        self.store.require_writable()
        self.store.require_bucket(bucket)
        where = request.prefixes[0] if len(request.prefixes) == 1 and not request.keys else ""
        options = services.deletion(request.keys, request.prefixes, connection=self.connection_name)
        folder = S3Uri(bucket, where, self.connection_name)
        transfer = services.transfers.new("delete", folder, None, options, user=self.username)
        self.transfer = transfer
        self.reply((await services.transfers.start(transfer)).show(), 202)

    async def _plan(self, bucket: str, request: DeleteRequest) -> None:
        self.only_plans()

        def look() -> TransferPlan:
            selection = Selection(bucket, request.keys, request.prefixes)
            return plan_deletion(self.store, selection, is_stopped=self.gone.is_set)

        self.reply(await self.call(look))


class FolderHandler(ObjectHandler):
    """``/objects/folder/:bucket``; for GET and DELETE the same address is a key in a bucket called ``folder``."""

    audited = actions(DELETE="object.delete", POST="object.write")

    @property
    def audit_place(self) -> tuple[str, str]:
        """The bucket, or the key in the bucket ``folder``."""
        bucket: str = self.path_kwargs["bucket"]
        return (bucket, "") if self.request.method == "POST" else ("folder", bucket)

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
        """Create an empty object as a marker, so that an empty folder is visible."""
        prefix = self.body(CreateFolder).prefix
        prefix = fitting(prefix if prefix.endswith("/") else f"{prefix}/")
        self.concerns(lambda: [S3Uri(bucket, prefix, self.connection_name)])
        etag = await self.call(self.store.put, bucket, prefix, [], 0, content_type="application/x-directory")
        self.reply(StoredObject(bucket=bucket, key=prefix, size=0, ETag=etag), 201)
