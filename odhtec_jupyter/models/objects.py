"""S3 as it goes over the wire: buckets, lists, uploads in one request, deletions."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from odhtec_jupyter.models.wire import MAX_ITEMS, NonEmpty, Wire


class Owner(Wire):
    """The owner, as S3 names its fields. Some servers send only one of them, or none."""

    model_config = ConfigDict(extra="ignore")
    DisplayName: str | None = None
    ID: str | None = None


class Bucket(Wire):
    """A bucket, as S3 names its fields."""

    model_config = ConfigDict(extra="ignore")
    Name: str
    CreationDate: datetime | None = None


class BucketList(Wire):
    """All buckets. ``listable`` is false without permission to list them; ``buckets`` then has the known ones."""

    owner: Owner | None
    default_bucket: str | None
    buckets: list[Bucket]
    listable: bool


class CreateBucket(Wire):
    """Body of ``POST /buckets``."""

    bucket_name: NonEmpty


class S3Object(Wire):
    """One object of a list, as S3 names its fields."""

    model_config = ConfigDict(extra="ignore")
    Key: str
    Size: int
    LastModified: datetime | None = None
    ETag: str | None = None
    StorageClass: str | None = None


class CommonPrefix(Wire):
    """A folder of a list. The prefix ends in ``/``."""

    model_config = ConfigDict(extra="ignore")
    Prefix: str


class ObjectList(Wire):
    """One page of a folder, or the matches of one step of a search, which can be few or none before the end."""

    objects: list[S3Object]
    prefixes: list[CommonPrefix]
    next_continuation_token: str | None
    is_truncated: bool
    scanned: int | None = Field(
        default=None, description="Number of entries that the search has read for this reply; null without a search"
    )


class Usage(Wire):
    """One step of counting a folder. The sum of all steps is the total."""

    objects: int
    bytes: int
    next_continuation_token: str | None
    is_truncated: bool


class StoredObject(Wire):
    """An object that was stored and whose size was verified."""

    bucket: str
    key: str
    size: int
    ETag: str | None


class KeyFailure(Wire):
    """The error of one key of a request, as S3 names its fields."""

    Key: str
    Code: str
    Message: str


class UploadReply(Wire):
    """Reply to a form upload: every file is in ``uploaded`` or ``errors``, or was skipped by ``onConflict=skip``."""

    uploaded: list[StoredObject]
    skipped: list[str]
    errors: list[KeyFailure]


class DeleteRequest(Wire):
    """Body of ``DELETE /objects/multiple/:bucket``: keys to delete, and prefixes to delete with everything below."""

    keys: list[NonEmpty] = Field(default=[], max_length=MAX_ITEMS)
    prefixes: list[NonEmpty] = Field(default=[], max_length=MAX_ITEMS)


class DeleteReply(Wire):
    """The deleted keys, and the errors of the others."""

    deleted: list[str]
    errors: list[KeyFailure]


class CreateFolder(Wire):
    """Body of ``POST /objects/folder/:bucket``; a missing trailing slash is added."""

    prefix: NonEmpty
