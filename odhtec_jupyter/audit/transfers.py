"""The events of a transfer, which can start in one server and end in another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from odhtec_jupyter.audit.event import MAX_URIS, AuditEvent, Result
from odhtec_jupyter.audit.log import AuditLog
from odhtec_jupyter.transfers.manager import TransferManager
from odhtec_jupyter.transfers.transfer import Transfer
from odhtec_jupyter.uris import DEFAULT_CONNECTION, S3Uri, Uri

_RESULTS: dict[str, Result] = {"completed": "success", "failed": "failed", "cancelled": "cancelled"}


def record_transfers(audit: AuditLog, transfers: TransferManager) -> None:
    """Emit an event for each start and each end of a transfer."""
    transfers.on_audit = lambda what, transfer: audit.emit(lambda: transfer_event(what, transfer))


def transfer_event(what: Literal["start", "finish"], transfer: Transfer) -> AuditEvent:
    """Return the event of a transfer that has started or ended."""
    ended = what == "finish"
    result = _RESULTS[transfer.state] if ended else "success"
    if ended and result == "success" and transfer.files_failed:
        result = "failed"
    return AuditEvent(
        user=transfer.options.user,
        action="transfer.finish" if ended else "transfer.start",
        result=result,
        uris=list(islice(locations(transfer), MAX_URIS)),
        uri_count=location_count(transfer),
        connection=connection_of(transfer),
        code=transfer.error.code if ended and transfer.error else None,
        bytes=transfer.bytes_done if ended else None,
        transfer_id=transfer.id,
        transfer_action=transfer.action,
        files_done=transfer.files_done if ended else None,
        files_failed=transfer.files_failed if ended else None,
    )


def locations(transfer: Transfer) -> Iterator[Uri]:
    """Yield the locations that the request of a transfer names: its target, and what it reads or deletes."""
    source, options = transfer.source, transfer.options
    if transfer.target is not None:
        yield transfer.target
    if transfer.action == "delete":
        yield from (source.with_path(path) for path in (*options.keys, *options.prefixes))
    elif options.names is not None:
        yield from (source.below(name) for name in options.names)
    else:
        yield source


def location_count(transfer: Transfer) -> int:
    """Return how many locations there are."""
    options = transfer.options
    if transfer.action == "delete":
        named = len(options.keys) + len(options.prefixes)
    else:
        named = 1 if options.names is None else len(options.names)
    return named + (transfer.target is not None)


def connection_of(transfer: Transfer) -> str | None:
    """Return the name of the connection that is written to, or that of the source; None without S3."""
    for uri in (transfer.target, transfer.source):
        if isinstance(uri, S3Uri):
            return uri.connection or DEFAULT_CONNECTION
    return None
