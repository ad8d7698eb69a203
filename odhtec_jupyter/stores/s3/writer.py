"""Calls that create objects: a PUT, a copy within S3, or the parts of a multipart upload."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from odhtec_jupyter.errors import Forbidden, OdhTecError, StoreError
from odhtec_jupyter.stores.s3.connection.clients import COPY_TIMEOUT
from odhtec_jupyter.stores.s3.connection.signing import SAFE
from odhtec_jupyter.stores.s3.existing import S3Existing
from odhtec_jupyter.stores.s3.object import object_headers, object_params
from odhtec_jupyter.stores.s3.source import changed
from odhtec_jupyter.stores.s3.tagging import refused_tags
from odhtec_jupyter.stores.s3.wire.errors import answer_error, require_result, s3_errors, xml_text
from odhtec_jupyter.stores.s3.wire.etag import quoted

WRONG_DIGEST = "WrongDigest"  # the code of the error for an object with different bytes than were sent
# Ceph RGW decodes the source of a part copy twice: a%2Fb would be read from a/b.
TWICE_DECODED = frozenset("%+?")


class S3Writer(S3Existing):
    """Calls that write."""

    def put(
        self,
        bucket: str,
        key: str,
        blocks: Iterable[memoryview],
        size: int,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
        md5: bytes | None = None,
    ) -> str | None:
        """Store a whole object with one PUT. Returns the ETag, if S3 sends it.

        With ``if_absent``, S3 is asked to refuse if the key exists. ``headers`` are those of
        :attr:`ObjectHead.headers`.
        """
        self.policy.require_size(size)
        sent = object_headers(content_type, metadata, headers)
        if if_absent:
            sent["If-None-Match"] = "*"
        with refused_tags(self.host, bucket, key, headers):
            etag = quoted(self._send("PutObject", bucket, key, {}, sent, blocks, size, md5))
        if etag is None:
            # The object is stored: an error now would be wrong, and a retry would find the object of the first try.
            with suppress(OdhTecError):  # there can be permission to write but not to read
                head = self.head(bucket, key)
                etag = head.etag if head and head.size == size else None
        return etag

    def copy(
        self,
        bucket: str,
        key: str,
        source_bucket: str,
        source_key: str,
        *,
        etag: str,
        size: int | None = None,
        if_absent: bool = False,
    ) -> str | None:
        """Copy an object of up to 5 GiB within S3, with its metadata and tags. Returns the ETag, if S3 sends it.

        ``size`` is that of the source, which is looked up if the policy has a limit.

        Raises :class:`VerificationError` if the source is no longer what ``etag`` says (on a store that ignores
        conditions, the target then has the newer content), and ``PreconditionFailed`` if the target exists and
        ``if_absent`` is set.
        """
        if size is None and self.policy.max_object_bytes:
            head = self.head(source_bucket, source_key)
            size = head.size if head else None
        self.policy.require_size(size)
        self.require_bucket(source_bucket)  # as a whole: in the header, a slash would end it
        sent = {"x-amz-copy-source": quote(f"{source_bucket}/{source_key}", safe=SAFE)}
        if if_absent:
            sent["If-None-Match"] = "*"
            if not self.is_amazon:  # most other stores ignore the header on a copy
                self._require_free(bucket, key)

        def copy(condition: Mapping[str, str]) -> str | None:
            if condition:
                sent["x-amz-copy-source-if-match"] = condition["CopySourceIfMatch"]
            else:
                sent.pop("x-amz-copy-source-if-match", None)
            response = self._requests.send("CopyObject", "PUT", bucket, key, headers=sent, timeout=COPY_TIMEOUT)
            text = self._requests.text(response)
            require_result(text, self.host, "CopyObject")
            return quoted(xml_text(text, "ETag"))

        def is_free() -> bool:
            return not if_absent or self.existing(bucket, key, in_parts=True) is None

        copied: str | None = self._while_unchanged(source_bucket, source_key, etag, copy, is_free)
        # Another ETag is normal for an object of a multipart upload. But it can also be that the store, unlike Amazon,
        # has ignored the condition.
        if copied != etag and not (self.is_amazon and self.if_match(etag)):
            self._require_unchanged(source_bucket, source_key, etag)
        return copied

    def _require_free(self, bucket: str, key: str) -> None:
        """Raise an error for a copy that would overwrite an object, or for which that cannot be found out."""
        try:
            existing = self.existing(bucket, key, in_parts=True)
        except Forbidden as error:  # then the object is read and written, which is slower but does not overwrite
            raise StoreError(str(error), code="NotImplemented") from error
        if existing is not None:
            raise StoreError(f"{key} already exists in {bucket}.", code="PreconditionFailed")

    def _require_unchanged(self, bucket: str, key: str, etag: str) -> None:
        if self.unchanged(bucket, key, etag) is None:
            raise changed(bucket, key)

    def _while_unchanged(
        self,
        bucket: str,
        key: str,
        etag: str,
        copy: Callable[[dict[str, str]], Any],
        is_free: Callable[[], bool] = lambda: True,
    ) -> Any:
        """Call ``copy`` with a condition on its source; without it if the store compares ETags in its own way."""
        condition = {"CopySourceIfMatch": sent} if (sent := self.if_match(etag)) else {}
        if not condition:
            self._require_unchanged(bucket, key, etag)
        try:
            return copy(condition)
        except StoreError as error:
            if error.status != 412:
                raise
            # 412 does not say which condition failed, so check the source.
            self._require_unchanged(bucket, key, etag)
            if not condition or self.is_amazon or not is_free():
                raise
        self.abilities.compares_etags = False
        return copy({})

    # --- multipart ------------------------------------------------------------------------------------------------

    def create_multipart(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Start a multipart upload and return its ID. Nothing is visible until it is completed.

        It is not retried, because each request that reaches S3 starts another upload.
        """
        extra = object_params(content_type, metadata, headers)
        with refused_tags(self.host, bucket, key, headers), s3_errors(self.host):
            client = self._clients.get(bucket, once=True)
            upload_id = client.create_multipart_upload(Bucket=bucket, Key=key, **extra).get("UploadId")
        if not upload_id:
            raise StoreError(f"The S3 store at {self.host} returned no ID for an upload of {key}.", code="InvalidReply")
        return upload_id

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
        """Store one part of ``size`` bytes and return its ETag."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        etag = self._send("UploadPart", bucket, key, query, {}, blocks, size, md5)
        # A weak ETag is not normalized: completing the upload requires it unchanged.
        return quoted(etag) or etag or self._listed_part(bucket, key, upload_id, number, size)

    def _listed_part(self, bucket: str, key: str, upload_id: str, number: int, size: int) -> str:
        """Return the ETag of a part from a list, if the reply to its PUT had none: completing an upload requires it."""
        with s3_errors(self.host):
            reply: Any = self.client(bucket).list_parts(
                Bucket=bucket, Key=key, UploadId=upload_id, PartNumberMarker=number - 1, MaxParts=1
            )
        for part in reply.get("Parts", []):
            if part.get("PartNumber") == number and part.get("Size") == size and (etag := quoted(part.get("ETag"))):
                return etag
        raise StoreError(f"The S3 store at {self.host} returned no ETag for a part of {key}.", code="NoETag")

    def copy_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        source_bucket: str,
        source_key: str,
        *,
        start: int,
        end: int,
        etag: str,
    ) -> str:
        """Store bytes ``start`` to ``end`` (exclusive) of an object within S3 as one part and return its ETag.

        Raises :class:`VerificationError` if the source is no longer what ``etag`` says, and ``NotImplemented`` for keys
        that a store could confuse with others: their objects must be read and written.
        """
        if not self.is_amazon and TWICE_DECODED & set(source_key):
            raise StoreError(f"{source_key} cannot be copied in parts.", code="NotImplemented")
        self.policy.require_size(end)
        source: Any = {"Bucket": source_bucket, "Key": source_key}

        def copy(condition: Any) -> Any:
            with s3_errors(self.host):
                return self._clients.get(bucket, once=True, patient=True).upload_part_copy(
                    Bucket=bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySource=source,
                    CopySourceRange=f"bytes={start}-{end - 1}",
                    **condition,
                )

        reply = self._while_unchanged(source_bucket, source_key, etag, copy)
        stored = quoted(reply.get("CopyPartResult", {}).get("ETag"))
        stored = stored or self._listed_part(bucket, key, upload_id, number, end - start)
        # Ceph RGW ignores the condition here, so check the source before anything becomes visible.
        self._require_unchanged(source_bucket, source_key, etag)
        return stored

    def _send(
        self,
        operation: str,
        bucket: str,
        key: str,
        query: Mapping[str, str],
        headers: dict[str, str],
        blocks: Iterable[memoryview],
        size: int,
        md5: bytes | None,
    ) -> str | None:
        """PUT bytes block by block from memory and return the ETag."""
        if md5:
            headers["Content-MD5"] = base64.b64encode(md5).decode()
        body = blocks if size else b""
        response = self._requests.send(
            operation, "PUT", bucket, key, query=query, headers=headers, body=body, size=size
        )
        self._requests.text(response)
        if response.status != 200:
            raise answer_error(response.status, "", "", operation)
        etag: str | None = response.headers.get("ETag")
        is_md5 = self.abilities.hashes_etags and etag and _is_md5(etag, response.headers)
        if etag and md5 and is_md5 and etag.strip('"') != md5.hex():
            # The store should have refused them because of Content-MD5.
            raise StoreError(f"The S3 store at {self.host} stored different bytes than were sent.", code=WRONG_DIGEST)
        return etag or None

    def complete_multipart(
        self, bucket: str, key: str, upload_id: str, etags: Sequence[str], *, if_absent: bool = False
    ) -> str | None:
        """Complete an upload with its parts in order, which makes the object visible.

        Returns the ETag, if S3 sends it.
        """
        extra: dict[str, Any] = {"IfNoneMatch": "*"} if if_absent else {}
        parts: Any = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        with s3_errors(self.host):
            # Without retries: the caller must know about a lost reply.
            reply = self._clients.get(bucket, once=True).complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **extra
            )
        return quoted(reply.get("ETag"))


def _is_md5(etag: str, headers: Mapping[str, str]) -> bool:
    """Return whether an ETag is the MD5 of the bytes, which it is not with SSE-KMS and SSE-C."""
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return False
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        return False
    return re.fullmatch(r'"?[0-9a-f]{32}"?', etag) is not None
