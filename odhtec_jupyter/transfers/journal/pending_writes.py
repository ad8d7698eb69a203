"""What this server has begun to put together and not finished: multipart uploads and partial files.

Nothing may be begun that is not in the journal before, or a killed server would leave it behind for ever. An entry
ends when the object is visible or its parts are dropped.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from odhtec_jupyter.transfers.journal.journal import Journal


@dataclass(frozen=True)
class Kept:
    """A part that has arrived. ``etag`` is empty where the parts of a target have none."""

    etag: str
    size: int


@dataclass(eq=False)
class PendingWrite:
    """One of them. ``upload_id`` is None while S3 has not told it: there may be an upload or not."""

    id: str
    owner: str  # "transfer/<id>/<number of the file>", "upload/<id>" or "stream"
    place: str  # URI
    endpoint: str  # of the store; empty for the workspace
    upload_id: str | None
    started_at: float  # seconds since 1970
    completing_at: float | None = None  # when S3 was asked last to put the parts together
    parts: dict[int, Kept] = field(default_factory=dict)
    live: bool = False  # somebody in this process is at it


class PendingWrites:
    """All of this server's, in memory and in the journal. Belongs to the event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: dict[str, PendingWrite] = {}

    def load(self) -> None:
        """Take what an earlier server left."""
        for row in self._journal.rows("unfinished"):
            entry = PendingWrite(*row)
            self._entries[entry.id] = entry
        for unfinished, number, etag, size in self._journal.rows("parts"):
            if unfinished in self._entries:
                self._entries[unfinished].parts[number] = Kept(etag, size)

    def save_all(self) -> None:
        """Write all down again: the journal has lost them."""
        for entry in self._entries.values():
            self._save(entry)
            self._journal.put("parts", *((entry.id, number, one.etag, one.size) for number, one in entry.parts.items()))

    @property
    def entries(self) -> list[PendingWrite]:
        """All, oldest first."""
        return sorted(self._entries.values(), key=lambda entry: entry.started_at)

    def of(self, owner: str) -> PendingWrite | None:
        """The entry of an owner."""
        return next((entry for entry in self._entries.values() if entry.owner == owner), None)

    def of_transfer(self, transfer_id: str) -> list[PendingWrite]:
        """The entries of a transfer's files."""
        return [entry for entry in self._entries.values() if entry.owner.startswith(f"transfer/{transfer_id}/")]

    async def begin(self, owner: str, place: str, endpoint: str, upload_id: str | None = None) -> PendingWrite:
        """Note that something is about to be begun; returns when that is in the file."""
        entry = PendingWrite(secrets.token_hex(8), owner, place, endpoint, upload_id, time.time(), live=True)
        self._entries[entry.id] = entry
        self._save(entry)
        try:
            await self._journal.written()
        except BaseException:
            entry.live = False
            raise
        return entry

    async def set_upload_id(self, entry: PendingWrite, upload_id: str) -> None:
        """S3 has told the upload's id; returns when that is in the file."""
        entry.upload_id = upload_id
        self._save(entry)
        await self._journal.written()

    def add_part(self, entry: PendingWrite, number: int, etag: str, size: int) -> None:
        """A part has arrived."""
        if entry.id not in self._entries:
            return
        entry.parts[number] = Kept(etag, size)
        self._journal.put("parts", (entry.id, number, etag, size))

    def set_parts(self, entry: PendingWrite, parts: dict[int, Kept]) -> None:
        """S3 has told which parts it has; a later run knows the object by them."""
        if entry.id in self._entries and parts != entry.parts:
            self._journal.write("DELETE FROM parts WHERE unfinished = ?", [(entry.id,)])
            self._journal.put("parts", *((entry.id, number, part.etag, part.size) for number, part in parts.items()))
        entry.parts = parts

    async def completing(self, entry: PendingWrite) -> None:
        """S3 is about to be asked to put the parts together; returns when that is in the file."""
        entry.completing_at = time.time()
        self._save(entry)
        await self._journal.written()

    def completion_refused(self, entry: PendingWrite) -> None:
        """S3 has said that it does not put the parts together, so they may be dropped at any time."""
        entry.completing_at = None
        self._save(entry)

    def orphan(self, entry: PendingWrite) -> None:
        """Nobody will go on with it: it is dropped when that is possible."""
        entry.owner, entry.live = "stream", False
        self._save(entry)

    def visible(self, entry: PendingWrite) -> None:
        """It has been put together. That of a transfer stays until :meth:`settled`.

        Were the server killed between the two, the next one would take the object for one that is in the way.
        """
        entry.live = False
        if not entry.owner.startswith("transfer/"):
            self.remove(entry)

    def settled(self, owner: str) -> None:
        """The journal knows of the owner's file that it has arrived."""
        if entry := self.of(owner):
            self.remove(entry)

    def remove(self, entry: PendingWrite) -> None:
        """It is visible now, or gone."""
        entry.live = False
        if self._entries.pop(entry.id, None):
            self._journal.write("DELETE FROM unfinished WHERE id = ?", [(entry.id,)])
            self._journal.write("DELETE FROM parts WHERE unfinished = ?", [(entry.id,)])

    def _save(self, entry: PendingWrite) -> None:
        self._journal.put(
            "unfinished",
            (
                entry.id,
                entry.owner,
                entry.place,
                entry.endpoint,
                entry.upload_id,
                entry.started_at,
                entry.completing_at,
            ),
        )
