"""Hugging Face over the wire: repositories and imports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import MAX_ITEMS, NonEmpty, OnConflict, Verify, Wire

MAX_REMAINING = 1000  # objects of other revisions that a dry run lists and an import deletes

RepoType = Literal["model", "dataset", "space"]


class HubFile(Wire):
    """One file of a repository. ``etag`` is the sha256 of an LFS file, else the git blob id (sha1)."""

    path: str
    size: int
    etag: str
    lfs: bool


class HubRepo(Wire):
    """A repository and the files that an import would copy. ``parameters`` has their number per dtype if known."""

    repo: str
    repo_type: RepoType
    revision: str
    commit: str
    gated: bool
    private: bool
    accessible: bool = Field(description="Whether the files can be read with the token in use")
    license: str | None
    parameters: dict[str, int] | None
    files: list[HubFile]
    chosen: list[str] = Field(description="Patterns for the folder or file in the requested address")
    total_size: int
    note: str | None = Field(description="A problem with the hub's list of files, as a sentence for the user")


class HubRef(Wire):
    """A branch or a tag of a repository."""

    name: str
    commit: str


class HubRefs(Wire):
    """The branches and tags of a repository."""

    branches: list[HubRef]
    tags: list[HubRef]


class RemainingObject(Wire):
    """An object from an import of another revision, whose file the new revision does not have."""

    key: NonEmpty
    size: int
    ETag: str
    commit: NonEmpty = Field(description="The commit of the object, from its metadata")


class RemainingObjects(Wire):
    """The objects of other revisions that would remain besides the imported one."""

    commits: list[str]
    objects: list[RemainingObject]
    bytes_total: int
    is_truncated: bool = Field(description="Not all objects below the target were compared")


class ImportRequest(Wire):
    """Body of ``POST /objects/import-hf``. Files go to ``<prefix>/<path in the repository>``.

    ``include`` and ``exclude`` are glob patterns as huggingface_hub's ``allow_patterns``/``ignore_patterns``.
    An object that already has the content of the file (by size and the hub's etag) is not sent again; ``onConflict``
    applies to an object that differs.
    """

    repo: NonEmpty = Field(
        description="org/name, hf://org/name@revision/path, or the address of a page. A folder in it acts as include"
    )
    token: str | None = Field(default=None, description="For this import only. It is never stored and never returned")
    bucket: NonEmpty
    prefix: str | None = Field(
        default=None, description="Default: the repository's name. Empty: the bucket's top level"
    )
    revision: NonEmpty = "main"
    include: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    exclude: list[str] | None = Field(default=None, max_length=MAX_ITEMS)
    repo_type: RepoType = "model"
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"
    remove: list[RemainingObject] | None = Field(
        default=None,
        max_length=MAX_REMAINING,
        description="Objects from `remaining` of a dry run, to delete after the import unless they have changed",
    )
    dry_run: bool = Field(default=False, description="Change nothing; the reply is a TransferPlan")
