"""Buckets that were seen a moment ago: a 404 to a HEAD does not say whether the object or the bucket is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

KNOWN_SECONDS = 60.0
MAX_BUCKETS = 1000


class KnownBuckets:
    """The buckets that S3's replies of the last minute have shown to exist; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, float] = {}  # the time of the last reply

    def add(self, bucket: str) -> None:
        """Remember that the bucket exists."""
        if len(self._seen) >= MAX_BUCKETS and bucket not in self._seen:
            self._seen = {}
        self._seen[bucket] = self._clock()

    def discard(self, bucket: str) -> None:
        """Forget a bucket that was deleted or that S3 does not find."""
        self._seen.pop(bucket, None)

    def note(self, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        """Handle botocore's event after a call: learn from S3's reply."""
        # Not public in botocore; without it, only the replies to ObjectRequests are known.
        bucket = context.get("s3_redirect", {}).get("bucket")
        if not bucket:
            return
        if model.name == "DeleteBucket" or parsed.get("Error", {}).get("Code") == "NoSuchBucket":
            self.discard(bucket)
        elif http_response.status_code < 300:
            self.add(bucket)

    def __contains__(self, bucket: str) -> bool:
        seen = self._seen.get(bucket)
        return seen is not None and self._clock() - seen < KNOWN_SECONDS
