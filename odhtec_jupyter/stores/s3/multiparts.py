"""Unfinished multipart uploads: their parts, and those of all users."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odhtec_jupyter import models
from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.keys import decode_key, encode_key
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.object import MultipartUpload, StoredPart
from odhtec_jupyter.stores.s3.wire.errors import answer_error, s3_errors
from odhtec_jupyter.stores.s3.wire.etag import quoted

MAX_PARTS = 10_000  # S3's limit for an upload
MAX_PAGES = 1_000  # of the unfinished uploads of one key
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # for a date that cannot be parsed


class S3Multiparts(S3Base):
    """Calls that list and abort unfinished uploads."""

    def list_unfinished(
        self, bucket: str, prefix: str, token: str | None, *, max_uploads: int = 1000
    ) -> models.MultipartList:
        """Return a page of the unfinished uploads below a prefix. Whether one is in use is not known here."""
        # Without EncodingType: with it, Ceph RGW encodes keys but does not say so in its reply.
        with s3_errors(self.host):
            reply: Any = self.client(bucket).list_multipart_uploads(
                Bucket=bucket, Prefix=prefix, MaxUploads=max_uploads, **_markers(token)
            )
        following = None
        key, upload_id = next_upload(reply)
        if reply.get("IsTruncated") and key:
            following = ".".join(encode_key(name) for name in (key, upload_id) if name)
        if following == token:  # some stores return the same page forever
            following = None
        return models.MultipartList(
            uploads=[
                models.MultipartUpload(
                    Key=item["Key"],
                    UploadId=item["UploadId"],
                    Initiated=item.get("Initiated") or LONG_AGO,
                    in_use=False,
                )
                for item in reply.get("Uploads", [])
                if item.get("Key") and item.get("UploadId")
            ],
            next_continuation_token=following,
            is_truncated=following is not None,
        )

    def abort_unfinished(self, bucket: str, key: str, upload_id: str) -> None:
        """Abort this upload; an upload that no longer exists is no error."""
        try:
            with s3_errors(self.host):
                self.client(bucket).abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        except StoreError as error:
            if error.code not in {"NoSuchUpload", "NoSuchKey"}:
                raise

    def list_parts(self, bucket: str, key: str, upload_id: str) -> dict[int, StoredPart]:
        """Return the stored parts of an unfinished upload, by number. Raises ``NoSuchUpload`` if the upload is gone."""
        found: dict[int, StoredPart] = {}
        extra: dict[str, Any] = {}
        while True:
            try:
                with s3_errors(self.host):
                    reply = self.client(bucket).list_parts(Bucket=bucket, Key=key, UploadId=upload_id, **extra)
            except StoreError as error:
                if error.code != "NoSuchKey":
                    raise
                # Ceph RGW uses this code for a missing upload.
                raise answer_error(404, "NoSuchUpload", "", "ListParts") from error
            for part in reply.get("Parts", []):
                number, size, etag = part.get("PartNumber"), part.get("Size"), quoted(part.get("ETag"))
                if number and size is not None and etag:  # a part that cannot be parsed is sent again
                    found[number] = StoredPart(etag, size)
            if len(found) > MAX_PARTS:
                raise self._endless("parts of an upload", MAX_PARTS)
            # The last known number, because stores differ in NextPartNumberMarker.
            marker = max(found, default=0)
            if not reply.get("IsTruncated") or marker == extra.get("PartNumberMarker"):
                return found
            extra["PartNumberMarker"] = marker

    def list_multiparts(self, bucket: str, key: str) -> list[MultipartUpload]:
        """Return the unfinished uploads of this key."""
        found: list[MultipartUpload] = []
        extra: dict[str, Any] = {}
        pages = 0
        while True:
            # Without EncodingType: with it, Ceph RGW encodes keys but does not say so. All pages are read, because
            # they are not sorted by key.
            with s3_errors(self.host):
                reply = self.client(bucket).list_multipart_uploads(Bucket=bucket, Prefix=key, **extra)
            for upload in reply.get("Uploads", []):
                # Without a date, it is not known whether the upload is ours.
                if upload.get("Key") == key and upload.get("UploadId") and upload.get("Initiated"):
                    found.append(MultipartUpload(upload["UploadId"], upload["Initiated"]))
            markers = dict(zip(("KeyMarker", "UploadIdMarker"), next_upload(reply), strict=True))
            if not reply.get("IsTruncated") or markers == extra or not markers["KeyMarker"]:
                return found
            extra, pages = markers, pages + 1
            if pages > MAX_PAGES:
                raise self._endless("pages of unfinished uploads", MAX_PAGES)

    def _endless(self, what: str, most: int) -> StoreError:
        return StoreError(f"The S3 store at {self.host} lists more than {most:,} {what}.", code="InvalidListing")

    def abort_multipart(self, bucket: str, key: str, upload_id: str) -> None:
        """Abort an unfinished upload and its parts; an upload that no longer exists is no error."""
        try:
            with s3_errors(self.host):
                self.client(bucket).abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        except StoreError as error:
            if error.code not in {"NoSuchUpload", "NoSuchKey", "NoSuchBucket"}:
                raise


def next_upload(reply: Any) -> tuple[str, str]:
    """Return the key and ID after which a list of uploads continues: those of the last one if S3 returns none."""
    if key := reply.get("NextKeyMarker"):
        return key, reply.get("NextUploadIdMarker") or ""
    last = (reply.get("Uploads") or [{}])[-1]
    return last.get("Key") or "", last.get("UploadId") or ""


def _markers(token: str | None) -> dict[str, Any]:
    if not token:
        return {}
    key, _, upload_id = token.partition(".")
    markers = {"KeyMarker": decode_key(key)}
    return markers | ({"UploadIdMarker": decode_key(upload_id)} if upload_id else {})
