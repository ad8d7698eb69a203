"""Versions of one key, in buckets with versioning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, cast

from odhtec_jupyter.errors import Conflict, StoreError
from odhtec_jupyter.keys import decode_key, encode_key
from odhtec_jupyter.models import DeleteReply, ObjectVersion, StoredObject, VersionList
from odhtec_jupyter.stores.s3.in_place import S3InPlace
from odhtec_jupyter.stores.s3.wire.errors import s3_errors
from odhtec_jupyter.stores.s3.wire.etag import quoted

Versioning = Literal["Enabled", "Suspended", "Off", "Unknown"]
NULL = "null"  # the version of an object that was written without versioning
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class S3Versions(S3InPlace):
    """Calls for versions."""

    def list_versions(self, bucket: str, key: str, token: str | None = None, *, max_keys: int = 1000) -> VersionList:
        """A page of the versions of exactly this key, newest first."""
        extra: Any = {"KeyMarker": key, "VersionIdMarker": decode_key(token)} if token else {}
        with s3_errors(self.host):
            reply: Any = self.client(bucket).list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=max_keys, **extra)
        listed = [(item, False) for item in reply.get("Versions", [])]
        listed += [(item, True) for item in reply.get("DeleteMarkers", [])]
        found = [_version(item, marker=marker) for item, marker in listed if item.get("Key") == key]
        found.sort(key=_age, reverse=True)
        # S3 lists versions by prefix only. Of the keys with this prefix, the key itself comes first: when another key
        # comes, its versions are complete. NextKeyMarker does not help, Ceph RGW writes it in two ways.
        # If a store does not say how to continue, the list continues after the last version.
        marker = reply.get("NextVersionIdMarker") or (found[-1].VersionId if found else None)
        following = encode_key(marker) if marker else None
        more = bool(reply.get("IsTruncated") and following not in {None, token} and len(found) == len(listed))
        return VersionList(
            versioning=self._versioning(bucket),
            versions=found,
            next_continuation_token=following if more else None,
            is_truncated=more,
        )

    def _versioning(self, bucket: str) -> Versioning:
        try:
            with s3_errors(self.host):
                return cast(Versioning, self.client(bucket).get_bucket_versioning(Bucket=bucket).get("Status") or "Off")
        except StoreError as error:
            if error.status not in {403, 405, 501}:
                raise
            return "Unknown"

    def restore_version(self, bucket: str, key: str, version_id: str) -> StoredObject:
        """Make a version the newest by a copy within S3; a delete marker above it is kept below the copy."""
        if self._newest(bucket, key) != version_id:
            self._require_kept(bucket, key, version_id)
            self.copy_in_place(bucket, key, self.full_head(bucket, key, version_id), version_id=version_id)
        stored = self.full_head(bucket, key)
        return StoredObject(bucket=bucket, key=key, size=stored["ContentLength"], ETag=quoted(stored.get("ETag")))

    def _require_kept(self, bucket: str, key: str, version_id: str) -> None:
        """Raise :class:`Conflict` if a copy would overwrite content.

        While versioning is suspended, a write replaces the version without an ID.
        """
        versioning = self._versioning(bucket)
        if version_id == NULL or versioning not in {"Suspended", "Unknown"}:
            return
        token: str | None = ""
        while token is not None:
            page = self.list_versions(bucket, key, token)
            if any(version.VersionId == NULL and not version.delete_marker for version in page.versions):
                how = "is suspended" if versioning == "Suspended" else "may be suspended"
                raise Conflict(
                    f"Versioning of {bucket} {how}, so the current content of {key} would be lost. Copy it elsewhere"
                    " first, or enable versioning.",
                    code="VersioningSuspended",
                )
            token = page.next_continuation_token

    def _newest(self, bucket: str, key: str) -> str | None:
        """Return the version that a reader gets; None below a delete marker."""
        try:
            return self.head_reply(bucket, key).get("VersionId") or NULL
        except StoreError as error:
            if error.status != 404:
                raise
            return None

    def delete_version(self, bucket: str, key: str, version_id: str) -> DeleteReply:
        """Delete this version, or this delete marker, permanently."""
        with s3_errors(self.host):
            self.client(bucket).delete_object(Bucket=bucket, Key=key, VersionId=version_id)
        return DeleteReply(deleted=[key], errors=[])


def _age(version: ObjectVersion) -> tuple[bool, datetime, bool]:
    """Return a key to sort by. Some stores have times in seconds: within a second, a deletion follows a write."""
    return version.IsLatest, version.LastModified or LONG_AGO, version.delete_marker


def _version(item: Any, *, marker: bool) -> ObjectVersion:
    return ObjectVersion(
        VersionId=item.get("VersionId") or NULL,
        IsLatest=item.get("IsLatest", False),
        LastModified=item.get("LastModified"),
        Size=None if marker else item.get("Size"),
        ETag=None if marker else quoted(item.get("ETag")),
        StorageClass=None if marker else item.get("StorageClass") or "STANDARD",
        delete_marker=marker,
    )
