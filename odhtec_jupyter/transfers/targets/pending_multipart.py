"""Multipart uploads whose completion is unknown: whether the object is visible, and aborting them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.uris import S3Uri

# After a Complete without a reply, S3 can still be completing; on Ceph RGW, an abort would then lose the object.
MAX_COMPLETION_SECONDS = 600.0
MAX_CLOCK_SKEW_SECONDS = 300.0  # between our clock and the store's


def joined_etag(etags: Sequence[str]) -> str | None:
    """Return the ETag of a multipart object, the MD5 of its parts' MD5s; None if the parts' ETags are not MD5s."""
    try:
        digests = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"'


async def drop_pending(engine: Engine, store: S3Store, entry: PendingWrite) -> bool:
    """Abort an incomplete multipart upload; return False if that is not possible yet. Does not raise errors of S3."""
    stop = CancelToken()  # a new one, because the transfer's is already set
    uri = _s3_uri(entry)
    known = other_uploads(engine, entry)

    def drop() -> bool:
        if entry.upload_id is None:
            if None in known:  # another one is being created at this moment
                return False
            drop_unnamed(store, uri, entry.started_at, known)
            return True
        if entry.completing_at is not None:
            if is_visible(store, entry):
                return True
            if time.time() - entry.completing_at < MAX_COMPLETION_SECONDS:
                return False
        store.abort_multipart(uri.bucket, uri.key, entry.upload_id)
        return True

    try:
        gone = await engine.attempt(stop, drop)
    except OdhTecError:
        gone = False
    if gone:
        engine.pending_writes.remove(entry)
    return gone


def require_total(store: S3Store, entry: PendingWrite, size: int = 0, number: int = 0) -> None:
    """Raise :class:`PolicyDenied` if the policy does not allow an object of the stored parts.

    ``size`` is that of a part that is not stored yet, or is stored again, with this ``number``.
    """
    if store.policy.max_object_bytes:
        others = sum(part.size for other, part in list(entry.parts.items()) if other != number)
        store.policy.require_size(others + size)


def other_uploads(engine: Engine, entry: PendingWrite) -> set[str | None]:
    """Return the ids of the other uploads to the same key; it contains None if one is being created.

    An upload whose id was lost with an earlier server is not included: two of them would wait for each other.
    """
    entries = engine.pending_writes.entries
    others = [other for other in entries if other.is_at(entry.uri, entry.endpoint) and other is not entry]
    return {other.upload_id for other in others if other.upload_id or other.live}


def drop_unnamed(store: S3Store, uri: S3Uri, since: float, known: Collection[str | None]) -> None:
    """Abort uploads to exactly this key that started after ``since`` (seconds since 1970) and have no parts.

    One of them is ours, if the server ended before S3's reply was in the journal. No part is sent before the id is in
    the journal, so an upload with parts belongs to another client.
    """
    for upload in store.list_multiparts(uri.bucket, uri.key):
        started = upload.initiated.timestamp()
        if upload.upload_id in known or started < since - MAX_CLOCK_SKEW_SECONDS:
            continue
        if not store.list_parts(uri.bucket, uri.key, upload.upload_id):
            store.abort_multipart(uri.bucket, uri.key, upload.upload_id)


def is_visible(store: S3Store, entry: PendingWrite) -> bool:
    """Return whether the object exists and consists of exactly our parts. Blocks."""
    uri = _s3_uri(entry)
    etag = joined_etag([entry.parts[number].etag for number in sorted(entry.parts)])
    try:
        head = store.head(uri.bucket, uri.key) if entry.parts else None
    except StoreError as error:
        if error.status != 403:
            raise
        return False  # without permission to list the bucket, S3 replies 403 for a missing key
    return head is not None and etag is not None and head.etag == etag


def _s3_uri(entry: PendingWrite) -> S3Uri:
    assert isinstance(entry.uri, S3Uri)
    return entry.uri
