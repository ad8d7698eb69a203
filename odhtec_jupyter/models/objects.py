"""S3 as it goes over the wire: buckets, listings, uploads in one request, deletions."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from odhtec_jupyter.models.wire import MAX_ITEMS, NonEmpty, Wire


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
    """One page of one level, or the hits of one step of a search: then fewer than asked for, or none, is no end."""

    objects: list[S3Object]
    prefixes: list[CommonPrefix]
    next_continuation_token: str | None
    is_truncated: bool
    scanned: int | None = Field(
        default=None, description="How many entries a search has looked at for this reply; null without a search"
    )


class Usage(Wire):
    """One step of counting a folder: the sum of all steps is what it holds."""

    objects: int
    bytes: int
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

    keys: list[NonEmpty] = Field(default=[], max_length=MAX_ITEMS)
    prefixes: list[NonEmpty] = Field(default=[], max_length=MAX_ITEMS)


class DeleteReply(Wire):
    """Which keys are gone and which are not."""

    deleted: list[str]
    errors: list[KeyFailure]


class CreateFolder(Wire):
    """Body of ``POST /objects/folder/:bucket``; a missing trailing slash is added."""

    prefix: NonEmpty
