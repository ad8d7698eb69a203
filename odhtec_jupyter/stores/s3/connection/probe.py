"""An object that is written to find out what a store allows and supports, and that is removed again."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import Any

from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.stores.s3.connection.clients import S3Clients
from odhtec_jupyter.stores.s3.wire.errors import s3_errors

PROBE_PREFIX = ".odhtec-probe-"
CONTENT = b"Written by the test of a connection, and removed again.\n"
OTHER_CONTENT = b"A checksum of other bytes."


class ProbeObject:
    """One key in one bucket. All calls are sent once, and raise :class:`OdhTecError`."""

    def __init__(self, clients: S3Clients, bucket: str, key: str) -> None:
        self._clients = clients
        self._where: Any = {"Bucket": bucket, "Key": key}
        self._versions: set[str] = set()  # in a bucket with versioning
        self.upload_id: str | None = None  # of a multipart upload that was started and not aborted
        self.key = key
        self.is_stored = False  # True from before the first PUT: its reply can get lost

    @property
    def _client(self) -> Any:
        return self._clients.get(self._where["Bucket"], once=True)

    def put(self, **options: Any) -> str:
        """Store the object and return its ETag as the store has sent it, without quotes. ``options`` are boto3's."""
        self._clients.guard.require_method("PUT")  # otherwise nothing is sent that would have to be removed
        self.is_stored = True
        with s3_errors(self._clients.host):
            reply = self._client.put_object(**self._where, Body=CONTENT, **options)
        if version := reply.get("VersionId"):
            self._versions.add(version)
        return str(reply.get("ETag") or "").strip('"')

    def put_with_wrong_md5(self) -> None:
        """Store the object with the checksum of other bytes."""
        digest = hashlib.md5(OTHER_CONTENT, usedforsecurity=False).digest()
        self.put(ContentMD5=base64.b64encode(digest).decode())

    @property
    def md5(self) -> str:
        """The MD5 of the content, which many stores use as ETag."""
        return hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()

    def is_intact(self) -> bool:
        """Read the object, and return whether it has the bytes that were written."""
        with s3_errors(self._clients.host):
            reply = self._client.get_object(**self._where)
            try:
                return bool(reply["Body"].read(len(CONTENT) + 1) == CONTENT)
            finally:
                reply["Body"].close()

    def start_multipart(self) -> None:
        """Start a multipart upload."""
        with s3_errors(self._clients.host):
            upload_id = self._client.create_multipart_upload(**self._where).get("UploadId")
        if not upload_id:
            raise StoreError(f"The S3 store at {self._clients.host} returned no ID for an upload.", code="InvalidReply")
        self.upload_id = str(upload_id)

    def abort_multipart(self) -> None:
        """Abort the multipart upload that was started."""
        if self.upload_id is None:
            return
        with s3_errors(self._clients.host):
            self._client.abort_multipart_upload(**self._where, UploadId=self.upload_id)
        self.upload_id = None

    def remove(self) -> None:
        """Delete the object, with the versions that were written, and abort its upload.

        Raises the error of the deletion, after everything was tried.
        """
        with suppress(OdhTecError):
            self.abort_multipart()
        if not self.is_stored:
            return
        with s3_errors(self._clients.host):
            marker = self._client.delete_object(**self._where).get("VersionId")
        self.is_stored = False
        for version in self._versions | ({marker} if marker else set()):
            with s3_errors(self._clients.host):
                self._client.delete_object(**self._where, VersionId=version)
        self._versions.clear()
