"""What S3 knows about one object beside its bytes: headers, metadata, tags, versions, and links to share it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import NonEmpty, Wire


class Tag(Wire):
    """S3's Tag."""

    Key: NonEmpty
    Value: str


class ObjectDetails(Wire):
    """An object as HEAD tells it, with its tags."""

    Key: str
    Size: int
    LastModified: datetime | None
    ETag: str | None
    ContentType: str | None
    CacheControl: str | None
    ContentDisposition: str | None
    ContentEncoding: str | None
    ContentLanguage: str | None
    StorageClass: str
    VersionId: str | None = Field(description="Where the bucket keeps versions")
    Metadata: dict[str, str]
    TagSet: list[Tag] | None = Field(description="Null where the store has no tags or does not show them")


class DetailsChange(Wire):
    """Body of ``PUT /objects/metadata/:bucket/:key``. What is left out keeps its value, what is empty is cleared."""

    etag: NonEmpty = Field(description="The ETag that was seen; 409 when the object is another one by now")
    ContentType: str | None = None
    CacheControl: str | None = None
    ContentDisposition: str | None = None
    ContentEncoding: str | None = None
    ContentLanguage: str | None = None
    Metadata: dict[str, str] | None = Field(
        default=None, max_length=1000, description="All of it, not only what changes"
    )
    TagSet: list[Tag] | None = Field(default=None, max_length=1000, description="All of them, not only what changes")


class ObjectVersion(Wire):
    """A version of a key, or the marker that a deletion left."""

    VersionId: str
    IsLatest: bool
    LastModified: datetime | None
    Size: int | None
    ETag: str | None
    StorageClass: str | None
    delete_marker: bool


class VersionList(Wire):
    """The versions of exactly one key, newest first."""

    versioning: Literal["Enabled", "Suspended", "Off", "Unknown"] = Field(
        description="Of the bucket; Unknown where S3 does not say"
    )
    versions: list[ObjectVersion]
    next_continuation_token: str | None
    is_truncated: bool


class RestoreRequest(Wire):
    """Body of ``POST /objects/restore/:bucket/:key``: this version becomes the newest; nothing is removed."""

    version_id: NonEmpty


class PresignRequest(Wire):
    """Body of ``POST /objects/presign``."""

    bucket: NonEmpty
    key: NonEmpty
    expires_in: int = Field(default=3600, ge=1, le=604800, strict=True, description="Seconds; S3 allows seven days")
    method: Literal["GET", "PUT"] = "GET"


class PresignedUrl(Wire):
    """A link that works without credentials until it expires."""

    url: str
    method: Literal["GET", "PUT"]
    expires_at: datetime
    may_end_earlier: bool = Field(
        default=False,
        description="Signed with temporary credentials whose end is not known: the link ends with them",
    )


class MultipartUpload(Wire):
    """An upload that was begun and never completed or aborted; its parts take space that no listing shows."""

    Key: str
    UploadId: str
    Initiated: datetime
    in_use: bool = Field(description="This server still goes on with it: a transfer or a resumable upload")


class MultipartList(Wire):
    """The unfinished uploads below a prefix; one page."""

    uploads: list[MultipartUpload]
    next_continuation_token: str | None
    is_truncated: bool


class NamedUpload(Wire):
    """Which unfinished upload is meant."""

    Key: NonEmpty
    UploadId: NonEmpty


class AbortRequest(Wire):
    """Body of ``DELETE /multipart/:bucket``: exactly these are aborted; one that is in use is refused."""

    uploads: list[NamedUpload] = Field(min_length=1, max_length=1000)
