"""What crosses the wire, in both directions.

JSON names are camelCase; S3's own entities keep S3's own field names (``Key``, ``Size``, ``ETag``). The schemas in
``openapi.yaml`` and the TypeScript types are generated from these classes by ``scripts/contract``.
Sizes are bytes, rates bytes per second, times ISO 8601 in UTC, durations seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

OnConflict = Literal["fail", "skip", "overwrite", "rename"]
RepoType = Literal["model", "dataset", "space"]
TransferState = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
FileState = Literal["queued", "running", "completed", "skipped", "failed", "cancelled"]
Verify = Literal["off", "source", "full"]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


def wire_name(field: str) -> str:
    """camelCase for our own fields; a capital first letter says that the name is S3's."""
    return field if field[0].isupper() else to_camel(field)


class Wire(BaseModel):
    """Base of all wire models: camelCase aliases, unknown fields refused by name."""

    model_config = ConfigDict(alias_generator=wire_name, populate_by_name=True, extra="forbid")


class ErrorReply(Wire):
    """The body of every reply with a status of 400 or more."""

    error: str = Field(description="S3's own code where S3 spoke, else one of errors.py")
    message: str = Field(description="One sentence for the user")


# --- buckets and objects -----------------------------------------------------------------------------------------


class Owner(Wire):
    """S3's Owner; some servers send only one of the two names, or none."""

    model_config = ConfigDict(extra="ignore")
    DisplayName: str | None = None
    ID: str | None = None


class Bucket(Wire):
    """S3's Bucket."""

    model_config = ConfigDict(extra="ignore")
    Name: str
    CreationDate: datetime | None = None


class BucketList(Wire):
    """``listable`` is false when the credentials may not list buckets; ``buckets`` then holds what is known."""

    owner: Owner | None
    default_bucket: str | None
    buckets: list[Bucket]
    listable: bool


class CreateBucket(Wire):
    """Body of ``POST /buckets``."""

    bucket_name: NonEmpty


class S3Object(Wire):
    """One row of a listing, in S3's own words."""

    model_config = ConfigDict(extra="ignore")
    Key: str
    Size: int
    LastModified: datetime | None = None
    ETag: str | None = None
    StorageClass: str | None = None


class CommonPrefix(Wire):
    """A folder of a listing; the prefix ends in ``/``."""

    model_config = ConfigDict(extra="ignore")
    Prefix: str


class ObjectList(Wire):
    """One page of one level."""

    objects: list[S3Object]
    prefixes: list[CommonPrefix]
    next_continuation_token: str | None
    is_truncated: bool


class StoredObject(Wire):
    """An object that has arrived and whose size was compared."""

    bucket: str
    key: str
    size: int
    ETag: str | None


class KeyFailure(Wire):
    """One key of a request that failed, in S3's own words."""

    Key: str
    Code: str
    Message: str


class UploadReply(Wire):
    """Reply to a form upload: every file is in one of the two lists, or was skipped by ``onConflict=skip``."""

    uploaded: list[StoredObject]
    skipped: list[str]
    errors: list[KeyFailure]


class DeleteRequest(Wire):
    """Body of ``DELETE /objects/multiple/:bucket``: keys are exact, prefixes take everything below them."""

    keys: list[NonEmpty] = []
    prefixes: list[NonEmpty] = []


class DeleteReply(Wire):
    """Which keys are gone and which are not."""

    deleted: list[str]
    errors: list[KeyFailure]


class CreateFolder(Wire):
    """Body of ``POST /objects/folder/:bucket``; a missing trailing slash is added."""

    prefix: NonEmpty


class Message(Wire):
    """A plain confirmation."""

    message: str


# --- Hugging Face ------------------------------------------------------------------------------------------------


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
    total_size: int


class ImportRequest(Wire):
    """Body of ``POST /objects/import-hf``. Files go to ``<prefix>/<path in the repository>``.

    ``include`` and ``exclude`` are glob patterns as huggingface_hub's ``allow_patterns``/``ignore_patterns``.
    An object that already holds exactly the file (size and hub etag compared) is not sent again; ``onConflict``
    says what happens to one that differs.
    """

    repo: NonEmpty
    token: str | None = Field(default=None, description="For this import only; never stored, never returned")
    bucket: NonEmpty
    prefix: str | None = Field(default=None, description="Default: the repository's id. Empty: the bucket's top level")
    revision: NonEmpty = "main"
    include: list[str] | None = None
    exclude: list[str] | None = None
    repo_type: RepoType = "model"
    on_conflict: OnConflict = "fail"
    verify: Verify = "source"


# --- transfers ---------------------------------------------------------------------------------------------------


class Failure(Wire):
    """Why a transfer or one of its files failed."""

    code: str
    message: str


class Transfer(Wire):
    """A transfer, without its files. ``rate`` is bytes per second over the last seconds, ``eta`` seconds."""

    id: str
    action: Literal["import", "copy", "move", "delete", "sync"]
    source: str
    target: str
    state: TransferState
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int | None
    files_failed: int
    rate: float | None
    eta: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Failure | None


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


class TransferFiles(Wire):
    """A window of a transfer's files; ``total`` counts those in the state that was asked for."""

    files: list[TransferFile]
    total: int
    offset: int


# --- settings ----------------------------------------------------------------------------------------------------


class S3Settings(Wire):
    """The S3 connection in use; secrets are only said to be set."""

    endpoint: str | None
    region: str | None
    default_bucket: str | None
    access_key_id: str | None
    secret_access_key_set: bool
    session_token_set: bool


class S3SettingsChange(Wire):
    """A field that is left out keeps its value; an empty string clears it."""

    endpoint: str | None = None
    region: str | None = None
    default_bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None


class HubSettings(Wire):
    """The Hugging Face connection in use."""

    hf_endpoint: str
    hf_token_set: bool


class HubSettingsChange(Wire):
    """A field that is left out keeps its value; an empty string clears it."""

    hf_endpoint: str | None = None
    hf_token: str | None = None


class ProxySettings(Wire):
    """Proxies for S3 and the hub. A password in a proxy URL is shown as ``***``; sending it back keeps it."""

    http_proxy: str | None
    https_proxy: str | None
    no_proxy: str | None


class ProxySettingsChange(Wire):
    """A field that is left out keeps its value; an empty string clears it."""

    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None


class ConcurrencySettings(Wire):
    """How many files move at once, over all transfers."""

    max_concurrent_transfers: int = Field(ge=1, le=64, strict=True)


class TestReply(Wire):
    """A test that went well; one that did not is an error reply that says what is wrong."""

    __test__ = False  # not a pytest class
    ok: Literal[True] = True
    message: str


class Disclaimer(Wire):
    """Application info, and whether its terms were accepted on this server."""

    name: str
    version: str
    text: str
    accepted: bool


class DisclaimerChange(Wire):
    """Body of ``PUT /disclaimer``."""

    accepted: bool
