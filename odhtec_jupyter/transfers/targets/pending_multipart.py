"""A multipart upload that was not completed: whether its object is visible after all, and how it is aborted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.uris import S3Uri, parse_uri

# A Complete that was never answered may still be at work in the store; aborting beside it loses the object on RGW.
MAX_COMPLETION_SECONDS = 600.0  # seconds
MAX_CLOCK_SKEW_SECONDS = 300.0  # seconds between ours and the store's


def joined_etag(etags: Sequence[str]) -> str | None:
    """What S3 makes of the parts' ETags: the MD5 of their MD5s; None where a store's parts are named otherwise."""
    try:
        digests = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"'


async def drop_pending(engine: Engine, store: S3Store, entry: PendingWrite) -> bool:
    """Leave nothing of an unfinished multipart upload; False when that has to wait. Does not raise errors of S3."""
    stop = CancelToken()  # of its own: the transfer's is set by now
    uri = parse_uri(entry.place, "place")
    assert isinstance(uri, S3Uri)
    known = other_uploads(engine, entry)

    def drop() -> bool:
        if entry.upload_id is None:
            if None in known:  # one of them is being begun at this moment
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


def other_uploads(engine: Engine, entry: PendingWrite) -> set[str | None]:
    """The ids of the other uploads to the same place; None among them is one that is just being begun.

    One whose name was lost with an earlier server is not: two of them would wait for each other.
    """
    others = [other for other in engine.pending_writes.entries if other.place == entry.place and other is not entry]
    return {other.upload_id for other in others if other.upload_id or other.live}


def drop_unnamed(store: S3Store, uri: S3Uri, since: float, known: Collection[str | None]) -> None:
    """The server ended before S3's answer was in the journal: ours is one on this very key, since then, without parts.

    No part is sent before the id is in the journal, so one that has parts is somebody else's.
    """
    for upload in store.list_multiparts(uri.bucket, uri.key):
        begun = upload.initiated.timestamp()
        if upload.upload_id in known or begun < since - MAX_CLOCK_SKEW_SECONDS:
            continue
        if not store.list_parts(uri.bucket, uri.key, upload.upload_id):
            store.abort_multipart(uri.bucket, uri.key, upload.upload_id)


def is_visible(store: S3Store, entry: PendingWrite) -> bool:
    """Whether the object is there and made of exactly our parts. Blocks."""
    uri = parse_uri(entry.place, "place")
    assert isinstance(uri, S3Uri)
    etag = joined_etag([entry.parts[number].etag for number in sorted(entry.parts)])
    try:
        head = store.head(uri.bucket, uri.key) if entry.parts else None
    except StoreError as error:
        if error.status != 403:
            raise
        return False  # S3 hides from who may not list that there is nothing
    return head is not None and etag is not None and head.etag == etag
