"""An object, or everything whose key starts with a prefix."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from odhtec_jupyter.errors import BadRequest, OdhTecError, VerificationError
from odhtec_jupyter.keys import MAX_KEY_BYTES
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.tagging import tagging_headers
from odhtec_jupyter.stores.s3.wire.etag import is_dated
from odhtec_jupyter.stores.source import Checksum, Pin, RangedSource
from odhtec_jupyter.transfers.journal.pending_writes import PendingWrite
from odhtec_jupyter.transfers.locations.existing_objects import ExistingObjects
from odhtec_jupyter.transfers.locations.hub_metadata import HUB_ETAG
from odhtec_jupyter.transfers.locations.location import (
    Entry,
    Existing,
    Location,
    ObjectAttributes,
    changed_before_deletion,
)
from odhtec_jupyter.transfers.runtime.engine import Engine
from odhtec_jupyter.transfers.runtime.parts import PART_SIZE
from odhtec_jupyter.transfers.targets.pending_multipart import drop_pending
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.uris import S3Uri, Uri


@dataclass(frozen=True)
class S3Location:
    """A :class:`WritableLocation` of S3. Its pins are ETags."""

    store: S3Store
    uri: S3Uri
    can_change = True
    whole_up_to = PART_SIZE

    @property
    def host(self) -> str:
        """The host of the store."""
        return self.store.host

    def entries(self, is_stopped: Callable[[], bool]) -> Iterator[list[Entry]]:
        """Yield its objects."""
        bucket, key = self.uri.bucket, self.uri.key
        if not self.uri.is_folder:
            head = self.store.head(bucket, key)
            if head is not None:
                yield [_entry(head, self.uri, self.uri.name)]
            return
        for page in self.store.walk(bucket, key):
            yield [
                Entry(item.Key[len(key) :], self.uri.with_path(item.Key), item.Size, item.ETag or "", item.LastModified)
                for item in page
            ]

    def stat(self) -> Entry | None:
        """Return the current state of the object; None if it does not exist."""
        head = self.store.head(self.uri.bucket, self.uri.key)
        return _entry(head, self.uri, "") if head else None

    def source(self, size: int, pin: Pin) -> RangedSource:
        """Return the source of the object's bytes. Raises :class:`VerificationError` if an empty object has changed."""
        bucket, key = self.uri.bucket, self.uri.key
        # No range of it will be read, in whose reply a change would be found.
        if size == 0 and self.store.unchanged(bucket, key, str(pin)) is None:
            raise VerificationError(f"{self.uri} changed while it was being copied.", code="SourceChanged")
        return self.store.source(bucket, key, size, str(pin))

    def attributes(self, pin: Pin) -> ObjectAttributes:
        """Return the content type, metadata, headers and tags of the object."""
        head = self.store.unchanged(self.uri.bucket, self.uri.key, str(pin))
        if head is None:
            raise VerificationError(f"{self.uri} changed while it was being copied.", code="SourceChanged")
        headers = head.headers
        # Some stores do not say whether there are tags. Asking for those of each small object would cost too much.
        if head.tag_count or head.size > PART_SIZE:
            headers |= tagging_headers(self.store.tags(self.uri.bucket, self.uri.key))
        return ObjectAttributes(head.content_type, head.metadata, headers)

    def require_writable(self) -> None:
        """Raise :class:`BadRequest` for a key that is too long for S3."""
        if len(self.uri.key.encode()) > MAX_KEY_BYTES:
            raise BadRequest(f"The key of {self.uri.name} would be longer than {MAX_KEY_BYTES} bytes.")

    def left_out(self, found: str) -> OdhTecError | None:
        """Return None: no key is hidden."""
        return None

    def existing(
        self, targets: Sequence[Uri], sources: Sequence[Entry], is_stopped: Callable[[], bool]
    ) -> ExistingObjects:
        """Return what exists at the targets. Many are listed, few are looked up one by one."""
        return ExistingObjects(self.store, self.uri, targets, sources, is_stopped)

    def has_content(self, source: Entry, existing: Existing) -> bool:
        """Return whether the object was imported from this file of the hub, or has the ETag of this object."""
        if existing.size != source.size:
            return False
        if isinstance(source.pin, Checksum):
            return (existing.metadata or {}).get(HUB_ETAG) == source.pin.digest
        return source.pin == existing.etag != "" and not is_dated(source.pin)

    def target(
        self, source: Location, size: int, pin: Pin, *, if_absent: bool, planned_earlier: bool = False
    ) -> S3Target:
        """Return the target of an object, with the content type, metadata and headers of its source."""
        bucket, key = self.uri.bucket, self.uri.key
        attributes = source.attributes(pin)
        if planned_earlier and if_absent:
            self.store.seen(bucket, key)  # finds out whether HEAD is allowed
        content_type = attributes.content_type or mimetypes.guess_type(key)[0] or "application/octet-stream"
        return S3Target(
            self.store, bucket, key, content_type, attributes.metadata, attributes.headers, if_absent=if_absent
        )

    def delete(self, pin: Pin, *, folder: str | None = None) -> None:
        """Delete the object if it has not changed."""
        bucket, key = self.uri.bucket, self.uri.key
        head = self.store.head(bucket, key)
        if head is None:
            return
        if (head.etag or "") != pin and self.store.unchanged(bucket, key, str(pin)) is None:
            raise changed_before_deletion(self.uri)
        self.store.delete_exactly(bucket, key)

    def remove_empty_folders(self, paths: Collection[str]) -> None:
        """Do nothing: folders of S3 exist only as objects."""

    async def drop(self, engine: Engine, entry: PendingWrite) -> bool:
        """Abort the multipart upload; return False for an upload to another store."""
        return entry.endpoint == self.store.host and await drop_pending(engine, self.store, entry)


def _entry(head: ObjectHead, uri: S3Uri, path: str) -> Entry:
    return Entry(path, uri, head.size, head.etag or "", head.last_modified)
