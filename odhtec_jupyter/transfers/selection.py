"""What a user has chosen in a bucket: keys, which are exact, and prefixes, which stand for all below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import S3Object
from odhtec_jupyter.stores.s3 import S3Store
from odhtec_jupyter.stores.s3_object import ObjectHead

LOOKUPS = 16  # HEAD requests at once


class Selection:
    """Each object once, however often it was named. Methods block."""

    def __init__(self, bucket: str, keys: Sequence[str], prefixes: Sequence[str]) -> None:
        """An empty prefix is the whole bucket. Raises :class:`BadRequest` for one that is no folder."""
        if bad := [prefix for prefix in prefixes if prefix and not prefix.endswith("/")]:
            # "foo" as a prefix would take "foobar" along.
            raise BadRequest(f"prefix: {bad[0]!r} must end in a slash.")
        self.bucket = bucket
        self.prefixes: list[str] = []
        for prefix in sorted(set(prefixes)):
            if not self.prefixes or not prefix.startswith(self.prefixes[-1]):
                self.prefixes.append(prefix)
        folders = tuple(self.prefixes)
        self.keys = [key for key in dict.fromkeys(keys) if not key.startswith(folders)]

    @property
    def folder(self) -> str:
        """The folder that all of it stands in."""
        first, *others = [*self.keys, *(prefix.rstrip("/") for prefix in self.prefixes)]
        folder = first[: first.rfind("/") + 1]
        while any(not other.startswith(folder) for other in others):
            folder = folder[: folder.rstrip("/").rfind("/") + 1]
        return folder

    def heads(self, store: S3Store) -> dict[str, ObjectHead | None]:
        """The keys, with None for what is not there."""
        if not self.keys:
            return {}
        with ThreadPoolExecutor(min(LOOKUPS, len(self.keys)), thread_name_prefix="odhtec-look") as threads:
            heads = threads.map(lambda key: store.head(self.bucket, key), self.keys)
            return dict(zip(self.keys, heads, strict=True))

    def pages(self, store: S3Store, heads: Mapping[str, ObjectHead | None]) -> Iterator[list[S3Object]]:
        """All objects, in the order of S3's listings."""
        for name in sorted([*self.keys, *self.prefixes], key=str.encode):
            if name not in heads:
                yield from store.walk(self.bucket, name)
            elif head := heads[name]:
                yield [S3Object(Key=name, Size=head.size, LastModified=head.last_modified, ETag=head.etag)]
