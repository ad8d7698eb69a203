"""What S3 knows about one object besides its bytes: headers, metadata, tags, versions, and links to share it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from odhtec_jupyter.models.wire import NonEmpty, Wire


class Tag(Wire):
    """A tag, as S3 names its fields."""

    Key: NonEmpty
    Value: str


class ObjectDetails(Wire):
    """An object's headers, metadata and tags."""

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
    VersionId: str | None = Field(description="Only in a bucket with versions")
    Metadata: dict[str, str]
    TagSet: list[Tag] | None = Field(description="Null if the store has no tags or does not show them")


class DetailsChange(Wire):
    """Body of ``PUT /objects/metadata/:bucket/:key``. A missing field keeps its value, an empty one is cleared."""

    etag: NonEmpty = Field(description="The ETag that was read. The reply is 409 if the object has changed since then")
    ContentType: str | None = None
    CacheControl: str | None = None
    ContentDisposition: str | None = None
    ContentEncoding: str | None = None
    ContentLanguage: str | None = None
    Metadata: dict[str, str] | None = Field(
        default=None, max_length=1000, description="The complete metadata, not only the changes"
    )
    TagSet: list[Tag] | None = Field(default=None, max_length=1000, description="All tags, not only the changes")


class ObjectVersion(Wire):
    """A version of a key, or the delete marker of a deletion."""

    VersionId: str
    IsLatest: bool
    LastModified: datetime | None
    Size: int | None
    ETag: str | None
    StorageClass: str | None
    delete_marker: bool


class VersionList(Wire):
    """The versions of one key, newest first."""

    versioning: Literal["Enabled", "Suspended", "Off", "Unknown"] = Field(
        description="Versioning of the bucket; Unknown if S3 does not return it"
    )
    versions: list[ObjectVersion]
    next_continuation_token: str | None
    is_truncated: bool


class RestoreRequest(Wire):
    """Body of ``POST /objects/restore/:bucket/:key``: this version becomes the newest one. No version is removed."""

    version_id: NonEmpty


class PresignRequest(Wire):
    """Body of ``POST /objects/presign``."""

    bucket: NonEmpty
    key: NonEmpty
    expires_in: int = Field(
        default=3600, ge=1, le=604800, strict=True, description="Seconds; S3 allows up to seven days"
    )
    method: Literal["GET", "PUT"] = "GET"


class PresignedUrl(Wire):
    """A link that works without credentials until it expires."""

    url: str
    method: Literal["GET", "PUT"]
    expires_at: datetime
    may_end_earlier: bool = Field(
        default=False,
        description="Signed with temporary credentials: the link expires with them, which can be earlier",
    )


class MultipartUpload(Wire):
    """An upload that was started and neither completed nor aborted. Its parts use space that no list shows."""

    Key: str
    UploadId: str
    Initiated: datetime
    in_use: bool = Field(description="A transfer or a resumable upload of this server is still using it")


class MultipartList(Wire):
    """One page of the unfinished uploads below a prefix."""

    uploads: list[MultipartUpload]
    next_continuation_token: str | None
    is_truncated: bool


class NamedUpload(Wire):
    """The key and ID of an unfinished upload."""

    Key: NonEmpty
    UploadId: NonEmpty


class AbortRequest(Wire):
    """Body of ``DELETE /multipart/:bucket``: the uploads to abort. An upload in use is refused."""

    uploads: list[NamedUpload] = Field(min_length=1, max_length=1000)
