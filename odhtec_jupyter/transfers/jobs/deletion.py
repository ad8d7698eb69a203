"""The deletion of keys and folders as a transfer: exactly the keys and everything whose key starts with a prefix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import KeyFailure
from odhtec_jupyter.stores.s3.store import DELETE_BATCH, S3Store
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.transfers.jobs.key_deletion import KeyDeletion, delete_keys
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.runtime.engine import Engine, Group, together
from odhtec_jupyter.transfers.runtime.lookups import look_up
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile, failure
from odhtec_jupyter.uris import S3Uri

PARALLEL_BATCHES = 4  # requests in parallel, each of which deletes up to 1000 keys
MAX_LISTED_FAILURES = 1000  # failed keys that stay files of the transfer; all failures are counted
CLOCK_RESOLUTION = timedelta(seconds=1)  # some stores report times in whole seconds


async def delete_all(engine: Engine, store: S3Store, transfer: Transfer) -> None:
    """Delete exactly the transfer's keys and everything below its prefixes; failures are listed by key.

    A deletion that continues after a pause or a restart keeps objects that were written after it was requested.

    The keys of a batch are in the journal before the request to S3. If the server ends before the reply, they are files
    of the transfer in the next run, which counts those that S3 no longer lists as deleted. While batches are being
    deleted, the next ones are listed.

    Raises :class:`OdhTecError` if some objects could not be deleted.
    """
    uri = transfer.source
    assert isinstance(uri, S3Uri)
    bucket, stop = uri.bucket, CancelToken()
    known = {file.path: file for file in transfer.files}  # without a reply, or failed: they are deleted again
    for file in transfer.files:
        file.state, file.error = "running", None
    transfer.files_failed = 0
    transfer.files_total = transfer.files_done + len(known)
    free = asyncio.Semaphore(PARALLEL_BATCHES)

    async def delete(keys: list[str]) -> None:
        new = [(key, uri.with_path(key)) for key in keys if key not in known]
        files = transfer.add_running_files(new)
        files += [known[key] for key in keys if key in known]
        await engine.journal.written()
        deletion = KeyDeletion(store, bucket, keys)
        try:
            await delete_keys(lambda work: engine.in_thread(stop, work), deletion)
        finally:  # also if the transfer is paused or cancelled at this moment
            left = set(deletion.left)
            _settle(transfer, bucket, [file for file in files if file.path not in left], deletion.failures)
            free.release()

    async def delete_listed(group: Group) -> None:
        async with aclosing(_batches(engine, store, bucket, transfer, stop)) as batches:
            async for keys in batches:
                await free.acquire()
                group.create_task(delete(keys))

    try:
        async with together() as group:
            group.create_task(delete_listed(group))
    except Exception:
        transfer.requeue_running_files()
        raise
    _settle(transfer, bucket, [file for file in transfer.files if file.error is None], [])
    if transfer.files_failed:
        first = next(file.error for file in transfer.files if file.error)
        raise OdhTecError(
            f"{transfer.files_failed} objects could not be deleted: {first.message}",
            code=first.code,
            status=502,
        )


async def _batches(
    engine: Engine, store: S3Store, bucket: str, transfer: Transfer, stop: CancelToken
) -> AsyncGenerator[list[str], None]:
    """Yield the keys to delete, each of them once, because several batches are deleted at the same time."""
    selection = Selection(bucket, transfer.options.keys, transfer.options.prefixes)
    for start in range(0, len(selection.keys), DELETE_BATCH):
        keys = selection.keys[start : start + DELETE_BATCH]
        if transfer.resumed:
            keys = await engine.attempt(stop, partial(_not_newer, store, bucket, keys, transfer.created_at, stop))
        if keys:
            yield keys
    for prefix in selection.prefixes:
        token: str | None = ""
        while token is not None:

            def list_page(prefix: str = prefix, token: str = token) -> ListPage:
                return store.page(bucket, prefix, token)

            page = await engine.attempt(stop, list_page)
            token = page.next_token
            if transfer.resumed:
                before = _on_their_clock(transfer.created_at, page.date)
                keys = [item.Key for item in page.objects if not (item.LastModified and item.LastModified > before)]
            else:
                keys = page.keys
            if keys:
                yield keys


def _not_newer(store: S3Store, bucket: str, keys: list[str], since: datetime, stop: CancelToken) -> list[str]:
    """Return the keys that existed when the deletion was requested. Blocks."""
    before = _on_their_clock(since, store.page(bucket, keys[0]).date)
    heads = zip(keys, look_up(lambda key: store.head(bucket, key), keys, stop.is_set), strict=True)
    return [key for key, head in heads if head and not (head.last_modified and head.last_modified > before)]


def _on_their_clock(when: datetime, their_now: datetime | None) -> datetime:
    """Convert our time to the store's clock."""
    now = datetime.now(UTC)
    return when + ((their_now or now) - now) + CLOCK_RESOLUTION


def _settle(transfer: Transfer, bucket: str, files: Iterable[TransferFile], errors: list[KeyFailure]) -> None:
    """Count the results of a batch; a limited number of failures stays among the transfer's files."""
    refused = {error.Key: error for error in errors}
    listed = sum(file.error is not None for file in transfer.files)
    gone: list[TransferFile] = []
    failed: list[TransferFile] = []
    for file in files:
        error = refused.pop(file.path, None)
        transfer.files_done += error is None
        if error is None or listed + len(failed) >= MAX_LISTED_FAILURES:
            gone.append(file)
        else:
            _refuse(file, error)
            failed.append(file)
    for key, error in refused.items():  # some stores return a key in another form than requested
        if listed + len(failed) < MAX_LISTED_FAILURES:
            failed.append(transfer.restore_file(key, transfer.source.with_path(key), None))
            _refuse(failed[-1], error)
    transfer.files_failed += len(errors)
    transfer.settle_files(gone, failed)


def _refuse(file: TransferFile, error: KeyFailure) -> None:
    file.state = "failed"
    file.error = failure(OdhTecError(error.Message or error.Code, code=error.Code))
