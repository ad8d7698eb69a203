"""Files of this kernel to S3: a small one in one request, a large one in parts that may be sent again."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import Patterns
from odhtec_jupyter.client.http.body_limit import BodyLimit
from odhtec_jupyter.client.listing import objects_below
from odhtec_jupyter.client.local.dry_run import plan_of, refuse
from odhtec_jupyter.client.local.local_transfer import Gate, LocalFile
from odhtec_jupyter.errors import (
    BadRequest,
    Cancelled,
    Conflict,
    OdhTecError,
    StoreError,
    TooLarge,
    VerificationError,
)
from odhtec_jupyter.keys import fitting
from odhtec_jupyter.models import OnConflict, Verify
from odhtec_jupyter.uris import S3Uri

SMALL = 8 * 1024 * 1024
CHUNK = 1024 * 1024
RESTARTS = 5  # of a part in pieces: the server forgets them when others need its memory


class Sender:
    """How files become objects."""

    def __init__(self, api: Api, on_conflict: OnConflict, verify: Verify, patterns: Patterns) -> None:
        self._api, self._on_conflict, self._verify, self._patterns = api, on_conflict, verify, patterns

    # --- what there is to do --------------------------------------------------------------------------------------

    def plan(self, local: Path, target: S3Uri) -> list[LocalFile]:
        """A file, or all below a folder. Raises before anything is sent where ``fail`` finds something there."""
        files = self._files(local, target)
        if self._on_conflict == "fail":
            refuse(sorted(self._there(local, target, files)), "Conflict", f" in {target.bucket}")
        return [self._file(path, uri) for path, uri in files]

    def look(self, local: Path, target: S3Uri) -> models.TransferPlan:
        """The same, only told."""
        files = self._files(local, target)
        there = {str(S3Uri(target.bucket, key)) for key in self._there(local, target, files)}
        planned = [self._file(path, uri) for path, uri in files]
        return plan_of(planned, lambda file: file.target in there, self._on_conflict)

    def _files(self, local: Path, target: S3Uri) -> list[tuple[Path, S3Uri]]:
        if local.is_dir():
            folder = folder_of(target)
            named = [(path, name, folder.below(name)) for path, name in files_below(local)]
        else:
            named = [(local, local.name, target.below(local.name) if target.is_folder else target)]
        files = [(path, uri) for path, name, uri in named if self._patterns.take(name)]
        if not files:
            raise BadRequest(f"{local} holds no files{' that the patterns include' if named else ''}.")
        return files

    def _file(self, path: Path, uri: S3Uri) -> LocalFile:
        return LocalFile(_text(path), str(uri), path.stat().st_size, partial(self._send, path, uri))

    def _there(self, local: Path, target: S3Uri, files: list[tuple[Path, S3Uri]]) -> set[str]:
        """The keys that there are already."""
        keys = {uri.key for _, uri in files}
        if not local.is_dir():
            return keys if _exists(self._api, files[0][1]) else set()
        return {one.Key for one in objects_below(self._api, target.bucket, folder_of(target).key)} & keys

    # --- one file -------------------------------------------------------------------------------------------------

    def _send(self, path: Path, uri: S3Uri, gate: Gate) -> bool:
        if not path.is_file():
            raise BadRequest(f"{path} is no file.")  # a pipe would be waited for
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            stored = self._store(path, file, uri, before, gate)
            if stored is None:
                return False
            now = os.fstat(file.fileno())
            if stored.size != before.st_size or (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise VerificationError(f"{path} changed while it was being sent: send it again.", code="SourceChanged")
        return True

    def _store(
        self, path: Path, file: BinaryIO, uri: S3Uri, stat: os.stat_result, gate: Gate
    ) -> models.StoredObject | None:
        if stat.st_size <= min(SMALL, self._limit.bytes):
            try:
                return self._in_one(path, file, uri, gate)
            except TooLarge as error:
                if not self._limit.shrinks(error, stat.st_size):
                    raise
        return self._in_parts(path, file, uri, stat, gate)

    @property
    def _limit(self) -> BodyLimit:
        return self._api.connection.body_limit

    def _in_one(self, path: Path, file: BinaryIO, uri: S3Uri, gate: Gate) -> models.StoredObject | None:
        gate.check()
        body = file.read(SMALL + 1)
        kind = mimetypes.guess_type(path.name)[0]
        stored = self._api.put_object(uri.bucket, uri.key, body, self._on_conflict, content_type=kind)
        if stored is not None:
            gate.file.target = str(S3Uri(stored.bucket, stored.key))
        return stored

    def _in_parts(
        self, path: Path, file: BinaryIO, uri: S3Uri, stat: os.stat_result, gate: Gate
    ) -> models.StoredObject | None:
        policy = self._on_conflict
        if policy == "skip":
            if _exists(self._api, uri):
                return None
            policy = "fail"
        upload = self._api.begin_upload(
            models.UploadRequest(
                bucket=uri.bucket,
                key=uri.key,
                size=stat.st_size,
                content_type=mimetypes.guess_type(path.name)[0],
                # With the size it tells the file again: an upload that broke off goes on with what is missing.
                last_modified=max(0, stat.st_mtime_ns // 1_000_000),
                on_conflict=policy,
                verify=self._verify,
            )
        )
        gate.file.target = str(S3Uri(upload.bucket, upload.key))
        try:
            self._send_parts(path, file, upload, gate)
        except Cancelled:
            with suppress(OdhTecError):  # the server drops it itself when nobody goes on with it
                self._api.drop_upload(upload.upload_id)
            raise
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            self._api.drop_upload(upload.upload_id)
            raise VerificationError(f"{path} changed while it was being sent: send it again.", code="SourceChanged")
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
        """A part in one request, or in several where a proxy on the way refuses it for its size."""
        offset = restarts = 0
        while offset < length:
            size = min(self._limit.bytes, length - offset)
            piece = _Part(path, file, start + offset, size, gate)
            try:
                self._api.put_part(upload_id, number, piece.again, None if size == length else offset)
            except (TooLarge, Conflict) as error:
                piece.take_back()
                if self._limit.shrinks(error, size):
                    continue
                if not offset or error.code != "MissingParts" or restarts == RESTARTS:
                    raise
                gate.add(-offset)
                offset, restarts = 0, restarts + 1
            else:
                offset += size


class _Part:
    """A piece of a file as a request's body: its length is told, its bytes are read when they are sent."""

    def __init__(self, path: Path, file: BinaryIO, start: int, length: int, gate: Gate) -> None:
        self._path, self._file, self._start, self._length, self._gate = path, file, start, length, gate
        self._counted = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self._length
        while left:
            chunk = self._file.read(min(CHUNK, left))
            if not chunk:
                raise VerificationError(f"{self._path} became shorter while it was being sent.", code="SourceChanged")
            left -= len(chunk)
            yield chunk
            self._counted += len(chunk)
            self._gate.add(len(chunk))

    def again(self) -> _Part:
        """The same for another try."""
        self.take_back()
        return self

    def take_back(self) -> None:
        """What was sent of it does not count."""
        counted, self._counted = self._counted, 0
        self._gate.add(-counted)


def folder_of(target: S3Uri) -> S3Uri:
    """The folder of that name."""
    return target if target.is_folder else S3Uri(target.bucket, f"{target.key}/")


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files with their names below the folder, slashes between; linked folders are not followed."""
    for where, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            yield path, fitting(_text(path.relative_to(folder)))


def _text(path: Path) -> str:
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"The name {text!r} is not UTF-8: S3 has no such keys.") from None
    return text


def _raise(error: OSError) -> None:
    raise error


def _exists(api: Api, uri: S3Uri) -> bool:
    try:
        api.head_object(uri.bucket, uri.key)
    except StoreError as error:
        if error.status != 404:
            raise
        return False
    return True
