"""The condition of a write: ``If-Match`` or ``If-None-Match`` of the request.

It is checked by HEAD and not by S3, because Ceph RGW 16 and 18 refuse a PUT whose If-Match is met, and complete a
multipart upload whether or not the condition is met.
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
    """The ETag that the object must have; None requires that there is no object."""

    etag: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> WriteCondition | None:
        """Return the condition of a request, or None. Raises :class:`BadRequest` for an unsupported condition."""
        match, none_match = headers.get("If-Match"), headers.get("If-None-Match")
        if match is not None and none_match is not None:
            raise BadRequest("If-Match and If-None-Match cannot be combined.")
        if none_match is not None:
            if none_match.strip() != "*":
                raise BadRequest("If-None-Match: only * is supported for uploads.")
            return cls(None)
        if match is None:
            return None
        # A proxy that compresses replies turns each ETag into a weak one.
        if not re.fullmatch(r'(?:W/)?"[^"]+"', match.strip()):
            raise BadRequest("If-Match must be one ETag in double quotes.")
        return cls(opaque(match))

    def require(self, store: S3Store, bucket: str, key: str) -> ObjectHead | None:
        """Check the condition and return the existing object. Raises :class:`StoreError` (412) if not met. Blocks.

        Also raises if S3 does not permit the check, unless S3 itself refuses a write that would replace an object.
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
