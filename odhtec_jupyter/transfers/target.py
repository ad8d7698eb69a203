"""Where an object goes, and the steps of writing it that every transfer shares.

Whoever writes in parts begins with :func:`begin_multipart` and ends with :func:`complete` or :func:`drop_multipart`,
whatever comes between; :func:`confirm` compares at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from odhtec_jupyter.errors import Conflict, OdhTecError, StoreError, Unreachable, VerificationError
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.transfers.engine import Engine, finishing
from odhtec_jupyter.transfers.parts import MIB
from odhtec_jupyter.transfers.retry import StopSign, check

BLOCK = MIB  # bytes between two looks at the stop sign


@dataclass(frozen=True)
class Target:
    """Where an object goes and what is kept beside it."""

    store: S3Store
    bucket: str
    key: str
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    if_absent: bool = False  # S3 itself refuses when the key has come into being meanwhile

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def blocks(view: memoryview, stop: StopSign) -> Iterator[memoryview]:
    """A buffer in pieces, so that a cancelled upload ends between two of them."""
    for start in range(0, len(view), BLOCK):
        check(stop)
        yield view[start : start + BLOCK]


async def begin_multipart(engine: Engine, target: Target, stop: StopSign) -> str:
    """Begin a multipart upload; its id. One that S3 made while we were being cancelled is dropped again."""
    made: list[str] = []

    def create() -> None:
        store = target.store
        made.append(
            store.create_multipart(
                target.bucket, target.key, content_type=target.content_type, metadata=target.metadata
            )
        )

    try:
        await engine.attempt(stop, create)
    except BaseException:
        for upload_id in made:
            await finishing(drop_multipart(engine, target, upload_id))
        raise
    return made[0]


async def complete(engine: Engine, target: Target, upload_id: str, etags: Sequence[str], stop: StopSign) -> str | None:
    """Put the parts together; the ETag. Raises :class:`Conflict` when the key has come into being meanwhile."""
    store = target.store

    def look() -> None:
        # Ceph RGW ignores If-None-Match on Complete.
        if target.if_absent and store.head(target.bucket, target.key) is not None:
            raise Conflict(f"{target.key} exists in {target.bucket}: it was written meanwhile.")

    def put_together() -> str | None:
        try:
            return store.complete_multipart(target.bucket, target.key, upload_id, etags, if_absent=target.if_absent)
        except StoreError as error:
            return stored_before(target, joined_etag(etags), error)

    await engine.attempt(stop, look)
    try:
        return await engine.attempt(stop, put_together)
    except Unreachable as error:
        raise CompletionUnknown(str(error), code=error.code) from error


class CompletionUnknown(Unreachable):
    """S3 was asked to complete an upload and gave no answer: it may still do it, so nothing may be aborted."""


def joined_etag(etags: Sequence[str]) -> str | None:
    """What S3 makes of the parts' ETags: the MD5 of their MD5s; None where a store's parts are named otherwise."""
    try:
        digests = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"'


def stored_before(target: Target, etag: str | None, error: StoreError) -> str:
    """The ETag when S3 refuses because an earlier try did its work and only its reply was lost; else the error."""
    if error.code not in {"PreconditionFailed", "NoSuchUpload", "ConditionalRequestConflict"}:
        raise error
    head = target.store.head(target.bucket, target.key)
    if head is None or etag is None or head.etag != etag:
        raise error
    return etag


def put_whole(target: Target, view: memoryview, stop: StopSign, md5: bytes | None = None) -> str:
    """Store an object with one PUT; the ETag. Blocks."""
    try:
        return target.store.put(
            target.bucket,
            target.key,
            blocks(view, stop),
            len(view),
            content_type=target.content_type,
            metadata=target.metadata,
            if_absent=target.if_absent,
            md5=md5,
        )
    except StoreError as error:
        return stored_before(target, f'"{hashlib.md5(view, usedforsecurity=False).hexdigest()}"', error)


async def drop_multipart(engine: Engine, target: Target, upload_id: str) -> None:
    """Abort an unfinished upload, as well as it can be done; what was there before stays."""
    # A stop sign of its own: the transfer's is set by now.
    with contextlib.suppress(OdhTecError):
        await engine.attempt(StopSign(), lambda: target.store.abort_multipart(target.bucket, target.key, upload_id))


async def confirm(engine: Engine, target: Target, etag: str | None, size: int, stop: StopSign) -> str | None:
    """Compare the stored size with ``size``; the ETag, which some stores tell only here.

    An object that is wrong and ours is deleted before the error.
    """
    store = target.store
    try:
        head = await engine.attempt(stop, lambda: store.head(target.bucket, target.key))
    except StoreError as error:
        if error.status != 403:
            raise
        return etag  # may write without being allowed to look
    if head is not None and head.size == size:
        return etag or head.etag
    if head is not None and etag and head.etag == etag:
        await engine.attempt(stop, lambda: store.delete(target.bucket, [target.key]))
    found = "nothing" if head is None else f"{head.size} bytes"
    raise VerificationError(f"{target.uri} holds {found} after {size} bytes were stored.")
