"""Uploads of files of this machine to S3: a small one in one request, a large one in parts that can be retried."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Container, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import Patterns, s3_location
from odhtec_jupyter.client.http.body_limit import BodyLimit
from odhtec_jupyter.client.listing import object_exists, objects_below
from odhtec_jupyter.client.local.dry_run import dry_run, left_out_notice, refuse_conflicts
from odhtec_jupyter.client.local.local_file import Gate, LocalFile, LocalPlan
from odhtec_jupyter.client.local.scan import LocalEntry, as_text, entries_below, require_regular
from odhtec_jupyter.errors import (
    BadRequest,
    Cancelled,
    Conflict,
    OdhTecError,
    TooLarge,
    VerificationError,
)
from odhtec_jupyter.models import OnConflict, Verify
from odhtec_jupyter.uris import S3Uri

MAX_SINGLE_REQUEST_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
MAX_PART_RESTARTS = 5  # the server drops the pieces of a part when other uploads need its memory


class Uploader:
    """Uploads local files as objects."""

    def __init__(
        self,
        api: Api,
        on_conflict: OnConflict,
        verify: Verify,
        patterns: Patterns,
        *,
        names: Container[str] | None = None,
    ) -> None:
        """``names`` are the files of a folder to upload; by default all that the patterns include."""
        self._api, self._on_conflict, self._verify, self._patterns = api, on_conflict, verify, patterns
        self._names = names

    # --- the plan -------------------------------------------------------------------------------------------------

    def plan(self, local: Path, target: S3Uri) -> LocalPlan:
        """Return what is uploaded: a file, or all files below a folder.

        Raises :class:`Conflict` before anything is sent if ``on_conflict`` is ``fail`` and an object exists.
        """
        plan = self._plan(local, target)
        if self._on_conflict == "fail":
            refuse_conflicts(sorted(self._existing(local, target, plan.files)), "Conflict", f" in {target.bucket}")
        return plan

    def dry_run(self, local: Path, target: S3Uri) -> models.TransferPlan:
        """Return what :meth:`plan` would upload, with the conflicts."""
        plan = self._plan(local, target)
        existing = {str(target.with_path(key)) for key in self._existing(local, target, plan.files)}
        return dry_run(plan, lambda file: file.target in existing, self._on_conflict)

    def _plan(self, local: Path, target: S3Uri) -> LocalPlan:
        if not local.is_dir():
            found = [LocalEntry(local, local.name, local.stat().st_size)]
            uris = [target.below(local.name) if target.is_folder else target]
        else:
            found = list(entries_below(local))
            uris = [folder_of(target).below(entry.name) for entry in found]
        left_out = [str(entry) for entry in found if entry.left_out and includes(self._patterns, entry)]
        files = [
            self._file(entry, uri)
            for entry, uri in zip(found, uris, strict=True)
            if not entry.left_out
            and includes(self._patterns, entry)
            and (self._names is None or entry.name in self._names)
        ]
        if not files:
            reason = " that the patterns include" if any(not entry.left_out for entry in found) else ""
            notice = f" {left_out_notice(left_out)}" if left_out else ""
            raise BadRequest(f"{local} has no files{reason}.{notice}")
        return LocalPlan(files, left_out)

    def _file(self, entry: LocalEntry, uri: S3Uri) -> LocalFile:
        return LocalFile(as_text(entry.path), str(uri), entry.size, partial(self._send, entry.path, uri))

    def _existing(self, local: Path, target: S3Uri, files: list[LocalFile]) -> set[str]:
        """Return the keys of the objects that would be replaced."""
        uris = [s3_location(file.target) for file in files]
        if not local.is_dir():
            return {uris[0].key} if object_exists(self._api, uris[0]) else set()
        keys = {uri.key for uri in uris}
        return {one.Key for one in objects_below(self._api, target.bucket, folder_of(target).key)} & keys

    # --- one file -------------------------------------------------------------------------------------------------

    def _send(self, path: Path, uri: S3Uri, gate: Gate) -> bool:
        require_regular(path)
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            stored = self._store(path, file, uri, before, gate)
            if stored is None:
                return False
            now = os.fstat(file.fileno())
            if stored.size != before.st_size or (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise _changed(path)
        return True

    def _store(
        self, path: Path, file: BinaryIO, uri: S3Uri, stat: os.stat_result, gate: Gate
    ) -> models.StoredObject | None:
        if stat.st_size <= min(MAX_SINGLE_REQUEST_BYTES, self._limit.bytes):
            try:
                return self._put(path, file, uri, gate)
            except TooLarge as error:
                if not self._limit.shrinks(error, stat.st_size):
                    raise
        return self._put_in_parts(path, file, uri, stat, gate)

    @property
    def _limit(self) -> BodyLimit:
        return self._api.connection.body_limit

    def _put(self, path: Path, file: BinaryIO, uri: S3Uri, gate: Gate) -> models.StoredObject | None:
        gate.check()
        body = file.read(MAX_SINGLE_REQUEST_BYTES + 1)
        kind = mimetypes.guess_type(path.name)[0]
        stored = self._api.put_object(uri.bucket, uri.key, body, self._on_conflict, content_type=kind)
        if stored is not None:
            gate.file.target = str(uri.with_path(stored.key))
        return stored

    def _put_in_parts(
        self, path: Path, file: BinaryIO, uri: S3Uri, stat: os.stat_result, gate: Gate
    ) -> models.StoredObject | None:
        policy = self._on_conflict
        if policy == "skip":
            if object_exists(self._api, uri):
                return None
            policy = "fail"
        upload = self._api.begin_upload(
            models.UploadRequest(
                bucket=uri.bucket,
                key=uri.key,
                size=stat.st_size,
                content_type=mimetypes.guess_type(path.name)[0],
                # Size and time identify the file: an interrupted upload of it continues with the missing parts.
                last_modified=max(0, stat.st_mtime_ns // 1_000_000),
                on_conflict=policy,
                verify=self._verify,
            )
        )
        gate.file.target = str(uri.with_path(upload.key))
        try:
            self._send_parts(path, file, upload, gate)
        except Cancelled:
            with suppress(OdhTecError):  # the server drops an upload that is not continued
                self._api.drop_upload(upload.upload_id)
            raise
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            self._api.drop_upload(upload.upload_id)
            raise _changed(path)
        return self._api.complete_upload(upload.upload_id)

    def _send_parts(self, path: Path, file: BinaryIO, upload: models.Upload, gate: Gate) -> None:
        arrived = {part.number: part.size for part in upload.parts}
        for number in range(1, upload.part_count + 1):
            start = (number - 1) * upload.part_size
            length = min(upload.part_size, upload.size - start)
            if arrived.get(number) == length:
                gate.add(length)
                continue
            self._send_part(path, file, upload.upload_id, number, start, length, gate)

    def _send_part(
        self, path: Path, file: BinaryIO, upload_id: str, number: int, start: int, length: int, gate: Gate
    ) -> None:
        """Send a part in one request, or in several if a proxy refuses it because of its size."""
        offset = restarts = 0
        while offset < length:
            size = min(self._limit.bytes, length - offset)
            piece = _PartBody(path, file, start + offset, size, gate)
            try:
                self._api.put_part(upload_id, number, piece.restarted, None if size == length else offset)
            except (TooLarge, Conflict) as error:
                piece.reset_progress()
                if self._limit.shrinks(error, size):
                    continue
                if not offset or error.code != "MissingParts" or restarts == MAX_PART_RESTARTS:
                    raise
                gate.add(-offset)
                offset, restarts = 0, restarts + 1
            else:
                offset += size


class _PartBody:
    """A piece of a file as the body of a request: of known length, read while it is sent."""

    def __init__(self, path: Path, file: BinaryIO, start: int, length: int, gate: Gate) -> None:
        self._path, self._file, self._start, self._length, self._gate = path, file, start, length, gate
        self._counted = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self._length
        while left:
            chunk = self._file.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise _changed(self._path)
            left -= len(chunk)
            yield chunk
            self._counted += len(chunk)
            self._gate.add(len(chunk))

    def restarted(self) -> _PartBody:
        """Return the body for another try."""
        self.reset_progress()
        return self

    def reset_progress(self) -> None:
        """Subtract the bytes of the last try from the transfer's progress."""
        counted, self._counted = self._counted, 0
        self._gate.add(-counted)


def includes(patterns: Patterns, entry: LocalEntry) -> bool:
    """Return whether the patterns include an entry. The files in a linked folder are unknown: some may match."""
    return not patterns.excludes(entry.name) if entry.is_folder else patterns.match(entry.name)


def folder_of(target: S3Uri) -> S3Uri:
    """Return the folder with the name of ``target``."""
    return target if target.is_folder else target.with_path(f"{target.key}/")


def _changed(path: Path) -> VerificationError:
    return VerificationError(f"{path} changed while it was being uploaded. Upload it again.", code="SourceChanged")
