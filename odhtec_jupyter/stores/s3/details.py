"""What stands beside an object's bytes: headers, metadata, tags."""

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
    """The calls that look at one object and change what it is called, not what it is."""

    def details(self, bucket: str, key: str) -> ObjectDetails:
        """All that HEAD tells, and the tags. Never by GetObjectAttributes, which Ceph RGW answers with the bytes."""
        reply = self.look(bucket, key)
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
        """Change what is named and keep all else. Raises :class:`Conflict` when the object is another one by now."""
        _require_sendable(change)
        reply = self.look(bucket, key)
        if quoted(reply.get("ETag")) != quoted(change.etag):
            raise Conflict(f"{key} has changed since it was read. Reload and try again.")
        named = change.model_fields_set
        copied = _changed(reply, change) if named & {*HEADERS, "Metadata"} else None
        # The tags first: those that S3 does not take must not leave the rest half changed.
        if "TagSet" in named and change.TagSet is not None:
            self.set_tags(bucket, key, change.TagSet)
        if copied is not None:
            tags = self.tags(bucket, key)
            self.copy_in_place(bucket, key, reply, **copied)
            # Ceph RGW loses them when the metadata is replaced.
            if tags and self.tags(bucket, key) != tags:
                self.set_tags(bucket, key, tags)
        return self.details(bucket, key)


def _changed(reply: Any, change: DetailsChange) -> dict[str, Any]:
    """All metadata as it is to be: S3 keeps nothing of what a copy with new metadata does not name."""
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
    """Raise :class:`BadRequest` for what HTTP has no way to carry."""
    for name, value in (change.Metadata or {}).items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise BadRequest(f"Metadata: {name!r} is not a valid header name.")
        if re.search(CONTROLS, value):
            raise BadRequest(f"Metadata.{name}: a header cannot contain line breaks or other control characters.")
    for name in HEADERS:
        # Of these only a file name may hold more, which header_value writes as browsers know it.
        pattern = CONTROLS if name == "ContentDisposition" else r"[^\x20-\x7e]"
        if re.search(pattern, getattr(change, name) or ""):
            raise BadRequest(f"{name}: a header can contain ASCII characters only.")
