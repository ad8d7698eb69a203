"""Copies of an object onto its own key, S3's only way to change metadata or to restore a version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from odhtec_jupyter.errors import BadRequest, Conflict, NotFound, StoreError, TooLarge
from odhtec_jupyter.models import Tag
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.wire.errors import s3_errors

MAX_COPY_BYTES = 5 * 1024**3  # the most that S3 copies in one call
UNKNOWN = {"AccessDenied", "NotImplemented", "MethodNotAllowed", "XNotImplemented", "AllAccessDisabled"}
# A copy loses these, even if it keeps the metadata.
KEPT_HEADERS = ("StorageClass", "ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "WebsiteRedirectLocation")
LOCKS = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")


class S3InPlace(S3Base):
    """Calls that read everything about an object and copy it onto itself."""

    def full_head(self, bucket: str, key: str, version_id: str | None = None) -> Mapping[str, Any]:
        """Return botocore's complete reply to a HEAD. Raises :class:`NotFound`, or 400 for a delete marker."""
        extra: Any = {"VersionId": version_id} if version_id else {}
        try:
            return self.head_reply(bucket, key, **extra)
        except StoreError as error:
            answer = getattr(error.__cause__, "response", {}).get("ResponseMetadata", {})
            if version_id and answer.get("HTTPHeaders", {}).get("x-amz-delete-marker") == "true":
                raise BadRequest(f"This version of {key} is a delete marker without content.") from error
            if error.status == 404:
                self._require_bucket(bucket)
                if version_id:
                    raise NotFound(
                        f"{key} has no version {version_id}, or it is a delete marker.", code="NoSuchVersion"
                    ) from error
                raise StoreError(f"s3://{bucket}/{key} does not exist.", code="NoSuchKey") from error
            raise

    def tags(self, bucket: str, key: str) -> list[Tag] | None:
        """Return an object's tags; None if the store has none or does not show them."""
        try:
            with s3_errors(self.host):
                reply = self.client(bucket).get_object_tagging(Bucket=bucket, Key=key)
        except StoreError as error:
            if error.code == "NoSuchTagSet":
                return []
            if error.code in UNKNOWN or error.status in {403, 405, 501}:
                return None
            raise
        return [Tag(Key=tag["Key"], Value=tag["Value"]) for tag in reply.get("TagSet", [])]

    def set_tags(self, bucket: str, key: str, tags: list[Tag]) -> None:
        """Replace the tags."""
        with s3_errors(self.host):
            client = self.client(bucket)
            if tags:
                wanted: Any = [{"Key": tag.Key, "Value": tag.Value} for tag in tags]
                client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": wanted})
            else:
                client.delete_object_tagging(Bucket=bucket, Key=key)

    def copy_in_place(
        self, bucket: str, key: str, head: Mapping[str, Any], *, version_id: str | None = None, **replaced: Any
    ) -> None:
        """Copy the content described by ``head`` onto its key; ``replaced`` replaces all its metadata.

        Storage class, encryption, locks and, if they can be read, access rights are kept. Raises :class:`Conflict` if
        the object has changed.
        """
        if head["ContentLength"] > MAX_COPY_BYTES:
            raise TooLarge(
                f"{key} is larger than 5 GiB. S3 can change this only by copying the object, up to that size."
            )
        source: Any = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
        extra: dict[str, Any] = {name: head[name] for name in KEPT_HEADERS if head.get(name)}
        if replaced:
            extra |= {name: head[name] for name in LOCKS if head.get(name)} | replaced
            extra["MetadataDirective"] = "REPLACE"
        until = extra.get("ObjectLockRetainUntilDate")
        if until and until <= datetime.now(UTC):
            del extra["ObjectLockMode"], extra["ObjectLockRetainUntilDate"]
        access = self._access(bucket, key, version_id)
        if sent := self.if_match(head.get("ETag")):
            extra["CopySourceIfMatch"] = sent
        elif not version_id and head.get("ETag") and self.unchanged(bucket, key, head["ETag"]) is None:
            raise Conflict(f"{key} has changed since it was read. Reload and try again.")
        try:
            with s3_errors(self.host):
                self._clients.get(bucket, once=True, patient=True).copy_object(
                    Bucket=bucket, Key=key, CopySource=source, **extra
                )
        except StoreError as error:
            if error.status == 412:
                raise Conflict(f"{key} has changed since it was read. Reload and try again.") from error
            raise
        if access and self._access(bucket, key, None) != access:
            self._set_access(bucket, key, access)

    def _access(self, bucket: str, key: str, version_id: str | None) -> Any:
        """Return the access control list; None if it cannot be read."""
        extra: Any = {"VersionId": version_id} if version_id else {}
        try:
            with s3_errors(self.host):
                reply = self.client(bucket).get_object_acl(Bucket=bucket, Key=key, **extra)
        except StoreError:
            return None
        return {"Owner": reply["Owner"], "Grants": reply["Grants"]} if reply.get("Grants") else None

    def _set_access(self, bucket: str, key: str, access: Any) -> None:
        try:
            with s3_errors(self.host):
                self.client(bucket).put_object_acl(Bucket=bucket, Key=key, AccessControlPolicy=access)
        except StoreError as error:
            raise StoreError(
                f"{key} was changed, but its access control list could not be restored: {error}",
                code=error.code,
                status=error.status,
            ) from error
