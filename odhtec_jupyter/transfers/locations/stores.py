"""The stores of a transfer, and the location of a URI in them: the one place that tells the schemes apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from odhtec_jupyter.errors import BadRequest, StoreError
from odhtec_jupyter.stores.hub.store import HubStore
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.store import WorkspaceStore
from odhtec_jupyter.transfers.locations.hub_location import HubLocation
from odhtec_jupyter.transfers.locations.location import Entry, Location, WritableLocation
from odhtec_jupyter.transfers.locations.s3_location import S3Location
from odhtec_jupyter.transfers.locations.workspace_location import WorkspaceLocation
from odhtec_jupyter.transfers.runtime.lookups import look_up, never
from odhtec_jupyter.uris import HubUri, S3Uri, Uri, WorkspaceUri


@dataclass(frozen=True)
class Stores:
    """The stores of one run of a transfer, and the token that was entered for it."""

    find_s3: Callable[[str], S3Store]  # by the name of its connection; the same store each time
    hub: HubStore
    workspace: WorkspaceStore
    token: str | None = None

    def s3_of(self, uri: S3Uri) -> S3Store:
        """Return the store of the connection that a URI names. Raises :class:`OdhTecError` if there is none."""
        return self.find_s3(uri.connection)

    def at(self, uri: Uri) -> Location:
        """Return the location of a URI."""
        return HubLocation(self.hub, self.token, uri) if isinstance(uri, HubUri) else self.writable(uri)

    def writable(self, uri: Uri) -> WritableLocation:
        """Return a location to write to. Raises :class:`BadRequest` for the hub."""
        if isinstance(uri, S3Uri):
            return S3Location(self.s3_of(uri), uri)
        if isinstance(uri, WorkspaceUri):
            return WorkspaceLocation(self.workspace, uri)
        raise BadRequest("target: the hub is read-only.")

    def entries(self, uri: Uri, is_stopped: Callable[[], bool] = never) -> Iterator[list[Entry]]:
        """Yield the files at ``uri`` in pages. Raises :class:`StoreError` (NoSuchKey) if there are none. Blocks."""
        found = False
        for page in self.at(uri).entries(is_stopped):
            found = found or bool(page)
            yield page
        if not found:
            raise StoreError(f"{uri} does not exist.", code="NoSuchKey")

    def named_entries(
        self, folder: Uri, names: Sequence[str], is_stopped: Callable[[], bool] = never
    ) -> Iterator[list[Entry]]:
        """Yield the files of ``names`` in a folder, with paths relative to the folder. Blocks.

        Raises :class:`StoreError` (NoSuchKey) for a name that does not exist.
        """

        def look(name: str) -> list[Entry]:
            return [replace(entry, path=name) for page in self.entries(folder.below(name)) for entry in page]

        yield from look_up(look, [name for name in names if not name.endswith("/")], is_stopped)
        for name in names:
            if name.endswith("/"):
                for page in self.entries(folder.below(name)):
                    yield [replace(entry, path=name + entry.path) for entry in page]
