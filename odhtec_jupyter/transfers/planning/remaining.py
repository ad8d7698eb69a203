"""Objects of earlier imports of a repository at the target whose files the new revision does not have.

The metadata of each imported object names its repository and commit. Such objects are removed only after all files of
the new revision have been imported, only if the request lists them, and only if they have not changed since. Blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from odhtec_jupyter.errors import BadRequest, Cancelled, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.models import RemainingObject, RemainingObjects
from odhtec_jupyter.models.hub import MAX_REMAINING
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.transfers.locations.hub_metadata import HUB_COMMIT, HUB_REPO, HUB_REPO_TYPE
from odhtec_jupyter.transfers.locations.location import Entry
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.plan import Planned
from odhtec_jupyter.transfers.runtime.lookups import look_up, raise_if_stopped
from odhtec_jupyter.uris import HubUri, S3Uri

MAX_LISTING_PAGES = 10  # of the target
MAX_LOOKUPS = MAX_REMAINING  # objects whose metadata is read
FEW_LOOKUPS = 200  # the same, if objects of another revision are unlikely
MAX_COMMITS = 10  # whose files are compared with their objects
_COMMIT = re.compile(r"[0-9A-Za-z._-]{1,100}")


class ObjectChanged(VerificationError):
    """The object has changed since it was listed for removal."""


def find_remaining(
    stores: Stores, source: HubUri, target: S3Uri, paths: Collection[str], most: int, is_stopped: Callable[[], bool]
) -> RemainingObjects | None:
    """Return the objects below ``target`` that are of another commit of ``source`` and not among its ``paths``.

    Returns None if there are none, and a truncated result without objects if not all objects were compared.

    Only objects at the path to which an import of their commit writes them count, because a folder below can hold an
    import of its own. Reads the metadata of at most ``most`` objects. Raises :class:`Cancelled`.
    """
    store = stores.s3_of(target)
    wanted = {target.key + path for path in paths}
    others: list[str] = []
    truncated = False
    try:
        for number, page in enumerate(store.walk(target.bucket, target.key)):
            raise_if_stopped(is_stopped)
            others += [item.Key for item in page if item.Key not in wanted and not item.Key.endswith("/")]
            if truncated := number + 1 >= MAX_LISTING_PAGES or len(others) > most:
                break
    except StoreError as error:
        if error.status != 403:
            raise
        return None
    del others[most:]
    heads = look_up(lambda key: _head(store, target.bucket, key), others, is_stopped)
    found = [
        RemainingObject(key=key, size=head.size, ETag=head.etag or "", commit=commit)
        for key, head in zip(others, heads, strict=True)
        if head and (commit := _commit(head, source)) and commit != source.revision
    ]
    commits = list(dict.fromkeys(item.commit for item in found))
    revisions = {commit: replace(source, revision=commit) for commit in commits[:MAX_COMMITS]}
    files = {commit: _files_of(stores, revision, is_stopped) for commit, revision in revisions.items()}
    found = [item for item in found if item.key[len(target.key) :] in files.get(item.commit, ())]
    truncated = truncated or len(commits) > MAX_COMMITS
    if not found and not truncated:
        return None
    return RemainingObjects(
        commits=list(dict.fromkeys(item.commit for item in found)),
        objects=found,
        bytes_total=sum(item.size for item in found),
        is_truncated=truncated,
    )


def plan_removal(
    source: HubUri, target: S3Uri, named: Sequence[RemainingObject], planned: Sequence[Planned]
) -> list[Planned]:
    """Return the removals as part of a plan. Raises :class:`BadRequest` for objects that this import cannot remove."""
    places = {str(one.target) for one in planned}
    removals = []
    for item in {item.key: item for item in named}.values():
        place = target.with_path(item.key)
        if not item.key.startswith(target.key) or item.key == target.key:
            raise BadRequest(f"remove: {item.key!r} is not below {target}.")
        if str(place) in places:
            raise BadRequest(f"remove: {item.key!r} belongs to the imported revision.")
        if item.commit == source.revision or not _COMMIT.fullmatch(item.commit):
            raise BadRequest(f"remove: {item.key!r} does not belong to another revision.")
        path = item.key[len(target.key) :]
        of = HubUri(source.repo, source.repo_type, item.commit, path)
        removals.append(Planned(Entry(path, of, item.size, item.ETag), place, "remove"))
    return removals


def remove_unchanged(store: S3Store, place: S3Uri, source: HubUri, pin: str) -> None:
    """Delete an object if it has not changed. Raises :class:`ObjectChanged`."""
    head = store.head(place.bucket, place.key)
    if head is None:
        return
    if not head.matches(pin) or _commit(head, source) != source.revision:
        raise ObjectChanged("The object has changed since it was listed, so it was not removed.", code="SourceChanged")
    store.delete_exactly(place.bucket, place.key)


def _head(store: S3Store, bucket: str, key: str) -> ObjectHead | None:
    try:
        return store.head(bucket, key)
    except StoreError as error:
        if error.status != 403:
            raise
        return None


def _files_of(stores: Stores, source: HubUri, is_stopped: Callable[[], bool]) -> set[str]:
    """Return the paths of a revision's files; an empty set if the hub no longer has the revision."""
    try:
        return {entry.path for page in stores.entries(source, is_stopped) for entry in page}
    except OdhTecError as error:
        if error.transient or isinstance(error, Cancelled):
            raise
        return set()


def _commit(head: ObjectHead, source: HubUri) -> str | None:
    """Return the commit that an object is of; None if it is not of this repository or its metadata does not say."""
    metadata = head.metadata
    # Objects of earlier versions have no type in their metadata.
    if metadata.get(HUB_REPO) != source.repo or metadata.get(HUB_REPO_TYPE, source.repo_type) != source.repo_type:
        return None
    commit = metadata.get(HUB_COMMIT, "")
    return commit if _COMMIT.fullmatch(commit) else None
