"""Hugging Face over the wire: repositories and what an import is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import MAX_ITEMS, NonEmpty, OnConflict, Verify, Wire

MAX_REMAINING = 1000  # objects of other revisions that a dry run names and an import removes

RepoType = Literal["model", "dataset", "space"]


class HubFile(Wire):
    """One file of a repository. ``etag`` is the sha256 of an LFS file, else the git blob id (sha1)."""

    path: str
    size: int
    etag: str
    lfs: bool


class HubRepo(Wire):
    """What an import would bring. ``parameters`` counts them per dtype where the hub knows."""

    repo: str
    repo_type: RepoType
    revision: str
    commit: str
    gated: bool
    private: bool
    accessible: bool = Field(description="False when files cannot be read with the token in use")
    license: str | None
    parameters: dict[str, int] | None
    files: list[HubFile]
    chosen: list[str] = Field(description="Patterns for the folder or file in the address that was asked for")
    total_size: int
    note: str | None = Field(description="What is odd about the hub's list of files, in a sentence for the user")


class HubRef(Wire):
    """A branch or a tag of a repository."""

    name: str
    commit: str


class HubRefs(Wire):
    """The revisions that have a name."""

    branches: list[HubRef]
    tags: list[HubRef]


class RemainingObject(Wire):
    """An object that an import of another revision wrote, of a file that the new revision does not have."""

    key: NonEmpty
    size: int
    ETag: str
    commit: NonEmpty = Field(description="The commit that it is of, as its metadata says")


class RemainingObjects(Wire):
    """What would remain of other revisions of the repository beside the imported one."""

    commits: list[str]
    objects: list[RemainingObject]
    bytes_total: int
    is_truncated: bool = Field(description="There are more objects below the target than were compared")


class ImportRequest(Wire):
    """Body of ``POST /objects/import-hf``. Files go to ``<prefix>/<path in the repository>``.

    ``include`` and ``exclude`` are glob patterns as huggingface_hub's ``allow_patterns``/``ignore_patterns``.
    An object that already holds exactly the file (size and hub etag compared) is not sent again; ``onConflict``
    says what happens to one that differs.
    """

    repo: NonEmpty = Field(
        description="An id, hf://org/name@revision/path, or the address of a page; a folder in it is what include means"
    )
    token: str | None = Field(default=None, description="For this import only; never stored, never returned")
    bucket: NonEmpty
    prefix: str | None = Field(default=None, description="Default: the repository's id. Empty: the bucket's top level")
    revision: NonEmpty = "main"
    include: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    exclude: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    repo_type: RepoType = "model"
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"
    remove: list[RemainingObject] | None = Field(
        default=None,
        max_length=MAX_REMAINING,
        description="Objects of a dry run's `remaining` to remove when all files have arrived, if they are unchanged",
    )
    dry_run: bool = Field(default=False, description="Only say what would happen to each file, as a TransferPlan")
