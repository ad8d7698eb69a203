"""The deletion of keys and folders as a transfer: exactly the keys and everything whose key starts with a prefix."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from odhtec_jupyter.errors import OdhTecError, Unreachable
from odhtec_jupyter.models import KeyFailure, S3Object
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.retry import CancelToken
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.transfers.transfer_file import TransferFile, failure
from odhtec_jupyter.uris import S3Uri

MAX_LISTED_FAILURES = 1000  # failed keys that stay files of the transfer; all failures are counted
CLOCK_RESOLUTION = timedelta(seconds=1)  # some stores report times in whole seconds


async def delete_all(engine: Engine, store: S3Store, transfer: Transfer) -> None:
    """Delete exactly the transfer's keys and everything below its prefixes; failures are listed by key.

    A deletion that continues after a pause or a restart keeps objects that were written after it was requested.

    The keys of a batch are in the journal before the request to S3. If the server ends before the reply, they are files
    of the transfer in the next run, which counts those that S3 no longer lists as deleted.

    Raises :class:`OdhTecError` if some objects could not be deleted.
    """
    uri = transfer.source
    assert isinstance(uri, S3Uri)
    stop = CancelToken()
    known = {file.path: file for file in transfer.files}  # without a reply, or failed: they are deleted again
    for file in transfer.files:
        file.state, file.error = "running", None
    transfer.files_failed = 0
    transfer.files_total = transfer.files_done + len(known)
    async with aclosing(_batches(engine, store, uri.bucket, transfer, stop)) as batches:
        async for batch in batches:
            names = [item.Key for item in batch]
            new = [(name, S3Uri(uri.bucket, name)) for name in names if name not in known]
            files = transfer.add_running_files(new)
            files += [known[name] for name in names if name in known]
            await engine.journal.written()
            answers: list[list[KeyFailure]] = []

            def delete(names: list[str] = names, answers: list[list[KeyFailure]] = answers) -> None:
                answers[:] = [store.delete(uri.bucket, names).errors]
                # If the keys are deleted one by one and the connection is lost, the whole batch is deleted again.
                if lost := next((error for error in answers[0] if error.Code == Unreachable.code), None):
                    raise Unreachable(lost.Message or lost.Code)

            try:
                await engine.attempt(stop, delete)
            finally:
                if answers:  # also if the transfer is paused or cancelled at this moment
                    _settle(transfer, uri.bucket, files, answers[0])
    _settle(transfer, uri.bucket, [file for file in transfer.files if file.error is None], [])
    if transfer.files_failed:
        first = next(file.error for file in transfer.files if file.error)
        raise OdhTecError(
            f"{transfer.files_failed} objects could not be deleted: {first.message}",
            code=first.code,
            status=502,
        )


async def _batches(
    engine: Engine, store: S3Store, bucket: str, transfer: Transfer, stop: CancelToken
) -> AsyncGenerator[list[S3Object], None]:
    keys = transfer.options.keys
    if transfer.resumed and keys:
        keys = await engine.attempt(stop, lambda: _not_newer(store, bucket, keys, transfer.created_at))
    if keys:
        yield [S3Object(Key=key, Size=0) for key in keys]
    for prefix in transfer.options.prefixes:
        token: str | None = ""
        while token is not None:

            def list_page(prefix: str = prefix, token: str = token) -> ListPage:
                return store.page(bucket, prefix, token)

            page = await engine.attempt(stop, list_page)
            token = page.next_token
            before = _on_their_clock(transfer.created_at, page.date) if transfer.resumed else None
            batch = [item for item in page.objects if not (before and item.LastModified and item.LastModified > before)]
            if batch:
                yield batch


def _not_newer(store: S3Store, bucket: str, keys: list[str], since: datetime) -> list[str]:
    """Return the keys that existed when the deletion was requested. Blocks."""
    before = _on_their_clock(since, store.page(bucket, keys[0]).date)
    heads = ((key, store.head(bucket, key)) for key in keys)
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
            failed.append(transfer.restore_file(key, S3Uri(bucket, key), None))
            _refuse(failed[-1], error)
    transfer.files_failed += len(errors)
    transfer.settle_files(gone, failed)


def _refuse(file: TransferFile, error: KeyFailure) -> None:
    file.state = "failed"
    file.error = failure(OdhTecError(error.Message or error.Code, code=error.Code))
