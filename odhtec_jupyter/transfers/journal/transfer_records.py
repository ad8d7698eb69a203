"""The transfers in the journal: writing and loading them."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from odhtec_jupyter.models import Failure
from odhtec_jupyter.stores.source import parse_pin, pin_text
from odhtec_jupyter.transfers.journal.journal import Journal, upsert
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrites
from odhtec_jupyter.transfers.owner import Owner
from odhtec_jupyter.transfers.transfer import FINAL, Options, Transfer, Watcher
from odhtec_jupyter.transfers.transfer_file import DONE, TransferFile
from odhtec_jupyter.uris import parse_uri


class TransferRecords:
    """The rows of all transfers of this server in its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def save(self, transfer: Transfer) -> None:
        """Save the current state of a transfer without its files."""
        self._journal.put("transfers", _transfer_row(transfer))

    def save_with(self, transfer: Transfer, files: Iterable[TransferFile], gone: Iterable[TransferFile] = ()) -> None:
        """Save a transfer and ``files`` and delete ``gone`` in one transaction, so that the counts stay correct."""
        kept = [_row(transfer, file) for file in files]
        self._journal.write_atomically(
            upsert("transfers", _transfer_row(transfer)),
            ("DELETE FROM files WHERE transfer = ? AND number = ?", [(transfer.id, file.number) for file in gone]),
            *([upsert("files", *kept)] if kept else []),
        )

    def save_files(self, transfer: Transfer, *files: TransferFile) -> None:
        """Save the current state of files of a transfer."""
        self._journal.put("files", *(_row(transfer, file) for file in files))

    def delete_files(self, transfer: Transfer) -> None:
        """Delete the files of a transfer."""
        self._journal.write("DELETE FROM files WHERE transfer = ?", [(transfer.id,)])

    def delete(self, transfer: Transfer) -> None:
        """Delete a transfer and its files."""
        self._journal.write("DELETE FROM transfers WHERE id = ?", [(transfer.id,)])
        self.delete_files(transfer)

    def load(self, watcher: Watcher, unfinished: PendingWrites) -> list[Transfer]:
        """Return the transfers of an earlier server, oldest first; those that were running are queued."""
        files: defaultdict[str, list[sqlite3.Row]] = defaultdict(list)
        for row in self._journal.rows("files"):
            files[row["transfer"]].append(row)
        stored_bytes = {
            entry.owner: sum(part.size for part in entry.parts.values())
            for entry in unfinished.entries
            if entry.owner.kind == "transfer"
        }
        transfers: list[Transfer] = []
        for row in self._journal.rows("transfers"):
            with self._journal.leaving_out("transfers"):
                transfer = _transfer(row, watcher)
                _restore_files(transfer, files[transfer.id], stored_bytes)
                transfers.append(transfer)
        return sorted(transfers, key=lambda transfer: transfer.created_at)


def _restore_files(transfer: Transfer, rows: Iterable[sqlite3.Row], stored_bytes: Mapping[Owner, int]) -> None:
    for row in sorted(rows, key=lambda row: int(row["number"])):
        file = transfer.restore_file(
            row["path"],
            parse_uri(row["target"], "target"),
            row["size"],
            source=parse_uri(row["source"], "source") if row["source"] else None,
            pin=parse_pin(row["pin"]),
            what=row["what"],
        )
        file.number = int(row["number"])  # the numbers of a deletion have gaps
        file.state = row["state"]
        file.error = _failure(row)
        if file.state in {"queued", "running"} and transfer.state not in FINAL:
            file.state = "queued"
            # A file with "remove source" is completely copied; only its source is not deleted yet.
            stored = (file.size or 0) if file.what == "remove source" else stored_bytes.get(file.owner, 0)
            file.bytes_done = min(stored, file.size or 0)
        elif file.state in DONE:
            file.bytes_done = file.to_move
    transfer.count_again()


def _transfer_row(transfer: Transfer) -> tuple[Any, ...]:
    error = transfer.error
    return (
        transfer.id,
        transfer.action,
        str(transfer.source),
        str(transfer.target or ""),
        json.dumps(asdict(transfer.options)),
        transfer.state,
        transfer.planned,
        transfer.needs,
        transfer.bytes_done,
        transfer.bytes_total,
        transfer.files_done,
        transfer.files_total,
        transfer.files_failed,
        transfer.created_at.isoformat(),
        transfer.started_at and transfer.started_at.isoformat(),
        transfer.finished_at and transfer.finished_at.isoformat(),
        error and error.code,
        error and error.message,
    )


def _row(transfer: Transfer, file: TransferFile) -> tuple[Any, ...]:
    return (
        transfer.id,
        file.number,
        file.path,
        str(file.source),
        str(file.target),
        file.size,
        pin_text(file.pin),
        file.what,
        file.state,
        file.error and file.error.code,
        file.error and file.error.message,
    )


def _transfer(row: sqlite3.Row, watcher: Watcher) -> Transfer:
    known = {field.name for field in fields(Options)}
    options = {name: value for name, value in json.loads(row["options"]).items() if name in known}
    source, target = parse_uri(row["source"], "source"), row["target"] and parse_uri(row["target"], "target")
    transfer = Transfer(row["action"], source, target or None, Options(**options), watcher=watcher, known_id=row["id"])
    transfer.state = "queued" if row["state"] == "running" else row["state"]
    transfer.planned = bool(row["planned"])
    transfer.resumed = True
    transfer.needs = row["needs"]
    transfer.bytes_done, transfer.bytes_total = row["bytes_done"], row["bytes_total"]
    transfer.files_done, transfer.files_total = row["files_done"], row["files_total"]
    transfer.files_failed = row["files_failed"]
    transfer.created_at = datetime.fromisoformat(row["created_at"])
    transfer.started_at = row["started_at"] and datetime.fromisoformat(row["started_at"])
    transfer.finished_at = row["finished_at"] and datetime.fromisoformat(row["finished_at"])
    transfer.error = _failure(row)
    return transfer


def _failure(row: sqlite3.Row) -> Failure | None:
    return Failure(code=row["error_code"], message=row["error_message"]) if row["error_code"] else None
