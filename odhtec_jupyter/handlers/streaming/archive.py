"""``/archive``: folders and selected objects as one ZIP, created while it is sent."""

from __future__ import annotations

import asyncio
import mmap
from contextlib import closing

from tornado import iostream, web

from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.handlers.audited import actions
from odhtec_jupyter.handlers.base import OdhTecHandler
from odhtec_jupyter.handlers.streaming.client_socket import abort_connection
from odhtec_jupyter.handlers.streaming.download import disposition
from odhtec_jupyter.handlers.tornado_internals import skip_transforms
from odhtec_jupyter.services import Services
from odhtec_jupyter.transfers.downloads.read_ahead import ReadAhead
from odhtec_jupyter.transfers.downloads.zip_stream import ZipStream
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.uris import S3Uri

BUFFER_BYTES = 1024 * 1024


class ArchiveHandler(OdhTecHandler):
    """``/archive/:bucket``"""

    audited = actions(GET="archive.read")
    sends_content = True
    _sent = 0  # bytes

    def initialize(self, services: Services) -> None:
        """Create the stop signal for the thread that reads."""
        super().initialize(services)
        self._stop = CancelToken()

    @web.authenticated
    async def get(self, bucket: str) -> None:
        """Send a ZIP of the keys and of everything below the prefixes."""
        selection, base = self._wanted(bucket)
        named = [*selection.keys, *selection.prefixes]
        self.concerns(lambda: (S3Uri(bucket, one, self.connection_name) for one in named), lambda: len(named))
        services = self.services
        with closing(ReadAhead(services.engine.budget)) as memory:  # also if the selection is refused
            archive = ZipStream(self.store, selection, base, self._stop, memory, services.engine.bandwidth.flow())
            services.open_streams.add(self._abort)
            try:
                await self._send(archive, selection)
            except iostream.StreamClosedError as error:
                self.failure = error  # the client has disconnected
            except asyncio.CancelledError:
                if not self._stop.is_set():
                    raise
            finally:
                services.open_streams.discard(self._abort)
                archive.close()

    def _wanted(self, bucket: str) -> tuple[Selection, str | None]:
        keys = [self.key(segment) for segment in self.get_query_arguments("key")]
        prefixes = [self.key(segment) if segment else "" for segment in self.get_query_arguments("prefix")]
        if not keys and not prefixes:
            raise BadRequest("key or prefix is required: name what to archive.")
        segment = self.get_query_argument("base", None)
        base = self.key(segment) if segment else segment
        if base and not base.endswith("/"):
            raise BadRequest("base must end in a slash.")
        return Selection(bucket, keys, prefixes), base

    async def _send(self, archive: ZipStream, selection: Selection) -> None:
        engine = self.services.engine
        buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
        # An error before the first bytes can still be sent as a reply.
        count = await engine.in_thread(self._stop, archive.readinto, buffer)
        self._describe(selection, archive.base, count if archive.ended else None)
        await self.flush()
        while count:
            await self.request.connection.write(buffer[:count])  # type: ignore[union-attr, arg-type]
            self._sent += count
            self.services.note_activity()
            if archive.ended:
                break
            try:
                count = await engine.in_thread(self._stop, archive.readinto, buffer)
            except Exception as error:
                self._break_off(selection, error)
                return
        if archive.missing:
            key, reason = next(iter(archive.missing.items()))
            self.log.warning(
                "An archive of s3://%s is incomplete. Missing objects: %d. The first one is %r: %s",
                *(selection.bucket, archive.missing_count, key, reason),
            )
        self.finish(set_content_type="application/zip")

    def _describe(self, selection: Selection, base: str, size: int | None) -> None:
        skip_transforms(self)
        only = selection.prefixes[0] if len(selection.prefixes) == 1 and not selection.keys else ""
        name = (only or base).rstrip("/") or selection.bucket
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", disposition("attachment", f"{name}.zip"))
        self.set_header("Cache-Control", "private, no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        if size is not None:
            self.set_header("Content-Length", size)

    def _break_off(self, selection: Selection, error: Exception) -> None:
        """Close the connection: after a regular end, the client would take the archive for a complete one."""
        self.failure = error
        known = isinstance(error, OdhTecError)
        self.log.warning("An archive of s3://%s ended early: %s", selection.bucket, error, exc_info=not known)
        self._close_connection()

    def _close_connection(self) -> None:
        self._stop.set()
        abort_connection(self.request)

    async def _abort(self) -> None:
        """Close the connection because the server stops."""
        self._close_connection()

    def on_connection_close(self) -> None:
        """Stop reading because the client has disconnected."""
        super().on_connection_close()
        self._stop.set()

    @property
    def audit_bytes(self) -> int:
        """The bytes of the archive that were sent."""
        return self._sent

    def compute_etag(self) -> None:
        """Disable Tornado's ETag, because the content is not known in advance."""
