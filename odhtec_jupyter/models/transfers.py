"""Transfers over the wire: what is asked for, what would happen, how far it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.hub import RemainingObjects
from odhtec_jupyter.models.wire import MAX_ITEMS, NonEmpty, OnConflict, Verify, Wire

TransferState = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
FileState = Literal["queued", "running", "completed", "skipped", "failed", "cancelled"]


class Failure(Wire):
    """Why a transfer or one of its files failed."""

    code: str
    message: str


class Transfer(Wire):
    """A transfer, without its files. ``rate`` is bytes per second over the last seconds, ``eta`` seconds.

    To users who may not read ``contents``, a source or target in the workspace is only ``workspace://``.
    """

    id: str
    action: Literal["import", "copy", "move", "delete", "sync"]
    source: str
    names_total: int | None = Field(description="How many files and folders of the source are meant; null means all")
    target: str
    state: TransferState
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int | None
    files_failed: int
    files_omitted: int = Field(default=0, description="Hidden files that are left out; they count as done")
    files_removed: int = Field(
        default=0, description="Objects of another revision that were removed after an import; they count as done"
    )
    rate: float | None
    eta: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Failure | None
    needs: Literal["connection", "token"] | None = Field(
        description="What a paused transfer waits for: the S3 or hub connection it began with, or the token that was "
        "typed in for it"
    )


class TransferRequest(Wire):
    """Body of ``POST /transfers``. Source and target are URIs; one that ends in a slash is a folder.

    A folder's files go below the target folder, their paths kept; a single file goes to the target, or into it when
    that is a folder. ``delete`` has no target. ``sync`` copies what is missing or differs and leaves the rest alone.
    """

    action: Literal["copy", "move", "delete", "sync"]
    source: NonEmpty
    names: list[NonEmpty] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ITEMS,
        description="Only these of the source folder: files, and folders with a slash at the end. Not for `delete`",
    )
    target: str = ""
    include: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    exclude: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"
    token: str | None = Field(default=None, description="For the hub, for this transfer only; never stored")
    dry_run: bool = False


class PlannedFile(Wire):
    """What a transfer would do with one file.

    ``omit``: it is hidden in the workspace, or would be, and is left out. ``remove``: it is an object of another
    revision, which an import was asked to remove when all else has arrived.
    """

    source: str
    target: str
    size: int | None
    what: Literal["create", "overwrite", "skip", "rename", "conflict", "delete", "refuse", "omit", "remove"]
    error: Failure | None = None


class TransferPlan(Wire):
    """Reply to a dry run: counts and bytes of all files, and the first of them by name."""

    counts: dict[str, int] = Field(description="Files per `what`")
    files_total: int
    bytes_total: int = Field(description="Bytes that would move, or be deleted")
    files: list[PlannedFile]
    is_truncated: bool = Field(default=False, description="Counting stopped here: there is more")
    remaining: RemainingObjects | None = Field(
        default=None, description="Of an import: what would remain of other revisions below the target"
    )


class ContinueRequest(Wire):
    """Body of ``POST /transfers/:id/resume`` and ``…/retry``; it may be left out."""

    token: str | None = Field(default=None, description="The hub's token, where one was typed in; never stored")


class TransferList(Wire):
    """All transfers the server knows, newest first."""

    transfers: list[Transfer]


class TransferFile(Wire):
    """One file of a transfer; ``target`` is where it goes, as a URI."""

    path: str
    target: str
    size: int | None
    bytes_done: int
    state: FileState
    error: Failure | None
    is_removal: bool = Field(
        default=False, description="The target is an object of another revision, to be removed after the import"
    )


class TransferFiles(Wire):
    """A window of a transfer's files; ``total`` counts those in the state that was asked for."""

    files: list[TransferFile]
    total: int
    offset: int
