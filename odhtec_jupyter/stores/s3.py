"""S3: the only module that talks to it, and the only one that knows boto3.

Everything here blocks and runs in threads; a store is thread-safe and belongs to one connection for its lifetime.
Checksums are sent and checked only where S3 requires them: Ceph RGW 16 refuses boto3's default trailers over https,
RGW 18 leaves ``Content-Encoding: aws-chunked`` behind. What was written is verified by the engine instead.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odhtec_jupyter.errors import BadRequest, NotFound, OdhTecError, StoreError
from odhtec_jupyter.models import (
    Bucket,
    BucketList,
    CommonPrefix,
    DeleteReply,
    KeyFailure,
    ObjectList,
    Owner,
    S3Object,
)
from odhtec_jupyter.network import Network
from odhtec_jupyter.settings import S3Connection
from odhtec_jupyter.stores.http import CONNECT_TIMEOUT, READ_TIMEOUT, Http, ca_file
from odhtec_jupyter.stores.s3_errors import answer_error, s3_errors
from odhtec_jupyter.stores.s3_object import ObjectBody, ObjectHead

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DELETE_BATCH = 1000
# What presigned part URLs are good for; each is used at once, retries sign anew.
URL_LIFETIME = 3600  # seconds


class S3Store:
    """One S3 service as seen with one set of credentials."""

    def __init__(self, connection: S3Connection, network: Network) -> None:
        self.connection = connection
        self._network = network
        self.http = Http(network)
        self._clients: dict[str | None, S3Client] = {}
        self._regions: dict[str, str] = {}
        self._lock = threading.Lock()
        self.host = urlsplit(connection.endpoint).netloc if connection.endpoint else "amazonaws.com"

    # --- clients --------------------------------------------------------------------------------------------------

    def client(self, bucket: str | None = None) -> S3Client:
        """The client for a bucket. On Amazon each bucket is signed for in its own region."""
        region = self._region_of(bucket) if bucket and self.connection.endpoint is None else None
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._make_client(region)
            return self._clients[region]

    def _region_of(self, bucket: str) -> str | None:
        if bucket not in self._regions:
            reply: Any
            try:
                with s3_errors(self.host):
                    reply = self.client().head_bucket(Bucket=bucket)
            except OdhTecError as error:
                # A refusal tells the region, too; anything else the call that asked will run into itself.
                reply = getattr(error.__cause__, "response", {"ResponseMetadata": {}})
            headers = reply["ResponseMetadata"].get("HTTPHeaders", {})
            region = headers.get("x-amz-bucket-region")
            if region is None:
                return None
            self._regions[bucket] = region
        return self._regions[bucket]

    def _make_client(self, region: str | None) -> S3Client:
        import boto3
        from botocore.config import Config

        connection = self.connection
        endpoint = connection.endpoint
        proxies = {
            scheme: proxy
            for scheme in ("http", "https")
            if (proxy := self._network.proxy_for(endpoint or "https://s3.amazonaws.com"))
        }
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint else "auto", "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": 2},  # the engine tries again itself
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=32,
            tcp_keepalive=True,
            proxies=proxies,  # an empty mapping keeps botocore from looking into the environment
        )
        with s3_errors(self.host):
            try:
                client = boto3.session.Session().client(
                    "s3",
                    endpoint_url=endpoint,
                    region_name=region or connection.region or "us-east-1",
                    aws_access_key_id=connection.access_key_id,
                    aws_secret_access_key=connection.secret_access_key,
                    aws_session_token=connection.session_token,
                    verify=ca_file(self._network),
                    config=config,
                )
            except ValueError as error:  # botocore's word for an endpoint it cannot use
                raise BadRequest(f"endpoint: {error}") from error
        client.meta.events.register("before-sign.s3.DeleteObjects", _add_content_md5)
        return client

    # --- buckets --------------------------------------------------------------------------------------------------

    def list_buckets(self) -> BucketList:
        """All buckets; only the default one, marked as not listable, when S3 refuses the list."""
        default = self.connection.default_bucket
        try:
            with s3_errors(self.host):
                reply = self.client().list_buckets()
        except StoreError as error:
            if error.code not in {"AccessDenied", "AllAccessDisabled"}:
                raise
            known = [Bucket(Name=default)] if default else []
            return BucketList(owner=None, default_bucket=default, buckets=known, listable=False)
        owner = reply.get("Owner")
        return BucketList(
            owner=Owner.model_validate(owner) if owner else None,
            default_bucket=default,
            buckets=[Bucket.model_validate(bucket) for bucket in reply.get("Buckets", [])],
            listable=True,
        )

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket in the connection's region."""
        region = self.connection.region
        extra: dict[str, Any] = {}
        if self.connection.endpoint is None and region and region != "us-east-1":
            extra["CreateBucketConfiguration"] = {"LocationConstraint": region}
        with s3_errors(self.host):
            self.client().create_bucket(Bucket=bucket, **extra)

    def delete_bucket(self, bucket: str) -> None:
        """Delete an empty bucket."""
        with s3_errors(self.host):
            self.client(bucket).delete_bucket(Bucket=bucket)

    # --- listing --------------------------------------------------------------------------------------------------

    def list_objects(self, bucket: str, prefix: str, *, max_keys: int, token: str | None) -> ObjectList:
        """One page of the level below ``prefix``."""
        extra: dict[str, Any] = {"ContinuationToken": token} if token else {}
        with s3_errors(self.host):
            reply = self.client(bucket).list_objects_v2(
                Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=max_keys, **extra
            )
        return ObjectList(
            objects=[S3Object.model_validate(item) for item in reply.get("Contents", [])],
            prefixes=[CommonPrefix.model_validate(item) for item in reply.get("CommonPrefixes", [])],
            next_continuation_token=reply.get("NextContinuationToken"),
            is_truncated=reply["IsTruncated"],
        )

    def walk(self, bucket: str, prefix: str) -> Iterator[list[S3Object]]:
        """Every object below ``prefix``, page by page."""
        extra: dict[str, Any] = {}
        while True:
            with s3_errors(self.host):
                reply = self.client(bucket).list_objects_v2(Bucket=bucket, Prefix=prefix, **extra)
            yield [S3Object.model_validate(item) for item in reply.get("Contents", [])]
            if not reply["IsTruncated"]:
                return
            extra["ContinuationToken"] = reply["NextContinuationToken"]

    # --- objects --------------------------------------------------------------------------------------------------

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """What is stored under exactly this key; None when nothing is. A refusal is an error, not a None."""
        try:
            with s3_errors(self.host):
                reply = self.client(bucket).head_object(Bucket=bucket, Key=key)
        except StoreError as error:
            if error.status != 404:
                raise
            self._require_bucket(bucket)
            return None
        return ObjectHead(
            reply["ContentLength"],
            reply.get("ETag"),
            reply.get("ContentType"),
            reply.get("LastModified"),
            reply.get("Metadata", {}),
        )

    def _require_bucket(self, bucket: str) -> None:
        """A 404 to a HEAD does not say which of the two is missing."""
        try:
            with s3_errors(self.host):
                self.client(bucket).head_bucket(Bucket=bucket)
        except StoreError as error:
            if error.status == 404:
                raise NotFound(f"The bucket {bucket} does not exist.", code="NoSuchBucket") from error
            if error.status != 403:  # reading objects may be allowed where asking for the bucket is not
                raise

    def open(self, bucket: str, key: str, *, head: bool = False, **conditions: Any) -> ObjectBody:
        """GET (or HEAD) with S3's own conditions (``Range``, ``IfMatch``, ``IfNoneMatch``, ``IfModifiedSince``).

        Raises :class:`StoreError` with status 304, 412 or 416 where a condition says so.
        """
        with s3_errors(self.host):
            client = self.client(bucket)
            call: Any = client.head_object if head else client.get_object
            reply = call(Bucket=bucket, Key=key, **conditions)
        meta = reply["ResponseMetadata"]
        return ObjectBody(meta["HTTPStatusCode"], meta["HTTPHeaders"], reply.get("Body"), self.host)

    def delete_exactly(self, bucket: str, key: str) -> DeleteReply:
        """Delete one key; that it was not there is as good to S3."""
        with s3_errors(self.host):
            self.client(bucket).delete_object(Bucket=bucket, Key=key)
        return DeleteReply(deleted=[key], errors=[])

    def delete(self, bucket: str, keys: Sequence[str]) -> DeleteReply:
        """Delete exactly these keys, in batches."""
        result = DeleteReply(deleted=[], errors=[])
        single = [key for key in keys if not _fits_xml(key)]
        batched = [key for key in keys if _fits_xml(key)]
        for start in range(0, len(batched), DELETE_BATCH):
            batch = batched[start : start + DELETE_BATCH]
            with s3_errors(self.host):
                reply = self.client(bucket).delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            failed = [KeyFailure.model_validate(_failure(item)) for item in reply.get("Errors", [])]
            gone = {item.Key for item in failed}
            result.errors += failed
            result.deleted += [key for key in batch if key not in gone]
        for key in single:
            try:
                with s3_errors(self.host):
                    self.client(bucket).delete_object(Bucket=bucket, Key=key)
                result.deleted.append(key)
            except StoreError as error:
                result.errors.append(KeyFailure(Key=key, Code=error.code, Message=str(error)))
        return result

    def put(
        self,
        bucket: str,
        key: str,
        blocks: Iterable[memoryview],
        size: int,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        md5: bytes | None = None,
    ) -> str:
        """Store a whole object with one PUT; the ETag. ``if_absent`` asks S3 to refuse when the key exists."""
        params: dict[str, Any] = {"Bucket": bucket, "Key": key, "Metadata": dict(metadata or {})}
        headers = {f"x-amz-meta-{name}": value for name, value in params["Metadata"].items()}
        if content_type:
            headers["Content-Type"] = params["ContentType"] = content_type
        if if_absent:
            headers["If-None-Match"] = params["IfNoneMatch"] = "*"
        return self._send("put_object", params, headers, blocks, size, md5)

    # --- multipart ------------------------------------------------------------------------------------------------

    def create_multipart(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Begin a multipart upload; its id. Nothing is visible until it is completed."""
        extra: dict[str, Any] = {"Metadata": dict(metadata or {})}
        if content_type:
            extra["ContentType"] = content_type
        with s3_errors(self.host):
            return self.client(bucket).create_multipart_upload(Bucket=bucket, Key=key, **extra)["UploadId"]

    def put_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        blocks: Iterable[memoryview],
        size: int,
        *,
        md5: bytes | None = None,
    ) -> str:
        """Store one part of ``size`` bytes; its ETag."""
        params = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
        return self._send("upload_part", params, {}, blocks, size, md5)

    def _send(
        self,
        operation: str,
        params: dict[str, Any],
        headers: dict[str, str],
        blocks: Iterable[memoryview],
        size: int,
        md5: bytes | None,
    ) -> str:
        """PUT bytes block by block as they stand in memory; the ETag.

        A presigned URL and urllib3 instead of botocore's own call, which would copy the body once more. What is
        signed as a header must be sent as that header.
        """
        headers["Content-Length"] = str(size)
        if md5:
            headers["Content-MD5"] = params["ContentMD5"] = base64.b64encode(md5).decode()
        with s3_errors(self.host):
            client = self.client(params["Bucket"])
            url = client.generate_presigned_url(operation, Params=params, ExpiresIn=URL_LIFETIME)
        response = self.http.request("PUT", url, headers=headers, body=blocks if size else b"")
        with s3_errors(self.host):
            text = response.read(65536).decode("utf-8", "replace")
        if response.status != 200:
            response.close()
            raise answer_error(response.status, _tag(text, "Code"), _tag(text, "Message"), operation)
        response.release_conn()
        etag: str | None = response.headers.get("ETag")
        if not etag:
            raise StoreError(f"The S3 store at {self.host} took bytes without an ETag.", code="NoETag", status=502)
        return etag

    def complete_multipart(
        self, bucket: str, key: str, upload_id: str, etags: Sequence[str], *, if_absent: bool = False
    ) -> str | None:
        """Put the parts together, in order; from now on the object is visible. The ETag, where S3 tells it."""
        extra: dict[str, Any] = {"IfNoneMatch": "*"} if if_absent else {}
        parts: Any = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        with s3_errors(self.host):
            reply = self.client(bucket).complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **extra
            )
        return reply.get("ETag") or None

    def abort_multipart(self, bucket: str, key: str, upload_id: str) -> None:
        """Drop an unfinished upload and its parts; one that is gone already is fine."""
        try:
            with s3_errors(self.host):
                self.client(bucket).abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
        except StoreError as error:
            if error.code not in {"NoSuchUpload", "NoSuchKey", "NoSuchBucket"}:
                raise

    def close(self) -> None:
        """Close idle connections."""
        self.http.close()
        for client in self._clients.values():
            client.close()


def _failure(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"Key": item.get("Key", ""), "Code": item.get("Code", ""), "Message": item.get("Message", "")}


def _fits_xml(key: str) -> bool:
    """DeleteObjects names keys in XML 1.0, which has no control characters and folds line ends."""
    return not re.search(r"[\x00-\x1f\x7f\ufffe\uffff]", key)


def _tag(xml: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    return match[1] if match else ""


def _add_content_md5(request: Any, **_: Any) -> None:
    """Older MinIO takes no other checksum on DeleteObjects; FIPS allows MD5 as a mere checksum."""
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()
