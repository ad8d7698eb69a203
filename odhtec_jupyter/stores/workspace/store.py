"""The workspace: users' files below the Jupyter server's root directory.

Only the modules of this folder access users' files. All calls block, run in threads and are thread-safe. No path leaves
the root: links are followed only inside it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from odhtec_jupyter.errors import Conflict, NotFound, OdhTecError, VerificationError
from odhtec_jupyter.stores.workspace.errors import uri, workspace_errors
from odhtec_jupyter.stores.workspace.file import WorkspaceFile, WorkspaceSource, hidden, shown, unusable
from odhtec_jupyter.stores.workspace.hidden import HiddenRules, hidden_error
from odhtec_jupyter.stores.workspace.part import PartialFile, begin_part, is_part, reopen_part
from odhtec_jupyter.stores.workspace.root import (
    LIST,
    Segments,
    WorkspaceRoot,
    lstat_in,
    pin_of,
    require_regular,
    split,
)

__all__ = ["PartialFile", "WorkspaceFile", "WorkspaceSource", "WorkspaceStore"]

BATCH = 1000
Identity = tuple[int, int]


class WorkspaceStore:
    """Files by their ``workspace://`` path, which is relative to the root with ``/`` between names.

    A hidden path is refused with :class:`Forbidden` wherever a file would be read, written or removed.
    """

    def __init__(self, root: Path, rules: Callable[[], HiddenRules] = HiddenRules) -> None:
        self._root = WorkspaceRoot(root)
        self._rules = rules

    def require_visible(self, path: str) -> None:
        """Raise :class:`Forbidden` for a path with a hidden name. Does not block."""
        if self._rules().is_hidden(path):
            raise hidden_error(path)

    def is_left_out(self, path: str, found: str) -> bool:
        """Return whether a file must not be written to ``path``.

        ``found`` is the part of the path that the user did not name.
        """
        rules = self._rules()
        return rules.is_hidden(path) or rules.is_unlisted(found)

    def head(self, path: str) -> WorkspaceFile | None:
        """Return the file or folder at a path, following links; None if there is none.

        Raises :class:`Forbidden` for a path outside the workspace, and :class:`Conflict` for an entry that is neither.
        """
        self.require_visible(path)
        with workspace_errors(path):
            found = self._found(path)
        if found is not None and self._rules().is_hidden(path, found):
            raise hidden_error(path)
        if found is None or (path.endswith("/") and not stat.S_ISDIR(found.st_mode)):
            return None
        if not stat.S_ISDIR(found.st_mode):
            require_regular(found, path)
        return shown(path, found)

    def real_path(self, path: str) -> bytes:
        """Return the path from the root after following links, except one at its end, which a new file replaces."""
        with workspace_errors(path):
            return b"/".join(self._root.resolve_name(path))

    def walk(self, folder: str) -> Iterator[list[WorkspaceFile]]:
        """Yield every file below a folder, in batches, sorted by name within each folder.

        Links are followed inside the root. A file that cannot be transferred is an entry with ``error``. A hidden file
        is an entry marked as hidden, and so is a hidden folder, with a trailing slash and without its content.
        """
        self.require_visible(folder)
        names = split(folder)
        with workspace_errors(folder):
            segments = self._root.resolve(folder)
            found = self._root.lstat(segments)
        if found is None:
            raise NotFound(f"There is no folder {uri(folder)}.")
        if not stat.S_ISDIR(found.st_mode):
            raise Conflict(f"{uri(folder)} is not a folder.", code="NotAFolder")
        start = _Place(names, segments, frozenset())
        batch: list[WorkspaceFile] = []
        waiting = [iter(self._listing(start))]
        while waiting:
            for one in waiting[-1]:
                entry = self._looked_at(one) if isinstance(one, _Entry) else one
                if isinstance(entry, _Place):
                    waiting.append(iter(self._listing(entry)))
                    break
                if entry is not None:
                    batch.append(entry)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            else:
                waiting.pop()
        if batch:
            yield batch

    def source(self, path: str, size: int, pin: str) -> WorkspaceSource:
        """Return the source of a file with the content ``pin``."""
        self.require_visible(path)
        return WorkspaceSource(self._root, path, size, pin)

    def begin(self, path: str, token: str) -> PartialFile:
        """Create an unfinished file for ``path``.

        ``token`` distinguishes it from other unfinished files for that path.
        """
        self.require_visible(path)
        return begin_part(self._root, path, token)

    def reopen(self, path: str, token: str, *, created_folders: Sequence[str] = ()) -> PartialFile | None:
        """Reopen the file that :meth:`begin` created in an earlier run of the server; None if it does not exist."""
        return reopen_part(self._root, path, token, created_folders)

    def delete(self, path: str, pin: str, *, below: str | None = None) -> None:
        """Delete one file if it still has the pinned content; a missing file is no error.

        Deletes a link, not its target. With ``below``, a folder, links below that folder are not followed: they lead to
        files of another folder.
        """
        self.require_visible(path)
        with workspace_errors(path):
            found = self._found(path)
            if found is None:
                return
            require_regular(found, path)
            if pin_of(found) != pin:
                raise VerificationError(f"{uri(path)} has changed, so it was not deleted.", code="SourceChanged")
            segments = self._root.resolve_name(path)
            if below is not None and segments != (*self._root.resolve(below), *split(path)[len(split(below)) :]):
                raise Conflict(f"{uri(path)} is reached through a link, so it was not deleted.", code="LinkedFolder")
            with self._root.folder(segments[:-1]) as folder, suppress(FileNotFoundError):
                os.unlink(segments[-1], dir_fd=folder)

    def make_folder(self, path: str) -> None:
        """Create a folder and its parents; an existing folder is no error."""
        self.require_visible(path)
        with workspace_errors(path), self._root.folder(self._root.resolve(path), created=[]):
            pass

    def remove_empty_folder(self, path: str) -> None:
        """Remove an empty folder; a folder with entries, a hidden folder and a link are kept."""
        if self._rules().is_hidden(path):
            return
        segments = self._root.resolve_name(path)
        with suppress(OSError), self._root.folder(segments[:-1]) as folder:
            os.rmdir(segments[-1], dir_fd=folder)

    def _found(self, path: str) -> os.stat_result | None:
        segments = self._root.resolve(path)
        found = self._root.lstat(segments)
        if found is None and self._root.has_link(split(path)):
            raise Conflict(f"{uri(path)} is a broken link.", code="BrokenLink")
        return found

    # --- walking --------------------------------------------------------------------------------------------------

    def _listing(self, place: _Place) -> Iterator[_Entry | WorkspaceFile]:
        """Yield the names in a folder, sorted. No file is open between two of them."""
        try:
            with workspace_errors(place.path), self._open(place) as folder:
                found = os.fstat(folder)
                # With a descriptor, listdir always decodes names.
                names = sorted(os.fsencode(one) for one in os.listdir(folder))
            above = place.above | {(found.st_dev, found.st_ino)}
            for start in range(0, len(names), BATCH):
                with workspace_errors(place.path), self._open(place) as folder:
                    entries = [
                        _entry(folder, _Place((*place.names, name), (*place.segments, name), above))
                        for name in names[start : start + BATCH]
                        if not is_part(name)
                    ]
                yield from entries
        except NotFound:
            return  # removed in the meantime
        except OdhTecError as error:
            yield unusable(place.path, error)

    @contextmanager
    def _open(self, place: _Place) -> Iterator[int]:
        with self._root.folder(place.segments) as passed:
            folder = os.open(".", LIST, dir_fd=passed)
        try:
            yield folder
        finally:
            os.close(folder)

    def _looked_at(self, entry: _Entry) -> _Place | WorkspaceFile | None:
        """Return a file, a folder to walk, or an entry with the reason why it is neither; None if it is gone."""
        place, path = entry.place, entry.place.path
        try:
            with workspace_errors(path):
                _require_utf8(place)
                if isinstance(entry.found, OSError):
                    raise entry.found
                found, segments = entry.found, place.segments
                rules, name = self._rules(), place.names[-1].decode()
                if rules.is_hidden(name, found) or rules.is_unlisted(name):
                    return hidden(f"{path}/" if found and stat.S_ISDIR(found.st_mode) else path)
                if found is not None and stat.S_ISLNK(found.st_mode):
                    segments = self._root.resolve(path, place.segments)
                    found = self._root.lstat(segments)
                    if found is None:
                        raise Conflict(f"{uri(path)} is a broken link.", code="BrokenLink")
                if found is None:
                    return None
                if stat.S_ISDIR(found.st_mode):
                    if (found.st_dev, found.st_ino) in place.above:
                        raise Conflict(f"{uri(path)} links to a folder that contains it.", code="LinkLoop")
                    return _Place(place.names, segments, place.above)
                require_regular(found, path)
                return shown(path, found)
        except OdhTecError as error:
            return unusable(path, error)


@dataclass(frozen=True)
class _Place:
    """A place in a walk: its path as shown, its resolved path, and the folders it is in."""

    names: Segments
    segments: Segments
    above: frozenset[Identity]

    @property
    def path(self) -> str:
        return b"/".join(self.names).decode(errors="replace")


@dataclass(frozen=True)
class _Entry:
    """A name and its entry, without following links; None if it no longer exists."""

    place: _Place
    found: os.stat_result | OSError | None


def _entry(folder: int, place: _Place) -> _Entry:
    try:
        return _Entry(place, lstat_in(folder, place.names[-1]))
    except OSError as error:  # only this name is affected
        return _Entry(place, error)


def _require_utf8(place: _Place) -> None:
    try:
        place.names[-1].decode()
    except UnicodeDecodeError:
        raise Conflict(f"The name of {uri(place.path)} is not UTF-8. Rename it.", code="NameNotUtf8") from None
