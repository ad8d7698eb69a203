"""The tags of a stored object, where the store did not take them from the request that created it."""

from __future__ import annotations

from operator import attrgetter

from odhtec_jupyter.stores.s3.tagging import TAGGING, tags_in
from odhtec_jupyter.transfers.targets.s3_target import S3Target


def keep_tags(target: S3Target) -> None:
    """Make sure that a stored object has its tags. Blocks.

    Ceph RGW drops the tags that a multipart upload is created with.
    """
    if written := target.headers.get(TAGGING):
        tags = tags_in(written)
        by_key = attrgetter("Key")  # a store can return them in any order
        if sorted(target.store.tags(target.bucket, target.key) or (), key=by_key) != sorted(tags, key=by_key):
            target.store.set_tags(target.bucket, target.key, tags)
