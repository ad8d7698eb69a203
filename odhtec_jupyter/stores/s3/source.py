"""Objects of S3 as sources: ranged GETs that are pinned to the first ETag."""

from __future__ import annotations

from collections.abc import Callable

from odhtec_jupyter.errors import StoreError, VerificationError
from odhtec_jupyter.stores.s3.object import ObjectBody, ObjectHead
from odhtec_jupyter.stores.source import Checksum


class S3Source:
    """One object with one ETag, read by ranges."""

    # An ETag that looks like an MD5 is not always one, for example for encrypted objects.
    checksum: Checksum | None = None

    def __init__(
        self,
        get: Callable[..., ObjectBody],
        unchanged: Callable[[str, str, str], ObjectHead | None],
        bucket: str,
        key: str,
        size: int,
        etag: str,
        host: str,
    ) -> None:
        self.size = size
        self._get = get
        self._unchanged = unchanged
        self._bucket = bucket
        self._key = key
        self._etag = etag
        self._host = host

    def open_range(self, start: int, end: int) -> ObjectBody:
        """Open bytes ``start`` to ``end``. Raises :class:`VerificationError` if the object has changed."""
        try:
            return self._open(start, end)
        except VerificationError as error:
            if error.code != "SourceChanged":
                raise
            # The ETag can be from a list, where some stores write other ETags than in HEAD and GET.
            head = self._unchanged(self._bucket, self._key, self._etag)
            if head is None or head.etag is None or head.etag == self._etag:
                raise
            self._etag = head.etag
        return self._open(start, end)

    def _open(self, start: int, end: int) -> ObjectBody:
        try:
            body = self._get(self._bucket, self._key, Range=f"bytes={start}-{end - 1}", IfMatch=self._etag)
        except StoreError as error:
            if error.status in {412, 416}:
                raise changed(self._bucket, self._key) from error
            if error.status == 404 and error.code != "NoSuchBucket":
                raise StoreError(f"s3://{self._bucket}/{self._key} no longer exists.", code="NoSuchKey") from error
            raise
        try:
            self._check(body, start, end)
        except BaseException:
            body.close()
            raise
        return body

    def _check(self, body: ObjectBody, start: int, end: int) -> None:
        """Check the reply, because some stores ignore conditions and some ignore ranges."""
        if not body.matches(self._etag) or body.total not in {None, self.size}:
            raise changed(self._bucket, self._key)
        # The whole object can come without its length; the reader counts the bytes.
        stop = self.size if body.end is None and body.status == 200 else body.end
        if (body.start, stop) != (start, end):
            raise VerificationError(f"The S3 store at {self._host} sent a different range than requested.")


def changed(bucket: str, key: str) -> VerificationError:
    """Return the error for a source that has changed."""
    return VerificationError(f"s3://{bucket}/{key} changed while it was being read.", code="SourceChanged")
