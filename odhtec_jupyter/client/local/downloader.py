"""Downloads of objects to files of this machine: written beside the final name, compared, and then renamed."""

from __future__ import annotations

import os
from collections.abc import Container
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import Patterns
from odhtec_jupyter.client.files.ranges import open_whole
from odhtec_jupyter.client.listing import first_object, is_folder, is_folder_marker, objects_below
from odhtec_jupyter.client.local.dry_run import dry_run, left_out_notice, refuse_conflicts
from odhtec_jupyter.client.local.local_file import Gate, LocalFile, LocalPlan
from odhtec_jupyter.client.local.local_names import local_name, unfinished
from odhtec_jupyter.client.local.parallel_ranges import ParallelRanges
from odhtec_jupyter.client.local.saved_files import SavedFiles
from odhtec_jupyter.errors import BadRequest, Conflict, OdhTecError, StoreError, VerificationError
from odhtec_jupyter.models import OnConflict
from odhtec_jupyter.uris import S3Uri


class Downloader:
    """Downloads objects to local files."""

    def __init__(
        self,
        api: Api,
        on_conflict: OnConflict,
        patterns: Patterns,
        *,
        names: Container[str] | None = None,
        saved_files: SavedFiles | None = None,
    ) -> None:
        """``names`` are the objects of a folder to download; ``saved_files`` is shared by downloaders of a transfer."""
        self._api, self._on_conflict, self._patterns = api, on_conflict, patterns
        self._names, self._saved_files = names, saved_files or SavedFiles()

    def plan(self, source: S3Uri, local: Path, size: int | None = None) -> LocalPlan:
        """Return what is downloaded: an object, or all objects below a folder. ``size`` is the object's, if known.

        Raises :class:`Conflict` before anything is written if ``on_conflict`` is ``fail`` and a file exists.
        """
        plan = self._plan(source, local, size)
        if self._on_conflict == "fail":
            refuse_conflicts([file.target for file in plan.files if Path(file.target).exists()], "FileExists")
        return plan

    def dry_run(self, source: S3Uri, local: Path, size: int | None = None) -> models.TransferPlan:
        """Return what :meth:`plan` would download, with the conflicts."""
        return dry_run(self._plan(source, local, size), lambda file: Path(file.target).exists(), self._on_conflict)

    def _plan(self, source: S3Uri, local: Path, size: int | None) -> LocalPlan:
        if not source.is_folder:
            return LocalPlan([self._object(source, local, size)])
        found = [
            (one.Key.removeprefix(source.key), one.Size)
            for one in objects_below(self._api, source.bucket, source.key)
            if not is_folder_marker(one)
        ]
        included = [(name, size) for name, size in found if self._patterns.match(name)]
        files = [
            self._file(source.below(name), local_path(local, name), size)
            for name, size in included
            if name and not name.endswith("/") and (self._names is None or name in self._names)
        ]
        left_out = [unsaved_object(source.key + name) for name, _ in included if not name or name.endswith("/")]
        if not files:
            notice = f" {left_out_notice(left_out)}" if left_out else ""
            raise BadRequest(f"{source} has no objects{' that the patterns include' if found else ''}.{notice}")
        return LocalPlan(files, left_out)

    def _object(self, source: S3Uri, local: Path, known_size: int | None) -> LocalFile:
        if not self._patterns.match(source.name):
            raise BadRequest(f"The patterns do not include {source}.")
        size = self._size(source) if known_size is None else known_size
        return self._file(source, local_path(local, source.name) if local.is_dir() else local, size)

    def _size(self, source: S3Uri) -> int:
        try:
            return self._api.head_object(source.bucket, source.key)[0]
        except OdhTecError as error:
            if error.status == 404 and is_folder(self._api, source.bucket, f"{source.key}/"):
                raise missing_slash(source) from None
            if error.code == "NoContentLength":  # but lists have it
                found = first_object(self._api, source.bucket, source.key)
                if found is not None and found.Key == source.key:
                    return found.Size
            raise

    def _file(self, uri: S3Uri, path: Path, size: int) -> LocalFile:
        return LocalFile(str(uri), str(path), size, partial(self._receive, uri, path, size))

    def _receive(self, uri: S3Uri, path: Path, size: int, gate: Gate) -> bool:
        if self._on_conflict == "skip" and path.exists():
            self._saved_files.add(path)
            return False
        gate.check()
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = unfinished(path)
        try:
            with beside.open("xb") as file, closing(open_whole(self._api, uri.bucket, uri.key, size)) as stream:
                download = ParallelRanges(beside, gate)
                download.receive(stream, file)
                file.flush()
                os.fsync(file.fileno())
                if (written := min(download.written, os.fstat(file.fileno()).st_size)) != size:
                    raise VerificationError(f"{path} has {written} bytes, but {uri} has {size}.")
            gate.check()
            with self._saved_files.lock:
                return self._rename(beside, path, gate)
        finally:
            beside.unlink(missing_ok=True)

    def _rename(self, beside: Path, path: Path, gate: Gate) -> bool:
        """Give a complete file its final name. Return whether it has one; False if it was skipped."""
        final = path
        if self._on_conflict == "rename":
            names = (_numbered(path, number) if number else path for number in count())
            final = next(name for name in names if _rename_if_free(beside, name))
            gate.file.target = str(final)
        else:
            self._saved_files.check(path)
            if self._on_conflict == "overwrite":
                beside.replace(path)
            elif not _rename_if_free(beside, path):
                if self._on_conflict == "skip":
                    self._saved_files.add(path)
                    return False
                raise Conflict(f"{path} exists. It was written while this download was running.", code="FileExists")
        self._saved_files.add(final)
        return True


def _rename_if_free(beside: Path, path: Path) -> bool:
    """Give a file a name that no other file has. Return whether the name was free."""
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links; a file created between the next two lines would be lost
        if path.exists():
            return False
        beside.replace(path)
    else:
        beside.unlink()  # not above: its failure must not look like a name that is taken
    return True


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def local_path(folder: Path, name: str) -> Path:
    """Return the path below the folder for a key. Any key has a path, and no two keys have the same."""
    with suppress(UnicodeEncodeError):
        os.fsencode(name)
        return folder.joinpath(*local_name(name).split("/"))
    raise BadRequest(f"The key {name!r} cannot be the name of a file on this machine.", code="InvalidKey")


def missing_slash(uri: S3Uri) -> StoreError:
    """Return the error for a folder that was named without its slash."""
    return StoreError(f"{uri} is a folder, not an object. Add a slash to name the folder: {uri}/", code="NoSuchKey")


def unsaved_object(key: str) -> str:
    """Return the notice about an object whose key ends in a slash: no file can have its name."""
    return f"{key} (object with the name of a folder)"
