"""What one S3 store can do: found out once, and kept as long as the connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Abilities:
    """What this store can do, as far as it has been found out."""

    deletes_many: bool = True  # it knows DeleteObjects
    refuses_put: bool | None = None  # a PUT with If-None-Match replaces nothing; None before it was tried
    compares_etags: bool = True  # it takes the ETag that it has told as a condition
    lists_v2: bool = True  # it knows ListObjectsV2, or takes it for ListObjects
