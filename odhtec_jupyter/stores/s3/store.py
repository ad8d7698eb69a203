"""The S3 store. Only the modules of this folder talk to S3.

Everything here blocks and runs in threads; a store is thread-safe and belongs to one connection for its lifetime.
Checksums are sent and checked only where S3 requires them: Ceph RGW 16 refuses boto3's default trailers over https,
RGW 18 leaves ``Content-Encoding: aws-chunked`` behind. What was written is verified by the engine instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from odhtec_jupyter.errors import OdhTecError, StoreError, Unreachable, clipped
from odhtec_jupyter.models import (
    Bucket,
    BucketList,
    DeleteReply,
    KeyFailure,
    Owner,
)
from odhtec_jupyter.stores.daemon_threads import DaemonThreads
from odhtec_jupyter.stores.s3.connection.amazon import US_EAST
from odhtec_jupyter.stores.s3.details import S3Details
from odhtec_jupyter.stores.s3.links import S3Links
from odhtec_jupyter.stores.s3.multiparts import S3Multiparts
from odhtec_jupyter.stores.s3.object import ObjectBody, condition_headers
from odhtec_jupyter.stores.s3.search import S3Searcher
from odhtec_jupyter.stores.s3.source import S3Source
from odhtec_jupyter.stores.s3.versions import S3Versions
from odhtec_jupyter.stores.s3.wire.errors import CREDENTIALS, answer_error, s3_errors
from odhtec_jupyter.stores.s3.wire.etag import is_dated
from odhtec_jupyter.stores.s3.writer import S3Writer

DELETE_BATCH = 1000
# Keys for one bucket cannot list buckets, and some gateways do not support the list.
REFUSED = {400, 401, 403, 404, 405, 501}
SINGLE_DELETES = 8  # in parallel, if the store does not support DeleteObjects
WRONG_LOCATION = {"IllegalLocationConstraintException", "InvalidLocationConstraint"}
# A reply that does not say what was deleted is treated the same.
NOT_IMPLEMENTED = {"NotImplemented", "XNotImplemented", "MethodNotAllowed", "InvalidReply"}


class S3Store(S3Searcher, S3Writer, S3Details, S3Versions, S3Links, S3Multiparts):
    """One S3 service with one set of credentials."""

    # --- buckets --------------------------------------------------------------------------------------------------

    def list_buckets(self) -> BucketList:
        """Return all buckets, or only the default one, marked as not listable, if S3 refuses the list.

        Buckets that the policy does not allow are left out.
        """
        default = self.connection.default_bucket
        if default and not self.policy.allows_bucket(self.name, default):
            default = None
        try:
            with s3_errors(self.host):
                reply = self.client().list_buckets()
        except StoreError as error:
            if error.code in CREDENTIALS or error.status not in REFUSED:
                raise
            known = [Bucket(Name=default)] if default else []
            return BucketList(owner=None, default_bucket=default, buckets=known, listable=False)
        owner = reply.get("Owner")
        return BucketList(
            owner=Owner.model_validate(owner) if owner else None,
            default_bucket=default,
            buckets=[
                Bucket(Name=bucket["Name"], CreationDate=bucket.get("CreationDate"))
                for bucket in reply.get("Buckets") or []
                if bucket.get("Name") and self.policy.allows_bucket(self.name, bucket["Name"])
            ],
            listable=True,
        )

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket in the region of the endpoint, else in that of the connection."""
        region = self._clients.region
        try:
            self._create_bucket(bucket, region if self.is_amazon and region != US_EAST else None)
        except StoreError as error:
            # Some stores require the region here, most do not know it.
            if self.is_amazon or not self.connection.region or error.code not in WRONG_LOCATION:
                raise
            self._create_bucket(bucket, region)
        self._clients.forget_region(bucket)

    def _create_bucket(self, bucket: str, location: str | None) -> None:
        extra: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": location}} if location else {}
        with s3_errors(self.host):
            self.client().create_bucket(Bucket=bucket, **extra)

    def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket."""
        with s3_errors(self.host):
            self.client(bucket).delete_bucket(Bucket=bucket)
        self._clients.forget_region(bucket)

    # --- objects --------------------------------------------------------------------------------------------------

    def open(self, bucket: str, key: str, *, head: bool = False, **conditions: Any) -> ObjectBody:
        """Send a GET (or HEAD) with S3's conditions (``Range``, ``IfMatch``, ``IfNoneMatch``, ``IfModifiedSince``).

        Raises :class:`StoreError` with status 304, 412 or 416 if a condition fails.
        """
        pin, seen = conditions.pop("IfMatch", None), conditions.get("IfNoneMatch")
        if is_dated(seen):
            del conditions["IfNoneMatch"]
        sent = self.if_match(pin)
        try:
            body = self._open(bucket, key, head, {**conditions, "IfMatch": sent} if sent else conditions)
        except StoreError as error:
            if error.status != 412 or not sent or "VersionId" in conditions or not self.unchanged(bucket, key, sent):
                raise
            # The ETag is correct, but the store compares it with another notation of it.
            self.abilities.compares_etags = False
            body = self._open(bucket, key, head, conditions)
        if pin and not body.matches(pin):
            body.close()
            raise answer_error(412, "PreconditionFailed", "", "GetObject")
        if is_dated(seen) and body.etag == seen:
            body.close()
            raise answer_error(304, "NotModified", "", "GetObject")
        return body

    def _open(self, bucket: str, key: str, head: bool, conditions: dict[str, Any]) -> ObjectBody:
        if head:
            reply = self.head_reply(bucket, key, **conditions)
            meta = reply["ResponseMetadata"]
            return ObjectBody(meta["HTTPStatusCode"], meta["HTTPHeaders"], None, self.host, reply["ContentLength"])
        version = {name: conditions[name] for name in ("VersionId",) if name in conditions}
        response = self._requests.read(
            "GetObject",
            "GET",
            bucket,
            key,
            query={"versionId": version["VersionId"]} if version else {},
            headers=condition_headers(conditions),
        )
        headers = {name.lower(): response.headers[name] for name in response.headers}
        body = ObjectBody(response.status, headers, response, self.host)
        if body.end is None and not body.is_chunked:
            # Without a size, a broken connection would look like the end of the object.
            try:
                body.size = self.head_reply(bucket, key, **version)["ContentLength"]
            except BaseException:
                body.close()
                raise
        return body

    def source(self, bucket: str, key: str, size: int, etag: str) -> S3Source:
        """Return the source of an object with the ETag ``etag``."""
        return S3Source(self.open, self.unchanged, bucket, key, size, etag, self.host)

    def delete_exactly(self, bucket: str, key: str) -> DeleteReply:
        """Delete one key. S3 reports no error for a missing key."""
        with s3_errors(self.host):
            self.client(bucket).delete_object(Bucket=bucket, Key=key)
        return DeleteReply(deleted=[key], errors=[])

    def delete(self, bucket: str, keys: Sequence[str]) -> DeleteReply:
        """Delete these keys, in batches."""
        result = DeleteReply(deleted=[], errors=[])
        single = [key for key in keys if not _fits_xml(key)]
        batched = [key for key in keys if _fits_xml(key)]
        for start in range(0, len(batched), DELETE_BATCH):
            batch = batched[start : start + DELETE_BATCH]
            try:
                if not self.abilities.deletes_many:
                    raise answer_error(501, "NotImplemented", "", "DeleteObjects")
                with s3_errors(self.host):
                    reply = self.client(bucket).delete_objects(
                        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                    )
            except StoreError as error:
                if error.status not in {405, 501} and error.code not in NOT_IMPLEMENTED:
                    raise
                self.abilities.deletes_many = False
                single += batch
                continue
            failed = [KeyFailure.model_validate(_failure(item)) for item in reply.get("Errors", [])]
            gone = {item.Key for item in failed}
            result.errors += failed
            result.deleted += [key for key in batch if key not in gone]
        if single:
            with DaemonThreads(SINGLE_DELETES, thread_name_prefix="odhtec-delete") as threads:
                lost: list[Unreachable] = []
                failures = threads.map(lambda key: self._delete_one(bucket, key, lost), single)
                for key, failure in zip(single, failures, strict=True):
                    if failure is None:
                        result.deleted.append(key)
                    else:
                        result.errors.append(failure)
        return result

    def _delete_one(self, bucket: str, key: str, lost: list[Unreachable]) -> KeyFailure | None:
        """Delete a key, unless the store became unreachable (``lost``): every key would wait for it as long."""
        try:
            if lost:
                raise lost[0]
            self.delete_exactly(bucket, key)
        except Unreachable as error:  # a failure of this key only: the deleted keys must be reported
            lost.append(error)
            return _failed(key, error)
        except StoreError as error:
            return _failed(key, error)
        return None


def _failed(key: str, error: OdhTecError) -> KeyFailure:
    return KeyFailure(Key=key, Code=error.code, Message=str(error))


def _failure(item: Mapping[str, Any]) -> dict[str, Any]:
    code, message = clipped(item.get("Code", ""), 64), clipped(item.get("Message", ""))
    return {"Key": item.get("Key", ""), "Code": code, "Message": message}


def _fits_xml(key: str) -> bool:
    """Return whether DeleteObjects can name a key: XML 1.0 has no control characters and normalizes line ends."""
    return not re.search(r"[\x00-\x1f\x7f\ufffe\uffff]", key)
