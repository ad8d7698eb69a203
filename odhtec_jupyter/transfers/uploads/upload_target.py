"""The target of an upload: its content type, and what happens when the key already exists."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Collection

from odhtec_jupyter.errors import Conflict, StoreError
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.s3.tagging import tagging_headers
from odhtec_jupyter.transfers.locations.hub_metadata import HUB_METADATA
from odhtec_jupyter.transfers.planning.free_names import free_name
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.write_condition import WriteCondition

# Content types that clients send when they know nothing about the file.
MEANINGLESS = {"", "application/octet-stream", "application/x-www-form-urlencoded"}


def content_type(key: str, sent_type: str | None) -> str:
    """Return the client's content type, or a guess from the key where it is missing or meaningless."""
    if sent_type and sent_type.split(";")[0].strip().lower() not in MEANINGLESS:
        return sent_type
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def conditional_target(
    store: S3Store, bucket: str, key: str, sent_type: str | None, condition: WriteCondition
) -> S3Target:
    """Return a target for exactly this key if ``condition`` holds; it is checked again before the object is visible.

    An overwrite replaces the bytes only: metadata and tags are kept, except for those that describe the bytes.
    """
    there = condition.require(store, bucket, key)
    metadata = {} if there is None else {k: v for k, v in there.metadata.items() if k not in HUB_METADATA}
    headers = {} if there is None else {k: v for k, v in there.headers.items() if k != "Content-Encoding"}
    if there is not None:
        headers |= tagging_headers(store.tags(bucket, key))
    absent = condition.etag is None
    return S3Target(store, bucket, key, content_type(key, sent_type), metadata, headers, absent, condition=condition)


def choose_target(
    store: S3Store,
    bucket: str,
    key: str,
    sent_type: str | None,
    on_conflict: str,
    reserved: Collection[str] = (),
    *,
    in_parts: bool = False,
) -> S3Target | None:
    """Return the target; None if the object exists and is skipped. Blocks.

    ``sent_type`` is the client's content type; a new name is not one of ``reserved``. Raises :class:`Conflict` when the
    key exists and ``on_conflict`` is ``fail``, 404 when the bucket does not.
    """

    def target(name: str) -> S3Target:
        absent = on_conflict != "overwrite"
        return S3Target(store, bucket, name, content_type=content_type(key, sent_type), if_absent=absent)

    if on_conflict == "overwrite":
        try:
            store.head(bucket, key)
        except StoreError as error:
            if error.status != 403:  # the keys may allow writing but not reading
                raise
        return target(key)
    present = store.existing(bucket, key, in_parts=in_parts) is not None
    if on_conflict == "rename" and (present or key in reserved):
        return target(free_name(key, _taken(store, bucket, reserved)))
    if not present:
        return target(key)
    if on_conflict == "fail":
        raise Conflict(f"{key} already exists in {bucket}. Choose whether to overwrite, skip or rename.")
    return None


def _taken(store: S3Store, bucket: str, reserved: Collection[str]) -> Callable[[str], bool]:
    return lambda name: name in reserved or store.existing(bucket, name) is not None
