"""A user's selection in a bucket: exact keys, and prefixes, which select everything below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import S3Object
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.runtime.lookups import look_up, never


class Selection:
    """The selected objects, each once even if it is selected several times. Methods block."""

    def __init__(self, bucket: str, keys: Sequence[str], prefixes: Sequence[str]) -> None:
        """An empty prefix selects the whole bucket. Raises :class:`BadRequest` for a prefix that is not a folder."""
        if bad := [prefix for prefix in prefixes if prefix and not prefix.endswith("/")]:
            # The prefix "foo" would also select "foobar".
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
        """The deepest folder that contains the whole selection."""
        first, *others = [*self.keys, *(prefix.rstrip("/") for prefix in self.prefixes)]
        folder = first[: first.rfind("/") + 1]
        while any(not other.startswith(folder) for other in others):
            folder = folder[: folder.rstrip("/").rfind("/") + 1]
        return folder

    def heads(self, store: S3Store, is_stopped: Callable[[], bool] = never) -> dict[str, ObjectHead | None]:
        """Return the keys with their heads, None for a missing object. Raises :class:`Cancelled`."""
        heads = look_up(lambda key: store.head(self.bucket, key), self.keys, is_stopped)
        return dict(zip(self.keys, heads, strict=True))

    def pages(self, store: S3Store, heads: Mapping[str, ObjectHead | None]) -> Iterator[list[S3Object]]:
        """Yield all objects in the order of S3's listings."""
        for name in sorted([*self.keys, *self.prefixes], key=str.encode):
            if name not in heads:
                yield from store.walk(self.bucket, name)
            elif head := heads[name]:
                yield [S3Object(Key=name, Size=head.size, LastModified=head.last_modified, ETag=head.etag)]
