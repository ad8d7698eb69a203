"""A repository of the hub, a folder in it, or one of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.source import Checksum, Pin, RangedSource
from odhtec_jupyter.transfers.locations.hub_metadata import hub_metadata
from odhtec_jupyter.transfers.locations.location import Entry, ObjectAttributes
from odhtec_jupyter.uris import HubUri


@dataclass(frozen=True)
class HubLocation:
    """A :class:`Location` of the hub. Its pins are the checksums that the hub announces."""

    store: HubStore
    token: str | None
    uri: HubUri
    can_change = False  # files are read at a commit

    @property
    def host(self) -> str:
        """The host of the hub."""
        return self.store.host

    def entries(self, is_stopped: Callable[[], bool]) -> Iterator[list[Entry]]:
        """Yield its files in one page, at the commit of the revision."""
        uri = self.uri
        repo = self.store.repo(
            uri.repo, repo_type=uri.repo_type, revision=uri.revision, token=self.token, is_stopped=is_stopped
        )
        self.store.require_access(repo, self.token)
        pinned = HubUri(repo.repo, repo.repo_type, repo.commit)
        if uri.is_folder:
            files = [file for file in repo.files if file.path.startswith(uri.path)]
            start = len(uri.path)
        else:
            files = [file for file in repo.files if file.path == uri.path]
            start = len(uri.path) - len(uri.name)
        yield [Entry(file.path[start:], pinned.below(file.path), file.size, _pin(file)) for file in files]

    def stat(self) -> Entry | None:
        """Return None: a file at a commit cannot change."""
        return None

    def source(self, size: int, pin: Pin) -> RangedSource:
        """Return the source of a file's bytes."""
        checksum = _checksum(pin)
        file = HubFile(path=self.uri.path, size=size, etag=checksum.digest, lfs=checksum.algorithm == "sha256")
        return self.store.source(self.uri.repo, self.uri.repo_type, self.uri.revision, file, self.token)

    def attributes(self, pin: Pin) -> ObjectAttributes:
        """Return the metadata that names the origin of an object."""
        return ObjectAttributes(metadata=hub_metadata(self.uri, _checksum(pin)))


def _pin(file: HubFile) -> Checksum:
    return Checksum("sha256" if file.lfs else "blob", file.etag)


def _checksum(pin: Pin) -> Checksum:
    if not isinstance(pin, Checksum):
        raise OdhTecError("The record of a file of the hub has no checksum, so it cannot be compared.")
    return pin
