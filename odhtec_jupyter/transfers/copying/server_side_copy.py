"""S3 → S3 within one service: the store copies, and no byte passes through this server.

One CopyObject for what S3 copies in one call without a client giving up, ranges of a multipart upload above.
"""

from __future__ import annotations

from collections.abc import Callable

from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.transfers.owner import Owner
from odhtec_jupyter.transfers.runtime.engine import Engine, together
from odhtec_jupyter.transfers.runtime.parts import MIB, Part, part_size, plan
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.targets.s3_target import Multipart, S3Target
from odhtec_jupyter.transfers.targets.target import assembling
from odhtec_jupyter.uris import S3Uri

MAX_SINGLE_COPY_BYTES = 512 * MIB  # S3 accepts 5 GiB, but such a copy has no progress and cannot be stopped
COPY_PART_BYTES = 256 * MIB
MAX_PARALLEL_COPIES = 4


def is_one_request(size: int) -> bool:
    """Return whether an object of this size is copied by one request, in which S3 keeps all that it stores with it."""
    return size <= MAX_SINGLE_COPY_BYTES


async def copy_in_store(
    engine: Engine,
    source: S3Uri,
    size: int,
    pin: str,
    target: S3Target,
    *,
    on_bytes: Callable[[int], None],
    owner: Owner,
) -> bool:
    """Let the store copy, pinned to the source's ETag. Return False if it cannot.

    The size is compared unless Amazon has copied in one call, or the copy has the ETag of the source.

    Raises an :class:`OdhTecError`; then nothing new is visible. What has arrived is kept as by ``copy_file``.
    """
    stop = CancelToken()
    is_single = is_one_request(size)
    try:
        etag = (
            await _at_once(engine, source, size, pin, target, stop, on_bytes)
            if is_single
            else await _in_parts(engine, source, size, pin, target, stop, on_bytes, owner)
        )
    except StoreError as error:
        if error.status in {405, 501}:
            return False
        raise
    # Amazon copies all bytes of what its condition on the source allows, or none; a reply without ETag is not its own.
    if not (is_single and ((target.store.is_amazon and etag) or etag == pin)):
        await target.confirm(engine, etag, size, stop)
    return True


async def _at_once(
    engine: Engine,
    source: S3Uri,
    size: int,
    pin: str,
    target: S3Target,
    stop: CancelToken,
    on_bytes: Callable[[int], None],
) -> str | None:
    store = target.store

    def copy() -> str | None:
        return store.copy(
            target.bucket, target.key, source.bucket, source.key, etag=pin, size=size, if_absent=target.if_absent
        )

    etag = await engine.attempt(stop, copy)
    on_bytes(size)
    return etag


async def _in_parts(
    engine: Engine,
    source: S3Uri,
    size: int,
    pin: str,
    target: S3Target,
    stop: CancelToken,
    on_bytes: Callable[[int], None],
    owner: Owner,
) -> str | None:
    multipart = await target.begin(engine, stop, owner)
    async with assembling(multipart, owner):
        parts = list(plan(size, max(COPY_PART_BYTES, part_size(size))))
        todo = []
        for part in parts:
            kept = multipart.entry.parts.get(part.number)
            if kept and kept.size == part.size:
                on_bytes(part.size)
            else:
                todo.append(part)
        if not multipart.finished:
            await _move(engine, source, pin, multipart, todo, stop, on_bytes)
        return await multipart.complete(len(parts), stop)


async def _move(
    engine: Engine,
    source: S3Uri,
    pin: str,
    multipart: Multipart,
    todo: list[Part],
    stop: CancelToken,
    on_bytes: Callable[[int], None],
) -> None:
    target, waiting = multipart.target, iter(todo)

    async def work() -> None:
        for part in waiting:

            def copy(part: Part = part) -> str:
                return target.store.copy_part(
                    target.bucket,
                    target.key,
                    multipart.upload_id,
                    part.number,
                    source.bucket,
                    source.key,
                    start=part.start,
                    end=part.end,
                    etag=pin,
                )

            multipart.keep(part.number, await engine.attempt(stop, copy), part.size)
            on_bytes(part.size)

    async with together() as group:
        for _ in range(min(MAX_PARALLEL_COPIES, len(todo))):
            group.create_task(work())
