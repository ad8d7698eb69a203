"""What an S3 store supports, found out once and kept for the lifetime of the connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Abilities:
    """What this store supports, as far as it is known."""

    deletes_many: bool = True  # supports DeleteObjects
    refuses_put: bool | None = None  # a PUT with If-None-Match does not overwrite; None until it was tried
    compares_etags: bool = True  # accepts the ETags it returns as conditions
    hashes_etags: bool = True  # an ETag that looks like an MD5 of the stored bytes is one
    lists_v2: bool = True  # supports ListObjectsV2, or treats it as ListObjects
