"""Deleting folders as a transfer: everything whose key starts with the prefix, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import KeyFailure, S3Object
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.s3_list_page import ListPage
from odhtec_jupyter.transfers.engine import Engine
from odhtec_jupyter.transfers.retry import StopSign
from odhtec_jupyter.transfers.state import Transfer
from odhtec_jupyter.uris import S3Uri, parse_uri

LISTED_FAILURES = 1000
SECOND = timedelta(seconds=1)  # some stores tell no smaller ones


async def delete_all(engine: Engine, store: S3Store, transfer: Transfer) -> None:
    """Delete exactly the transfer's keys and everything below its prefixes; what S3 refuses is listed per key.

    A deletion that goes on after a pause or a restart leaves alone what has been written since it was asked for.
    """
    uri = parse_uri(transfer.source, "source")
    assert isinstance(uri, S3Uri)
    stop = StopSign()
    transfer.forget_files()  # those that an earlier run could not delete: they are tried again
    total = transfer.files_done
    async with aclosing(_batches(engine, store, uri.bucket, transfer, stop)) as batches:
        async for batch in batches:
            transfer.files_total = total = total + len(batch)
            names = [item.Key for item in batch]

            def delete(names: list[str] = names) -> list[KeyFailure]:
                return store.delete(uri.bucket, names).errors

            errors = await engine.attempt(stop, delete)
            _report(transfer, uri.bucket, batch, errors)
    if transfer.files_failed:
        first = next(file.error for file in transfer.files if file.error)
        raise OdhTecError(
            f"{transfer.files_failed} objects could not be deleted: {first.message}",
            code=first.code,
            status=502,
        )


async def _batches(
    engine: Engine, store: S3Store, bucket: str, transfer: Transfer, stop: StopSign
) -> AsyncGenerator[list[S3Object], None]:
    keys = transfer.options.keys
    if transfer.resumed and keys:
        keys = await engine.attempt(stop, lambda: _not_newer(store, bucket, keys, transfer.created_at))
    if keys:
        yield [S3Object(Key=key, Size=0) for key in keys]
    for prefix in transfer.options.prefixes:
        token: str | None = ""
        while token is not None:

            def look(prefix: str = prefix, token: str = token) -> ListPage:
                return store.page(bucket, prefix, token)

            page = await engine.attempt(stop, look)
            token = page.next_token
            before = _on_their_clock(transfer.created_at, page.date) if transfer.resumed else None
            batch = [item for item in page.objects if not (before and item.LastModified and item.LastModified > before)]
            if batch:
                yield batch


def _not_newer(store: S3Store, bucket: str, keys: list[str], since: datetime) -> list[str]:
    """Those of the keys that were there when the deletion was asked for. Blocks."""
    before = _on_their_clock(since, store.page(bucket, keys[0]).date)
    heads = ((key, store.head(bucket, key)) for key in keys)
    return [key for key, head in heads if head and not (head.last_modified and head.last_modified > before)]


def _on_their_clock(when: datetime, their_now: datetime | None) -> datetime:
    """A time of ours by the store's clock."""
    now = datetime.now(UTC)
    return when + ((their_now or now) - now) + SECOND


def _report(transfer: Transfer, bucket: str, batch: list[S3Object], errors: list[KeyFailure]) -> None:
    transfer.files_done += len(batch) - len(errors)
    transfer.files_failed += len(errors)
    for error in errors[: LISTED_FAILURES - len(transfer.files)]:
        total = transfer.files_total
        file = transfer.add_file(error.Key, f"s3://{bucket}/{error.Key}", None)
        transfer.files_total, transfer.files_failed = total, transfer.files_failed - 1
        file.move("failed", OdhTecError(error.Message or error.Code, code=error.Code))
    transfer.add(0)
