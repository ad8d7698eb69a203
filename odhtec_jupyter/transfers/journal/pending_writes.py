"""The unfinished multipart uploads and partial files of this server.

Each is in the journal before it is started; otherwise a killed server would leave it behind forever. An entry is
removed when the object is visible or its parts are dropped.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from odhtec_jupyter.transfers.journal.journal import Journal, Row
from odhtec_jupyter.transfers.owner import STREAM, Owner
from odhtec_jupyter.uris import S3Uri, Uri, parse_uri


@dataclass(frozen=True)
class PartRecord:
    """A stored part. ``etag`` is empty if the parts of the target have none."""

    etag: str
    size: int


@dataclass(eq=False)
class PendingWrite:
    """A multipart upload or partial file.

    While ``upload_id`` of a multipart upload is None, S3 may or may not have created the upload.
    """

    id: str
    owner: Owner
    uri: Uri  # of the target
    endpoint: str  # of the store; empty for the workspace
    started_at: float  # seconds since 1970
    upload_id: str | None = None  # of S3
    token: str | None = None  # in the name of the partial file
    completing_at: float | None = None  # when Complete was last sent to S3, in seconds since 1970
    published_pin: str | None = None  # of the partial file, recorded before it is renamed
    parts: dict[int, PartRecord] = field(default_factory=dict)
    live: bool = False  # a task of this process is writing it

    def is_at(self, uri: Uri, endpoint: str) -> bool:
        """Return whether it writes there; several connections can reach the same object."""
        if isinstance(uri, S3Uri) and isinstance(self.uri, S3Uri):
            return (self.uri.bucket, self.uri.key, self.endpoint) == (uri.bucket, uri.key, endpoint)
        return self.uri == uri


class PendingWrites:
    """All pending writes of this server, in memory and in the journal. Use it in the event loop only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: dict[str, PendingWrite] = {}
        self._by_owner: dict[Owner, PendingWrite] = {}  # without streams, which can have several

    def load(self) -> None:
        """Load the pending writes of an earlier server."""
        for row in self._journal.rows("pending_writes"):
            with self._journal.leaving_out("pending_writes"):
                self._add(
                    PendingWrite(
                        id=row["id"],
                        owner=Owner.parse(row["owner"]),
                        uri=parse_uri(row["uri"], "uri"),
                        endpoint=row["endpoint"],
                        started_at=row["started_at"],
                        upload_id=row["upload_id"],
                        token=row["token"],
                        completing_at=row["completing_at"],
                        published_pin=row["published_pin"],
                    )
                )
        for row in self._journal.rows("parts"):
            if owning := self._entries.get(row["pending_write"]):
                owning.parts[row["number"]] = PartRecord(row["etag"], row["size"])

    def save_all(self) -> None:
        """Write all entries again, because the journal was lost."""
        for entry in self._entries.values():
            self._save(entry)
            self._journal.put("parts", *((entry.id, number, one.etag, one.size) for number, one in entry.parts.items()))

    @property
    def entries(self) -> list[PendingWrite]:
        """All entries, oldest first."""
        return sorted(self._entries.values(), key=lambda entry: entry.started_at)

    def of(self, owner: Owner) -> PendingWrite | None:
        """Return the entry of an owner, or None."""
        return self._by_owner.get(owner)

    def of_transfer(self, transfer_id: str) -> list[PendingWrite]:
        """Return the entries of a transfer's files."""
        owners = ((entry, entry.owner) for entry in self._entries.values())
        return [entry for entry, owner in owners if owner.kind == "transfer" and owner.id == transfer_id]

    async def begin(self, owner: Owner, uri: Uri, endpoint: str) -> PendingWrite:
        """Add an entry for a multipart upload that is about to start; returns when it is in the journal."""
        (entry,) = await self._begin([PendingWrite(secrets.token_hex(8), owner, uri, endpoint, time.time())])
        return entry

    async def begin_partials(self, files: Iterable[tuple[Owner, Uri]]) -> list[PendingWrite]:
        """Add entries for partial files that are about to be created; returns when they are in the journal."""
        now = time.time()
        return await self._begin(
            [
                PendingWrite(secrets.token_hex(8), owner, uri, "", now, token=f"{owner.id}-{owner.number}")
                for owner, uri in files
            ]
        )

    async def _begin(self, entries: list[PendingWrite]) -> list[PendingWrite]:
        for entry in entries:
            entry.live = True
            self._add(entry)
        self._save(*entries)
        try:
            await self._journal.written()
        except BaseException:
            for entry in entries:
                entry.live = False
            raise
        return entries

    async def set_upload_id(self, entry: PendingWrite, upload_id: str) -> None:
        """Set the upload id that S3 returned; returns when it is in the journal."""
        entry.upload_id = upload_id
        self._save(entry)
        await self._journal.written()

    def add_part(self, entry: PendingWrite, number: int, etag: str, size: int) -> None:
        """Add a stored part."""
        if entry.id not in self._entries:
            return
        entry.parts[number] = PartRecord(etag, size)
        self._journal.put("parts", (entry.id, number, etag, size))

    def set_parts(self, entry: PendingWrite, parts: dict[int, PartRecord]) -> None:
        """Set the parts that S3 lists; a later run recognizes the object by them."""
        if entry.id in self._entries and parts != entry.parts:
            self._journal.write("DELETE FROM parts WHERE pending_write = ?", [(entry.id,)])
            self._journal.put("parts", *((entry.id, number, part.etag, part.size) for number, part in parts.items()))
        entry.parts = parts

    async def completing(self, entry: PendingWrite) -> None:
        """Record that Complete is about to be sent to S3; returns when that is in the journal."""
        entry.completing_at = time.time()
        self._save(entry)
        await self._journal.written()

    def completion_refused(self, entry: PendingWrite) -> None:
        """Record that S3 refused to complete the upload, so its parts can be dropped at any time."""
        entry.completing_at = None
        self._save(entry)

    async def publishing(self, files: Iterable[tuple[PendingWrite, str]]) -> None:
        """Record that partial files with these pins are about to be renamed; returns when that is in the journal."""
        for entry, pin in files:
            entry.published_pin = pin
            self._save(entry)
        await self._journal.written()

    def orphan(self, entry: PendingWrite) -> None:
        """Record that the write will not be continued; it is dropped when that is possible."""
        self._forget_owner(entry)
        entry.owner, entry.live = STREAM, False
        self._save(entry)

    def visible(self, entry: PendingWrite) -> None:
        """Record that the object is complete. The entry of a transfer stays until :meth:`settled`.

        Otherwise, after a kill between the two, the next server would treat the object as a conflict.
        """
        entry.live = False
        if entry.owner.kind != "transfer":
            self.remove(entry)

    def settled(self, owner: Owner) -> None:
        """Remove the owner's entry after the journal has the file as completed."""
        if entry := self.of(owner):
            self.remove(entry)

    def remove(self, entry: PendingWrite) -> None:
        """Remove an entry, because its object is visible or its parts are gone."""
        entry.live = False
        self._forget_owner(entry)
        if self._entries.pop(entry.id, None):
            self._journal.write("DELETE FROM pending_writes WHERE id = ?", [(entry.id,)])
            self._journal.write("DELETE FROM parts WHERE pending_write = ?", [(entry.id,)])

    def _add(self, entry: PendingWrite) -> None:
        self._entries[entry.id] = entry
        if entry.owner != STREAM:
            self._by_owner[entry.owner] = entry

    def _forget_owner(self, entry: PendingWrite) -> None:
        if self._by_owner.get(entry.owner) is entry:
            del self._by_owner[entry.owner]

    def _save(self, *entries: PendingWrite) -> None:
        self._journal.put("pending_writes", *map(_row, entries))


def _row(entry: PendingWrite) -> Row:
    return (
        entry.id,
        str(entry.owner),
        str(entry.uri),
        entry.endpoint,
        entry.started_at,
        entry.upload_id,
        entry.token,
        entry.completing_at,
        entry.published_pin,
    )
