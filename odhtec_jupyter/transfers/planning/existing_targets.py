"""What exists at the targets of a transfer before it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.planning.locations import Entry, Stores
from odhtec_jupyter.transfers.planning.selection import PARALLEL_LOOKUPS, look_up, raise_if_stopped
from odhtec_jupyter.uris import HubUri, S3Uri, Uri, WorkspaceUri


@dataclass(frozen=True)
class Existing:
    """The object or file at a target. ``metadata`` is None if it was not requested."""

    size: int
    etag: str | None
    modified: datetime | None
    metadata: dict[str, str] | None = None


class ExistingTargets:
    """What exists at the targets. Many targets are listed, few are looked up one by one."""

    def __init__(
        self,
        stores: Stores,
        target: Uri,
        found: Sequence[Entry],
        places: Sequence[Uri],
        is_stopped: Callable[[], bool],
    ) -> None:
        self._stores = stores
        self._is_stopped = is_stopped
        self._known: dict[str, Existing | None] = {}
        self._all = False  # the complete listing below the target is known
        if isinstance(target, S3Uri):
            keys = [place.key for place in places if isinstance(place, S3Uri)]
            self._bucket = target.bucket
            self._all = len(keys) > PARALLEL_LOOKUPS and self._list(stores.s3, target, len(keys) // PARALLEL_LOOKUPS)
            from_hub = bool(found) and isinstance(found[0].uri, HubUri)
            if not self._all:
                asked = keys
            elif from_hub:  # only HEAD returns the metadata, which names the file of the hub
                sizes = {key: entry.size for key, entry in zip(keys, found, strict=True)}
                asked = [key for key in keys if (known := self._known.get(key)) and known.size == sizes[key]]
            else:
                asked = []
            for key, existing in zip(asked, look_up(self._head, asked, is_stopped), strict=True):
                self._known[key] = existing

    def get(self, place: Uri) -> Existing | None:
        """Return what exists at ``place``, or None."""
        if isinstance(place, S3Uri):
            if place.key in self._known or self._all:
                return self._known.get(place.key)
            return self._head(place.key)
        assert isinstance(place, WorkspaceUri)
        if place.is_folder:
            return None
        file = self._stores.workspace.head(place.path)
        return Existing(file.size, None, file.modified) if file else None

    def metadata(self, place: S3Uri) -> dict[str, str]:
        """Return the metadata of an object, empty if there is none."""
        existing = self.get(place)
        return (existing and existing.metadata) or {}

    def is_taken(self, place: Uri) -> bool:
        """Return whether something exists at ``place``."""
        return self.get(place) is not None

    def _head(self, key: str) -> Existing | None:
        head = self._stores.s3.seen(self._bucket, key)
        return Existing(head.size, head.etag, head.last_modified, dict(head.metadata)) if head else None

    def _list(self, store: S3Store, target: S3Uri, most: int) -> bool:
        """List everything below the target; return False if it has more than ``most`` pages or is not allowed."""
        found: dict[str, Existing | None] = {}
        try:
            for number, page in enumerate(store.walk(target.bucket, target.key)):
                raise_if_stopped(self._is_stopped)
                if number >= most:
                    return False
                for item in page:
                    found[item.Key] = Existing(item.Size, item.ETag, item.LastModified)
        except OdhTecError as error:
            if error.status != 403:
                raise
            return False
        self._known = found
        return True
