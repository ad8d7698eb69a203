"""Checks whether a key is free. Without permission to list a bucket, S3 replies 403 for a missing key."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from odhtec_jupyter.errors import Forbidden, OdhTecError, StoreError
from odhtec_jupyter.stores.s3.base import S3Base
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.wire.errors import s3_errors

MAX_UNSEEN = 10_000  # folders


class S3Existing(S3Base):
    """Checks before a write that must not overwrite anything."""

    def existing(self, bucket: str, key: str, *, in_parts: bool = False) -> ObjectHead | None:
        """Return the object at a key; None if there is none.

        Also None if S3 does not say so, but a write with If-None-Match cannot overwrite the object. Raises
        :class:`Forbidden` if it could. The first 403 costs a small object, which is deleted immediately: it shows
        whether this store supports conditions.
        """
        try:
            return self.head(bucket, key)
        except StoreError as error:
            if error.status != 403:
                raise
            self._note_hidden(bucket, key)
            if self.is_amazon:
                return None
            # Ceph RGW ignores If-None-Match on copies and on Complete. That one of our own objects is visible proves
            # nothing: those of other users are not.
            if not in_parts and self._refuses(bucket, key):
                return None
            raise Forbidden(
                f"S3 does not report whether {key} exists in {bucket}, so this could replace it. Request the permission"
                " s3:ListBucket, or choose to overwrite."
            ) from error

    def is_hidden(self, bucket: str, key: str) -> bool:
        """Return whether S3 has refused to say what is in the key's folder."""
        return len(self._unseen) > MAX_UNSEEN or (bucket, _folder(key)) in self._unseen

    def _note_hidden(self, bucket: str, key: str) -> None:
        if len(self._unseen) <= MAX_UNSEEN:  # with more, all count as hidden, which costs a request for each key
            self._unseen.add((bucket, _folder(key)))

    def require_guard(self, bucket: str, key: str, *, in_parts: bool) -> None:
        """Check again if the check of the plan was refused. Raises as :meth:`existing` does."""
        if self.is_hidden(bucket, key):
            self.existing(bucket, key, in_parts=in_parts)

    def seen(self, bucket: str, key: str) -> ObjectHead | None:
        """Return the object at a key for a plan, which writes nothing. If S3 refuses, the write finds out."""
        try:
            return self.head(bucket, key)
        except StoreError as error:
            if error.status != 403:
                raise
            self._note_hidden(bucket, key)
            return None

    def _refuses(self, bucket: str, key: str) -> bool:
        """Return whether a PUT with If-None-Match does not overwrite."""
        if self.abilities.refuses_put is None:
            self.abilities.refuses_put = self._probe(bucket, _folder(key))
        return bool(self.abilities.refuses_put)

    def _probe(self, bucket: str, folder: str) -> bool | None:
        probe: Any = {"Bucket": bucket, "Key": f"{folder}.odhtec-probe-{secrets.token_hex(8)}"}
        try:
            with s3_errors(self.host):
                self.client(bucket).delete_object(**probe)
        except StoreError as error:
            if error.status != 403:
                raise
            return None  # without permission to delete, the probe could not be removed
        with s3_errors(self.host):
            self.client(bucket).put_object(**probe, Body=b"")
        try:
            try:
                with s3_errors(self.host):
                    self.client(bucket).put_object(**probe, Body=b"", IfNoneMatch="*")
            except StoreError as error:
                return error.status == 412
            return False
        finally:
            with suppress(OdhTecError), s3_errors(self.host):
                self.client(bucket).delete_object(**probe)


def _folder(key: str) -> str:
    return key[: key.rfind("/") + 1]
