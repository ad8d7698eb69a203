"""Lists of a bucket: one level, everything below a prefix, and its size."""

from __future__ import annotations

from collections.abc import Iterator

from odhtec_jupyter.models import CommonPrefix, ObjectList, S3Object, Usage
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.stores.step import Step


class S3Lister(S3Base):
    """Calls that list objects."""

    def list_objects(self, bucket: str, prefix: str, *, max_keys: int, token: str | None) -> ObjectList:
        """Return one page of the level below ``prefix``."""
        page = self.list_page(bucket, prefix, delimiter="/", max_keys=max_keys, token=token)
        return ObjectList(
            objects=page.objects,
            prefixes=[CommonPrefix(Prefix=prefix) for prefix in page.folders],
            next_continuation_token=page.next_token,
            is_truncated=page.next_token is not None,
        )

    def walk(self, bucket: str, prefix: str) -> Iterator[list[S3Object]]:
        """Yield every object below ``prefix``, page by page."""
        for page in self._pages(bucket, prefix, None):
            yield page.objects

    def page(self, bucket: str, prefix: str, token: str = "") -> ListPage:
        """Return the first 1000 objects below ``prefix``, or the page at ``token``."""
        return self.list_page(bucket, prefix, token=token)

    def usage(self, bucket: str, prefix: str, *, token: str | None, step: Step) -> Usage:
        """Count what is below ``prefix``, starting at ``token``, in one step."""
        count = total = 0
        for page in self._pages(bucket, prefix, token):
            count += len(page.keys)
            total += sum(page.sizes())
            token = page.next_token
            if step.is_over():
                break
        return Usage(objects=count, bytes=total, next_continuation_token=token, is_truncated=token is not None)

    def _pages(self, bucket: str, prefix: str, token: str | None) -> Iterator[ListPage]:
        while True:
            page = self.list_page(bucket, prefix, token=token)
            yield page
            token = page.next_token
            if token is None:
                return
