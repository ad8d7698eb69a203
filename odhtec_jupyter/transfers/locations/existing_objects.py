"""What exists at targets in S3 before a transfer writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.source import Checksum
from odhtec_jupyter.transfers.locations.location import Entry, Existing
from odhtec_jupyter.transfers.runtime.lookups import PARALLEL_LOOKUPS, look_up, raise_if_stopped
from odhtec_jupyter.uris import S3Uri, Uri


class ExistingObjects:
    """The objects at the targets. Many targets are listed, few are looked up one by one."""

    def __init__(
        self,
        store: S3Store,
        target: S3Uri,
        targets: Sequence[Uri],
        sources: Sequence[Entry],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._store = store
        self._bucket = target.bucket
        self._is_stopped = is_stopped
        keys = [uri.path for uri in targets]
        self._known: dict[str, Existing | None] = {}
        # Whether the complete listing below the target is known.
        self._all = len(keys) > PARALLEL_LOOKUPS and self._list(target, len(keys) // PARALLEL_LOOKUPS)
        if not self._all:
            asked = keys
        elif sources and isinstance(sources[0].pin, Checksum):
            # Only HEAD returns the metadata, which names the file of the hub.
            sizes = {key: source.size for key, source in zip(keys, sources, strict=True)}
            asked = [key for key in keys if (known := self._known.get(key)) and known.size == sizes[key]]
        else:
            asked = []
        for key, existing in zip(asked, look_up(self._head, asked, is_stopped), strict=True):
            self._known[key] = existing

    def get(self, uri: Uri) -> Existing | None:
        """Return the object at ``uri``, or None."""
        if uri.path in self._known or self._all:
            return self._known.get(uri.path)
        return self._head(uri.path)

    def _head(self, key: str) -> Existing | None:
        head = self._store.seen(self._bucket, key)
        return Existing(head.size, head.etag, head.last_modified, dict(head.metadata)) if head else None

    def _list(self, target: S3Uri, max_pages: int) -> bool:
        """List everything below the target; return False if it has more pages or that is not allowed."""
        found: dict[str, Existing | None] = {}
        try:
            for number, page in enumerate(self._store.walk(target.bucket, target.key)):
                raise_if_stopped(self._is_stopped)
                if number >= max_pages:
                    return False
                for item in page:
                    found[item.Key] = Existing(item.Size, item.ETag, item.LastModified)
        except OdhTecError as error:
            if error.status != 403:
                raise
            return False
        self._known = found
        return True
