"""Details of one object: ``/objects/metadata``, ``versions``, ``restore``, ``presign``."""

from __future__ import annotations

from tornado import web

from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import LINKS_RESOURCE, OdhTecHandler
from odhtec_jupyter.handlers.objects import ObjectsHandler
from odhtec_jupyter.handlers.streaming.download import disposition
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import DetailsChange, PresignRequest, RestoreRequest
from odhtec_jupyter.uris import S3Uri


class DetailsHandler(OdhTecHandler):
    """``/objects/metadata/:bucket/:key``"""

    audited = actions(PUT="object.change")

    @web.authenticated
    async def get(self, bucket: str, key: str) -> None:
        """Return headers, metadata and tags."""
        self.reply(await self.call_interactive(self.store.details, bucket, self.key(key)))

    @web.authenticated
    async def put(self, bucket: str, key: str) -> None:
        """Change what the body names."""
        change = self.body(DetailsChange)
        self.store.policy.require_write()  # before the object is read
        self.reply(await self.call(self.store.change_details, bucket, self.key(key), change))


class VersionsHandler(OdhTecHandler):
    """``/objects/versions/:bucket/:key``"""

    @web.authenticated
    async def get(self, bucket: str, key: str) -> None:
        """List one page of the versions of this key."""
        token = self.get_query_argument("continuationToken", None, strip=False)
        self.reply(await self.call_interactive(self.store.list_versions, bucket, self.key(key), token))


class RestoreHandler(OdhTecHandler):
    """``/objects/restore/:bucket/:key``"""

    audited = actions(POST="object.restore")

    @web.authenticated
    async def post(self, bucket: str, key: str) -> None:
        """Make an older version the newest; no version is removed."""
        version = self.body(RestoreRequest).version_id
        self.store.policy.require_write()  # before the versions are read
        self.reply(await self.call(self.store.restore_version, bucket, self.key(key), version))


class PresignHandler(ObjectsHandler):
    """``/objects/presign``; for GET the same address is a bucket called ``presign``."""

    audited = actions(POST="link.create")

    @property
    def auth_resources(self) -> tuple[str, ...]:
        """A link gives access to people without an account, so creating one requires its own resource."""
        more = (LINKS_RESOURCE,) if self.request.method == "POST" else ()
        return (*super().auth_resources, *more)

    @web.authenticated
    async def get(self) -> None:
        """List the bucket ``presign``."""
        await self.list_level("presign", "")

    @web.authenticated
    async def post(self) -> None:
        """Create a link to share."""
        request = self.body(PresignRequest)
        self.concerns(lambda: [S3Uri(request.bucket, request.key, self.connection_name)])
        seconds = request.expires_in
        if "expires_in" not in request.model_fields_set:
            seconds = min(seconds, self.services.settings.policy.presign_max_seconds)
        self.reply(
            await self.call(
                self.store.presign,
                request.bucket,
                fitting(request.key),
                request.method,
                seconds,
                disposition=disposition("attachment", request.key),
            )
        )
