"""Appending to an object. S3 cannot append, so the object is uploaded again with the new bytes at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.display import size as shown
from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.reader import ObjectReader
from odhtec_jupyter.client.files.writer import MAX_SINGLE_REQUEST_BYTES, DeferredSender, ObjectWriter
from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, TooLarge, VerificationError

if TYPE_CHECKING:
    from odhtec_jupyter.client.api import Api
    from odhtec_jupyter.models import ObjectDetails, StoredObject

MAX_APPENDED_BYTES = 256 * 1024 * 1024  # of an object that is sent again for each append


class ObjectAppender(ObjectWriter):
    """A writer that starts at the end of an object, or creates it.

    The object is read and uploaded again when the file is closed. If it has changed since it was opened, closing raises
    an error.
    """

    def __init__(self, api: Api, bucket: str, key: str, *, autocommit: bool = True) -> None:
        name = f"s3://{bucket}/{key}"
        with file_errors(name):
            self._existing = _existing(api, bucket, key, name)
        super().__init__(api, bucket, key, autocommit=autocommit)
        self.mode = "ab"
        self._written = self._existing.Size if self._existing is not None else 0

    def _begin(self, api: Api, location: tuple[str, str], options: dict[str, Any]) -> DeferredSender:
        return _AppendingSender(api, location, options, self._existing)


def _existing(api: Api, bucket: str, key: str, name: str) -> ObjectDetails | None:
    try:
        details = api.get_details(bucket, key)
    except StoreError as error:
        if error.code == "NoSuchBucket" or error.status != 404:
            raise
        return None
    if details.Size > MAX_APPENDED_BYTES:
        raise TooLarge(
            f"{name} has {shown(details.Size)}. Appending uploads the object again, so it is limited to "
            f"{shown(MAX_APPENDED_BYTES)}: write the new data to another object."
        )
    if details.ContentEncoding not in {None, "", "identity"}:
        raise BadRequest(
            f"{name} has the content encoding {details.ContentEncoding}, so it is not possible to append to it."
        )
    return details


class _AppendingSender(DeferredSender):
    """Keeps the new bytes, and sends them after those of the object."""

    def __init__(
        self, api: Api, location: tuple[str, str], options: dict[str, Any], existing: ObjectDetails | None
    ) -> None:
        super().__init__(api, location, options)
        self._existing = existing
        self._etag: str | None = None
        if existing is not None:
            with file_errors(self._name):
                # The ETag of reads, which may differ from that of the details.
                size, self._etag = api.head_object(*location)
            if self._etag is None or size != existing.Size:
                self.abort()
                raise self._changed() if self._etag else _no_etag(self._name)

    @property
    def _name(self) -> str:
        return f"s3://{self._location[0]}/{self._location[1]}"

    def finish(self, last: bytes) -> StoredObject | None:
        """Send all data if the object has not changed."""
        self._file.write(last)
        existing = self._existing
        total = self._file.tell() + (existing.Size if existing is not None else 0)
        condition = {"If-None-Match": "*"} if existing is None else {"If-Match": str(self._etag)}
        try:
            stored = self._api.put_object(
                *self._location,
                b"".join(self._chunks()) if total <= MAX_SINGLE_REQUEST_BYTES else self._chunks,
                "overwrite",
                condition=condition,
                content_type=existing.ContentType if existing is not None else None,
            )
        except StoreError as error:
            if error.status != 412 or existing is None:
                raise
            raise self._changed() from None
        self._file.close()
        return stored

    def _chunks(self) -> Iterator[bytes]:
        if self._existing is not None and self._existing.Size:
            with ObjectReader(self._api, *self._location) as reader:
                if reader.etag != self._etag:
                    raise self._changed()
                block = memoryview(bytearray(MAX_SINGLE_REQUEST_BYTES))
                while length := reader.readinto(block):
                    yield bytes(block[:length])
        yield from super()._chunks()

    def _changed(self) -> OdhTecError:
        text = f"{self._name} has changed since it was opened, so nothing was appended. Open it again."
        return VerificationError(text, code="SourceChanged")


def _no_etag(name: str) -> OdhTecError:
    return StoreError(
        f"The store reports no ETag for {name}, so changes by others could be lost. Write the whole object instead.",
        code="NoETag",
    )
