"""What has to be at a key for a write to happen: ``If-Match`` and ``If-None-Match`` of the caller.

Looked at by HEAD and not left to S3: Ceph RGW 16 and 18 refuse a PUT whose If-Match is right, and put parts together
whatever the condition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from odhtec_jupyter.errors import BadRequest, StoreError
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.wire.etag import opaque


@dataclass(frozen=True)
class WriteCondition:
    """The ETag that must be there; without one nothing may be there."""

    etag: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> WriteCondition | None:
        """That of a request; None when it has none. Raises :class:`BadRequest` for one that cannot be met."""
        match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
        if match is not None and none_match is not None:
            raise BadRequest("If-Match and If-None-Match cannot be combined.")
        if none_match is not None:
            if none_match.strip() != "*":
                raise BadRequest("If-None-Match: only * is supported for uploads.")
            return cls(None)
        if match is None:
            return None
        # A proxy that packs replies makes a weak ETag of each that it passes on.
        if not re.fullmatch(r'(?:W/)?"[^"]+"', match.strip()):
            raise BadRequest("If-Match must be one ETag in double quotes.")
        return cls(opaque(match))

    def require(self, store: S3Store, bucket: str, key: str) -> ObjectHead | None:
        """Look; what is there. Raises :class:`StoreError` with 412 when it is not what must be. Blocks.

        A refusal to look is an error, too, unless S3 itself will refuse a write that would replace something.
        """
        head = store.existing(bucket, key) if self.etag is None else store.head(bucket, key)
        if self.etag is None and head is not None:
            raise _failed(f"{key} already exists in {bucket}.")
        if self.etag is not None and head is None:
            raise _failed(f"{key} no longer exists in {bucket}.")
        if self.etag is not None and head is not None and not head.matches(self.etag):
            raise _failed(f"{key} has changed since it was read. Reload and try again.")
        return head


def _failed(message: str) -> StoreError:
    return StoreError(message, code="PreconditionFailed")
