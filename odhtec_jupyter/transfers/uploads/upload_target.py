"""Where an upload goes: its content type, and what happens when the key exists already."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Collection
from urllib.parse import parse_qsl, quote, urlencode

from odhtec_jupyter.errors import Conflict, StoreError
from odhtec_jupyter.models import Tag
from odhtec_jupyter.stores.s3.object import TAGGING
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.planning.free_names import free_name
from odhtec_jupyter.transfers.planning.locations import HUB_METADATA
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.write_condition import WriteCondition

# Content types that clients send when they know nothing about the file.
MEANINGLESS = {"", "application/octet-stream", "application/x-www-form-urlencoded"}


def content_type(key: str, told: str | None) -> str:
    """What the sender told, unless that says nothing; then what the name suggests."""
    if told and told.split(";")[0].strip().lower() not in MEANINGLESS:
        return told
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def conditional_target(store: S3Store, bucket: str, key: str, told: str | None, condition: WriteCondition) -> S3Target:
    """The very key, if what is there now is what the writer expects; looked at again before the object is visible.

    Who writes in the place of what they have seen means the bytes: metadata and tags stay, but for what tells of the
    bytes themselves.
    """
    there = condition.require(store, bucket, key)
    metadata = {} if there is None else {k: v for k, v in there.metadata.items() if k not in HUB_METADATA}
    headers = {} if there is None else {k: v for k, v in there.headers.items() if k != "Content-Encoding"}
    if there is not None and (tags := store.tags(bucket, key)):
        headers[TAGGING] = urlencode([(tag.Key, tag.Value) for tag in tags], quote_via=quote)
    absent = condition.etag is None
    return S3Target(store, bucket, key, content_type(key, told), metadata, headers, absent, condition=condition)


def keep_tags(target: S3Target) -> None:
    """See to it that an object that has been stored has the tags it was to have. Blocks.

    Ceph RGW forgets those that a multipart upload begins with.
    """
    if written := target.headers.get(TAGGING):
        tags = [Tag(Key=key, Value=value) for key, value in parse_qsl(written, keep_blank_values=True)]
        if target.store.tags(target.bucket, target.key) != tags:
            target.store.set_tags(target.bucket, target.key, tags)


def choose_target(
    store: S3Store,
    bucket: str,
    key: str,
    told: str | None,
    on_conflict: str,
    reserved: Collection[str] = (),
    *,
    in_parts: bool = False,
) -> S3Target | None:
    """Where the object goes; None when it is there and is to be skipped. Blocks.

    ``told`` is the sender's content type; a new name is none of the ``reserved``. Raises :class:`Conflict` when the
    key exists and ``on_conflict`` is ``fail``, 404 when the bucket does not.
    """

    def target(name: str) -> S3Target:
        absent = on_conflict != "overwrite"
        return S3Target(store, bucket, name, content_type=content_type(key, told), if_absent=absent)

    if on_conflict == "overwrite":
        try:
            store.head(bucket, key)
        except StoreError as error:
            if error.status != 403:  # may write without being allowed to look
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
