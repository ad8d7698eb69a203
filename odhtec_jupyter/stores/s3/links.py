"""Links that work without credentials until they expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from odhtec_jupyter.models import PresignedUrl
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.wire.errors import s3_errors


class S3Links(S3Base):
    """Calls that sign links."""

    def presign(
        self, bucket: str, key: str, method: Literal["GET", "PUT"], expires_in: int, *, disposition: str
    ) -> PresignedUrl:
        """Return a link to read or write this key. ``disposition`` is the Content-Disposition of the reply to a reader.

        A link expires with the credentials that signed it. If their expiry is known, it limits that of the link.
        """
        self.require_bucket(bucket)
        self.policy.require_presign(method, expires_in)
        self._clients.guard.require_method(method)
        params: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if method == "GET":
            params["ResponseContentDisposition"] = disposition
        with s3_errors(self.host):
            client = self.client(bucket)
            now = datetime.now(UTC)
            temporary, end = self._clients.keys.end()
            if end is not None:
                expires_in = max(1, min(expires_in, int((end - now).total_seconds())))
            operation = "get_object" if method == "GET" else "put_object"
            url = client.generate_presigned_url(operation, Params=params, ExpiresIn=expires_in)
        return PresignedUrl(
            url=url,
            method=method,
            expires_at=now + timedelta(seconds=expires_in),
            may_end_earlier=temporary and end is None,
        )
