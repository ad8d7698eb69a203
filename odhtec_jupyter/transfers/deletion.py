"""Deleting folders as a transfer: everything whose key starts with the prefix, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import KeyFailure, S3Object
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.retry import StopSign
from odhtec_jupyter.transfers.state import Transfer

LISTED_FAILURES = 1000


def start_deletion(
    manager: TransferManager, store: S3Store, bucket: str, *, keys: Sequence[str], prefixes: Sequence[str]
) -> Transfer:
    """Delete exactly ``keys`` and everything below ``prefixes``; what S3 refuses is listed per key."""
    where = prefixes[0] if len(prefixes) == 1 and not keys else ""
    transfer = manager.new("delete", f"s3://{bucket}/{where}", "")
    transfer.files_total = 0

    async def run(_: Transfer) -> None:
        stop = StopSign()
        batches = _batches(store, bucket, keys, prefixes)
        while batch := await manager.engine.in_thread(stop, next, batches, None):
            transfer.files_total = (transfer.files_total or 0) + len(batch)
            names = [item.Key for item in batch]

            def delete(names: list[str] = names) -> list[KeyFailure]:
                return store.delete(bucket, names).errors

            errors = await manager.engine.attempt(stop, delete)
            _report(transfer, bucket, batch, errors)
        if transfer.files_failed:
            first = next(file.error for file in transfer.files if file.error)
            raise OdhTecError(
                f"{transfer.files_failed} objects could not be deleted: {first.message}",
                code=first.code,
                status=502,
            )

    return manager.start(transfer, run)


def _batches(store: S3Store, bucket: str, keys: Sequence[str], prefixes: Sequence[str]) -> Iterator[list[S3Object]]:
    if keys:
        yield [S3Object(Key=key, Size=0) for key in keys]
    for prefix in prefixes:
        for page in store.walk(bucket, prefix):
            if page:
                yield page


def _report(transfer: Transfer, bucket: str, batch: list[S3Object], errors: list[KeyFailure]) -> None:
    transfer.files_done += len(batch) - len(errors)
    transfer.files_failed += len(errors)
    for error in errors[: LISTED_FAILURES - len(transfer.files)]:
        total = transfer.files_total
        file = transfer.add_file(error.Key, f"s3://{bucket}/{error.Key}", None)
        transfer.files_total, transfer.files_failed = total, transfer.files_failed - 1
        file.move("failed", OdhTecError(error.Message or error.Code, code=error.Code))
    transfer.add(0)
