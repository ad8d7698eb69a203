"""Unfinished multipart uploads of all users."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from odhtec_jupyter import models
from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.keys import decode_key, encode_key
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.wire.errors import s3_errors

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # for a date that cannot be parsed


class S3Multiparts(S3Base):
    """Calls that list and abort unfinished uploads."""

    def list_unfinished(
        self, bucket: str, prefix: str, token: str | None, *, max_uploads: int = 1000
    ) -> models.MultipartList:
        """A page of the unfinished uploads below a prefix; whether one is in use the store does not know."""
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
