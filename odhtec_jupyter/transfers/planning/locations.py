"""The files at a URI: those of a source, the bytes of one of them, and its target.

Functions that list or look up files block and run in threads.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.keys import MAX_KEY_BYTES
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.object import ObjectHead
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.source import RangedSource
from odhtec_jupyter.stores.workspace.file import WorkspaceFile
from odhtec_jupyter.stores.workspace.hidden import HIDDEN_FILE, hidden_error
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.planning.selection import look_up, never
from odhtec_jupyter.transfers.targets.s3_target import S3Target
from odhtec_jupyter.transfers.targets.workspace_target import WorkspaceTarget
from odhtec_jupyter.uris import HubUri, S3Uri, Uri, WorkspaceUri

# Object metadata that says which file of the hub an object is.
HUB_REPO, HUB_REPO_TYPE, HUB_COMMIT, HUB_ETAG = "hf-repo", "hf-repo-type", "hf-commit", "hf-etag"
HUB_METADATA = frozenset({HUB_REPO, HUB_REPO_TYPE, HUB_COMMIT, HUB_ETAG})


@dataclass(frozen=True)
class Stores:
    """The stores of one run of a transfer, and the token that was entered for it."""

    s3: S3Store
    hub: HubStore
    workspace: WorkspaceStore
    token: str | None = None


@dataclass(frozen=True)
class Entry:
    """A file of a source. ``path`` is relative to the requested source; ``pin`` identifies the current content."""

    path: str
    uri: Uri
    size: int
    pin: str
    modified: datetime | None = None
    error: OdhTecError | None = None  # why it cannot be read

    @property
    def is_hidden(self) -> bool:
        """Whether it exists but is hidden."""
        return self.error is not None and self.error.code == HIDDEN_FILE


def entries(stores: Stores, uri: Uri, is_stopped: Callable[[], bool] = never) -> Iterator[list[Entry]]:
    """Yield the files at ``uri`` in pages. Raises :class:`StoreError` (NoSuchKey) if there are none. Blocks."""
    pages: Iterator[list[Entry]]
    if isinstance(uri, HubUri):
        pages = _hub_entries(stores, uri, is_stopped)
    elif isinstance(uri, S3Uri):
        pages = _s3_entries(stores.s3, uri)
    else:
        pages = _workspace_entries(stores.workspace, uri)
    found = False
    for page in pages:
        found = found or bool(page)
        yield page
    if not found:
        raise StoreError(f"{uri} does not exist.", code="NoSuchKey")


def named_entries(
    stores: Stores, folder: Uri, names: Sequence[str], is_stopped: Callable[[], bool] = never
) -> Iterator[list[Entry]]:
    """Yield the files of ``names`` in a folder, with paths relative to the folder. Blocks.

    Raises :class:`StoreError` (NoSuchKey) for a name that does not exist.
    """

    def look(name: str) -> list[Entry]:
        return [replace(entry, path=name) for page in entries(stores, folder.below(name)) for entry in page]

    yield from look_up(look, [name for name in names if not name.endswith("/")], is_stopped)
    for name in names:
        if name.endswith("/"):
            for page in entries(stores, folder.below(name)):
                yield [replace(entry, path=name + entry.path) for entry in page]


def _hub_entries(stores: Stores, uri: HubUri, is_stopped: Callable[[], bool]) -> Iterator[list[Entry]]:
    repo = stores.hub.repo(
        uri.repo, repo_type=uri.repo_type, revision=uri.revision, token=stores.token, is_stopped=is_stopped
    )
    stores.hub.require_access(repo, stores.token)
    pinned = HubUri(repo.repo, repo.repo_type, repo.commit)
    if uri.is_folder:
        files = [file for file in repo.files if file.path.startswith(uri.path)]
        start = len(uri.path)
    else:
        files = [file for file in repo.files if file.path == uri.path]
        start = len(uri.path) - len(uri.name)
    yield [Entry(file.path[start:], pinned.below(file.path), file.size, hub_pin(file)) for file in files]


def _s3_entries(store: S3Store, uri: S3Uri) -> Iterator[list[Entry]]:
    if not uri.is_folder:
        head = store.head(uri.bucket, uri.key)
        if head is not None:
            yield [Entry(uri.name, uri, head.size, head.etag or "", head.last_modified)]
        return
    for page in store.walk(uri.bucket, uri.key):
        yield [
            Entry(item.Key[len(uri.key) :], S3Uri(uri.bucket, item.Key), item.Size, item.ETag or "", item.LastModified)
            for item in page
        ]


def _workspace_entries(store: WorkspaceStore, uri: WorkspaceUri) -> Iterator[list[Entry]]:
    found = store.head(uri.path)
    if found is None:
        return
    if not found.is_folder:
        if uri.is_folder:
            raise BadRequest(f"{uri} ends in a slash, but is a file.")
        yield [_workspace_entry(found, uri.name)]
        return
    if not uri.is_folder:
        raise BadRequest(f"{uri} is a folder. Add a slash at the end to select its content.")
    yield from ([_workspace_entry(file, file.path[len(uri.path) :]) for file in page] for page in store.walk(uri.path))


def _workspace_entry(file: WorkspaceFile, path: str) -> Entry:
    error: OdhTecError | None = Conflict(file.error, code="NotReadable") if file.error else None
    if file.is_hidden:
        error = hidden_error(file.path)
    return Entry(path, WorkspaceUri(file.path), file.size, file.pin, file.modified, error)


def hub_pin(file: HubFile) -> str:
    """Return the hub's etag with its kind."""
    return f"{'sha256' if file.lfs else 'blob'}:{file.etag}"


def source_of(stores: Stores, uri: Uri, size: int, pin: str) -> RangedSource:
    """Return the source of a file's bytes; reading fails if its content no longer matches ``pin``."""
    if isinstance(uri, HubUri):
        kind, _, etag = pin.partition(":")
        file = HubFile(path=uri.path, size=size, etag=etag, lfs=kind == "sha256")
        return stores.hub.source(uri.repo, uri.repo_type, uri.revision, file, stores.token)
    if isinstance(uri, S3Uri):
        return stores.s3.source(uri.bucket, uri.key, size, pin)
    return stores.workspace.source(uri.path, size, pin)


def stat(stores: Stores, uri: Uri) -> Entry | None:
    """Return the current state of a file; None if it is gone, or in the hub, where it cannot change. Blocks."""
    if isinstance(uri, S3Uri):
        head = stores.s3.head(uri.bucket, uri.key)
        return Entry("", uri, head.size, head.etag or "", head.last_modified) if head else None
    if isinstance(uri, WorkspaceUri):
        file = stores.workspace.head(uri.path)
        return _workspace_entry(file, "") if file else None
    return None


def target_of(stores: Stores, source: Uri, pin: str, target: Uri, *, if_absent: bool) -> S3Target | WorkspaceTarget:
    """Return the target of a file, with the content type, metadata and headers to store. Blocks."""
    if isinstance(target, WorkspaceUri):
        stores.workspace.require_visible(target.path)  # the rules can have changed since the plan
        return WorkspaceTarget(stores.workspace, target.path, if_absent)
    if isinstance(target, HubUri):
        raise BadRequest("target: the hub is read-only.")
    content_type = mimetypes.guess_type(target.key)[0] or "application/octet-stream"
    place = S3Target(stores.s3, target.bucket, target.key, content_type, if_absent=if_absent)
    if isinstance(source, HubUri):
        return _with(place, content_type, hub_metadata(source, pin), {})
    if isinstance(source, S3Uri):
        head = stores.s3.unchanged(source.bucket, source.key, pin)
        if head is None:
            raise VerificationError(f"{source} changed while it was being copied.", code="SourceChanged")
        return as_stored(place, head)
    return place


def as_stored(place: S3Target, head: ObjectHead) -> S3Target:
    """Return a target with the content type, metadata and headers of the source object."""
    return _with(place, head.content_type or place.content_type, dict(head.metadata), head.headers)


def _with(place: S3Target, content_type: str | None, metadata: dict[str, str], headers: dict[str, str]) -> S3Target:
    return S3Target(place.store, place.bucket, place.key, content_type, metadata, headers, place.if_absent)


def hub_metadata(source: HubUri, pin: str) -> dict[str, str]:
    """Return the metadata that names the origin of an object, by which a second import recognizes it."""
    return {
        HUB_REPO: source.repo,
        HUB_REPO_TYPE: source.repo_type,
        HUB_COMMIT: source.revision,
        HUB_ETAG: pin.partition(":")[2],
    }


def check_key(uri: Uri) -> None:
    """Raise :class:`BadRequest` for a key that is too long for S3."""
    if isinstance(uri, S3Uri) and len(uri.key.encode()) > MAX_KEY_BYTES:
        raise BadRequest(f"The key of {uri.name} would be longer than {MAX_KEY_BYTES} bytes.")
