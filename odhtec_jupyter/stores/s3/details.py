"""Details of an object besides its bytes: headers, metadata and tags."""

from __future__ import annotations

import re
from typing import Any

from odhtec_jupyter.errors import BadRequest, Conflict
from odhtec_jupyter.models import DetailsChange, ObjectDetails
from odhtec_jupyter.stores.s3.in_place import S3InPlace
from odhtec_jupyter.stores.s3.object import object_head
from odhtec_jupyter.stores.s3.wire.etag import quoted
from odhtec_jupyter.stores.s3.wire.header_text import header_value, sendable

HEADERS = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")

CONTROLS = r"[\x00-\x1f\x7f]"


class S3Details(S3InPlace):
    """Calls that read and change headers, metadata and tags."""

    def details(self, bucket: str, key: str) -> ObjectDetails:
        """Return the headers, metadata and tags of an object.

        Not by GetObjectAttributes: Ceph RGW replies with the object.
        """
        reply = self.full_head(bucket, key)
        head = object_head(reply)
        return ObjectDetails(
            Key=key,
            Size=head.size,
            LastModified=head.last_modified,
            ETag=quoted(head.etag),
            ContentType=head.content_type,
            CacheControl=head.cache_control,
            ContentDisposition=head.content_disposition,
            ContentEncoding=head.content_encoding,
            ContentLanguage=head.content_language,
            StorageClass=reply.get("StorageClass") or "STANDARD",
            VersionId=reply.get("VersionId"),
            Metadata=dict(head.metadata),
            TagSet=self.tags(bucket, key),
        )

    def change_details(self, bucket: str, key: str, change: DetailsChange) -> ObjectDetails:
        """Change the named details and keep the others. Raises :class:`Conflict` if the object has changed."""
        _require_sendable(change)
        reply = self.full_head(bucket, key)
        if quoted(reply.get("ETag")) != quoted(change.etag):
            raise Conflict(f"{key} has changed since it was read. Reload and try again.")
        named = change.model_fields_set
        copied = _changed(reply, change) if named & {*HEADERS, "Metadata"} else None
        # Tags first: if S3 rejects them, nothing else is changed.
        if "TagSet" in named and change.TagSet is not None:
            self.set_tags(bucket, key, change.TagSet)
        if copied is not None:
            tags = self.tags(bucket, key)
            self.copy_in_place(bucket, key, reply, **copied)
            # Ceph RGW loses the tags when the metadata is replaced.
            if tags and self.tags(bucket, key) != tags:
                self.set_tags(bucket, key, tags)
        return self.details(bucket, key)


def _changed(reply: Any, change: DetailsChange) -> dict[str, Any]:
    """Return the complete new metadata, because a copy with new metadata keeps nothing of the old."""
    head = object_head(reply)
    kept = {
        "ContentType": head.content_type,
        "CacheControl": head.cache_control,
        "ContentDisposition": head.content_disposition,
        "ContentEncoding": head.content_encoding,
        "ContentLanguage": head.content_language,
        "Expires": reply.get("Expires"),
    }
    for name in HEADERS:
        if (value := getattr(change, name)) is not None:
            kept[name] = value
    metadata = change.Metadata if change.Metadata is not None else head.metadata
    return {
        "Metadata": {name: sendable(value) for name, value in metadata.items()},
        **{name: header_value(value) if name in HEADERS else value for name, value in kept.items() if value},
    }


def _require_sendable(change: DetailsChange) -> None:
    """Raise :class:`BadRequest` for values that HTTP headers cannot contain."""
    for name, value in (change.Metadata or {}).items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise BadRequest(f"Metadata: {name!r} is not a valid header name.")
        if re.search(CONTROLS, value):
            raise BadRequest(f"Metadata.{name}: a header cannot contain line breaks or other control characters.")
    for name in HEADERS:
        # Only a file name can have other characters, which header_value encodes as browsers do.
        pattern = CONTROLS if name == "ContentDisposition" else r"[^\x20-\x7e]"
        if re.search(pattern, getattr(change, name) or ""):
            raise BadRequest(f"{name}: a header can contain ASCII characters only.")
