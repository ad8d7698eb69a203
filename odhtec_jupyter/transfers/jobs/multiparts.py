"""The incomplete multipart uploads of a bucket: which of them this server uses, and aborting the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from odhtec_jupyter.errors import Conflict, OdhTecError
from odhtec_jupyter.models import DeleteReply, KeyFailure, MultipartList, NamedUpload
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.pending_multipart import MAX_COMPLETION_SECONDS, drop_pending


class Multiparts:
    """The incomplete multipart uploads of one bucket. Use it in the event loop only."""

    def __init__(
        self, engine: Engine, store: S3Store, bucket: str, is_leftover: Callable[[PendingWrite], bool]
    ) -> None:
        """``is_leftover`` returns whether a pending write will not be continued."""
        self._engine = engine
        self._store = store
        self._bucket = bucket
        self._is_leftover = is_leftover

    def mark(self, page: MultipartList) -> MultipartList:
        """Mark the uploads of a page that are in use, and return the page."""
        for upload in page.uploads:
            upload.in_use = self._is_in_use(upload.Key, upload.UploadId)
        return page

    async def abort(self, uploads: Sequence[NamedUpload]) -> DeleteReply:
        """Abort exactly these uploads; an upload in use is kept and reported as an error."""
        reply = DeleteReply(deleted=[], errors=[])
        for upload in uploads:
            try:
                await self._abort(upload.Key, upload.UploadId)
                reply.deleted.append(upload.Key)
            except OdhTecError as error:
                reply.errors.append(KeyFailure(Key=upload.Key, Code=error.code, Message=str(error)))
        return reply

    async def _abort(self, key: str, upload_id: str) -> None:
        if self._is_in_use(key, upload_id):
            raise Conflict(
                f"The upload of {key} is in use by this server. Cancel its transfer or discard the upload.",
                code="InUse",
            )
        entry = next((entry for entry in self._entries(key) if entry.upload_id == upload_id), None)
        if entry is not None and await drop_pending(self._engine, self._store, entry):
            return
        await self._engine.in_thread(CancelToken(), self._store.abort_unfinished, self._bucket, key, upload_id)

    def _is_in_use(self, key: str, upload_id: str) -> bool:
        for entry in self._entries(key):
            # An entry without an upload id can be any upload to this key.
            if entry.upload_id in {upload_id, None} and not self._is_leftover(entry):
                return True
            # S3 can be completing it at this moment; on Ceph RGW, an abort would then lose the object.
            completing = entry.completing_at is not None and time.time() - entry.completing_at < MAX_COMPLETION_SECONDS
            if entry.upload_id == upload_id and completing:
                return True
        return False

    def _entries(self, key: str) -> list[PendingWrite]:
        uri = self._store.uri(self._bucket, key)
        return [entry for entry in self._engine.pending_writes.entries if entry.is_at(uri, self._store.host)]
