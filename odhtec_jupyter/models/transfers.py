"""Transfers over the wire: requests, plans and progress."""

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
    """A transfer, without its files. ``rate`` is in bytes per second over the last seconds, ``eta`` in seconds.

    For users without permission to read ``contents``, a source or target in the workspace is shown as ``workspace://``.
    """

    id: str
    action: Literal["import", "copy", "move", "delete", "sync"]
    source: str
    names_total: int | None = Field(description="Number of selected files and folders of the source; null for all")
    target: str
    state: TransferState
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int | None
    files_failed: int
    files_omitted: int = Field(default=0, description="Hidden files that are left out. They count as done")
    files_removed: int = Field(
        default=0, description="Objects of another revision that were deleted after an import. They count as done"
    )
    rate: float | None
    eta: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Failure | None
    needs: Literal["connection", "token"] | None = Field(
        description="What a paused transfer needs to continue: the connection it was started with, or the token that "
        "was entered for it"
    )


class TransferRequest(Wire):
    """Body of ``POST /transfers``. Source and target are URIs; a URI that ends in a slash is a folder.

    The files of a folder are copied below the target folder with their relative paths. A single file is copied to the
    target, or into it if that is a folder. ``delete`` has no target. ``sync`` copies files that are missing or differ
    and keeps the others.
    """

    action: Literal["copy", "move", "delete", "sync"]
    source: NonEmpty
    names: list[NonEmpty] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ITEMS,
        description="Only these names in the source folder: files, and folders with a trailing slash. Not for `delete`",
    )
    target: str = ""
    include: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    exclude: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"
    token: str | None = Field(default=None, description="For Hugging Face, for this transfer only. It is never stored")
    dry_run: bool = False


class PlannedFile(Wire):
    """What a transfer would do with one file.

    ``omit``: the file is hidden in the workspace, or would be, and is left out. ``remove``: an object of another
    revision, which the import deletes after all files were imported.
    """

    source: str
    target: str
    size: int | None
    what: Literal["create", "overwrite", "skip", "rename", "conflict", "delete", "refuse", "omit", "remove"]
    error: Failure | None = None


class TransferPlan(Wire):
    """Reply to a dry run: counts and bytes of all files, and a list of the first ones."""

    counts: dict[str, int] = Field(description="Number of files per `what`")
    files_total: int
    bytes_total: int = Field(description="Bytes that would be copied, moved or deleted")
    files: list[PlannedFile]
    is_truncated: bool = Field(
        default=False, description="Whether counting was stopped because there are too many files"
    )
    remaining: RemainingObjects | None = Field(
        default=None, description="For an import: the objects of other revisions that would remain below the target"
    )


class ContinueRequest(Wire):
    """Body of ``POST /transfers/:id/resume`` and ``…/retry``; the body is optional."""

    token: str | None = Field(
        default=None, description="The Hugging Face token, if one was entered. It is never stored"
    )


class TransferList(Wire):
    """All transfers the server knows, newest first."""

    transfers: list[Transfer]


class TransferFile(Wire):
    """One file of a transfer; ``target`` is its URI after the transfer."""

    path: str
    target: str
    size: int | None
    bytes_done: int
    state: FileState
    error: Failure | None
    is_removal: bool = Field(
        default=False, description="Whether the target is an object of another revision, to be deleted after the import"
    )


class TransferFiles(Wire):
    """Some of a transfer's files; ``total`` is the number of files in the requested state."""

    files: list[TransferFile]
    total: int
    offset: int
