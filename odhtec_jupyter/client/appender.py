"""Appending to an object: S3 cannot, so what is there is sent again with the new bytes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.drawing import size as shown
from odhtec_jupyter.client.file_errors import file_errors
from odhtec_jupyter.client.reader import ObjectReader
from odhtec_jupyter.client.writer import WHOLE, DeferredSender, ObjectWriter
from odhtec_jupyter.errors import BadRequest, OdhTecError, StoreError, TooLarge, VerificationError

if TYPE_CHECKING:
    from odhtec_jupyter.client.api import Api
    from odhtec_jupyter.models import ObjectDetails, StoredObject

MAX_APPENDED_BYTES = 256 * 1024 * 1024  # of an object that is sent again for each append


class ObjectAppender(ObjectWriter):
    """A writer that begins at an object's end; without an object it is a new one.

    What is there is read and sent when the file is closed. An object that changed in the meantime is an error.
    """

    def __init__(self, api: Api, bucket: str, key: str, *, autocommit: bool = True) -> None:
        name = f"s3://{bucket}/{key}"
        with file_errors(name):
            self._present = _present(api, bucket, key, name)
        super().__init__(api, bucket, key, autocommit=autocommit)
        self.mode = "ab"
        self._written = self._present.Size if self._present is not None else 0

    def _begin(self, api: Api, place: tuple[str, str], options: dict[str, Any]) -> DeferredSender:
        return _AppendingSender(api, place, options, self._present)


def _present(api: Api, bucket: str, key: str, name: str) -> ObjectDetails | None:
    try:
        details = api.get_details(bucket, key)
    except StoreError as error:
        if error.code == "NoSuchBucket" or error.status != 404:
            raise
        return None
    if details.Size > MAX_APPENDED_BYTES:
        raise TooLarge(
            f"{name} has {shown(details.Size)}, and S3 cannot append: up to {shown(MAX_APPENDED_BYTES)} are sent again "
            "for it. Write the new part as an object of its own, beside it."
        )
    if details.ContentEncoding not in {None, "", "identity"}:
        raise BadRequest(f"{name} is stored as {details.ContentEncoding}: nothing can be appended to it.")
    return details


class _AppendingSender(DeferredSender):
    """Keeps the new bytes, and sends them behind those of the object."""

    def __init__(
        self, api: Api, place: tuple[str, str], options: dict[str, Any], present: ObjectDetails | None
    ) -> None:
        super().__init__(api, place, options)
        self._present = present
        self._etag: str | None = None
        if present is not None:
            with file_errors(self._name):
                # As it will be read: the ETag that readers see.
                size, self._etag = api.head_object(*place)
            if self._etag is None or size != present.Size:
                self.give_up()
                raise self._changed() if self._etag else _no_etag(self._name)

    @property
    def _name(self) -> str:
        return f"s3://{self._place[0]}/{self._place[1]}"

    def finish(self, last: bytes) -> StoredObject | None:
        """Send all of it, where the object is still the same."""
        self._file.write(last)
        present = self._present
        total = self._file.tell() + (present.Size if present is not None else 0)
        condition = {"If-None-Match": "*"} if present is None else {"If-Match": str(self._etag)}
        try:
            stored = self._api.put_object(
                *self._place,
                b"".join(self._chunks()) if total <= WHOLE else self._chunks,
                "overwrite",
                condition=condition,
                content_type=present.ContentType if present is not None else None,
            )
        except StoreError as error:
            if error.status != 412 or present is None:
                raise
            raise self._changed() from None
        self._file.close()
        return stored

    def _chunks(self) -> Iterator[bytes]:
        if self._present is not None and self._present.Size:
            with ObjectReader(self._api, *self._place, whole=True) as reader:
                if reader.etag != self._etag:
                    raise self._changed()
                block = memoryview(bytearray(WHOLE))
                while length := reader.readinto(block):
                    yield bytes(block[:length])
        yield from super()._chunks()

    def _changed(self) -> OdhTecError:
        text = f"{self._name} has changed since it was opened: nothing was appended. Open it again."
        return VerificationError(text, code="SourceChanged")


def _no_etag(name: str) -> OdhTecError:
    return StoreError(f"Cannot append to {name}: without an ETag, changes by others could be lost.", code="NoETag")
