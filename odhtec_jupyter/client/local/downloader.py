"""Objects to files of this kernel: written beside their name, compared, and then renamed."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.arguments import Patterns
from odhtec_jupyter.client.files.reader import ObjectReader
from odhtec_jupyter.client.listing import objects_below
from odhtec_jupyter.client.local.dry_run import plan_of, refuse
from odhtec_jupyter.client.local.local_names import local_name
from odhtec_jupyter.client.local.local_transfer import Gate, LocalFile
from odhtec_jupyter.errors import BadRequest, Conflict, VerificationError
from odhtec_jupyter.models import OnConflict
from odhtec_jupyter.uris import S3Uri

CHUNK = 1024 * 1024
MAX_KEPT_BYTES = 200  # of a name, for the one beside it


class Receiver:
    """How objects become files."""

    def __init__(self, api: Api, on_conflict: OnConflict, patterns: Patterns) -> None:
        self._api, self._on_conflict, self._patterns = api, on_conflict, patterns

    def plan(self, source: S3Uri, local: Path, size: int | None = None) -> list[LocalFile]:
        """An object, or all below a folder. Raises before anything is written where ``fail`` finds something there.

        ``size`` is that of the object where it is known.
        """
        files = self._files(source, local, size)
        if self._on_conflict == "fail":
            refuse([file.target for file in files if Path(file.target).exists()], "FileExists")
        return files

    def look(self, source: S3Uri, local: Path, size: int | None = None) -> models.TransferPlan:
        """The same, only told."""
        return plan_of(self._files(source, local, size), lambda file: Path(file.target).exists(), self._on_conflict)

    def _files(self, source: S3Uri, local: Path, known: int | None) -> list[LocalFile]:
        if source.is_folder:
            below = [
                (one.Key.removeprefix(source.key), one.Size)
                for one in objects_below(self._api, source.bucket, source.key)
                if not one.Key.endswith("/")  # the marker of a folder
            ]
            found = [(source.below(name), name, size) for name, size in below if self._patterns.take(name)]
            files = [(uri, within(local, name), size) for uri, name, size in found]
            if not files:
                raise BadRequest(f"{source} holds no objects{' that the patterns include' if below else ''}.")
        else:
            if not self._patterns.take(source.name):
                raise BadRequest(f"{source} is not what the patterns include.")
            size = self._api.head_object(source.bucket, source.key)[0] if known is None else known
            files = [(source, within(local, source.name) if local.is_dir() else local, size)]
        return [
            LocalFile(str(uri), str(path), size, partial(self._receive, uri, path, size)) for uri, path, size in files
        ]

    def _receive(self, uri: S3Uri, path: Path, size: int, gate: Gate) -> bool:
        if self._on_conflict == "skip" and path.exists():
            return False
        gate.check()
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.name.encode(errors="ignore")[:MAX_KEPT_BYTES].decode(errors="ignore")
        beside = path.with_name(f".{kept}.{secrets.token_hex(4)}.part")
        try:
            with beside.open("xb") as file, ObjectReader(self._api, uri.bucket, uri.key, whole=True) as reader:
                if reader.size != size:
                    raise VerificationError(f"{uri} changed after it was listed.", code="SourceChanged")
                block = memoryview(bytearray(CHUNK))
                while length := reader.readinto(block):
                    file.write(block[:length])
                    gate.add(length)
                file.flush()
                os.fsync(file.fileno())
                if (written := os.fstat(file.fileno()).st_size) != size:
                    raise VerificationError(f"{path} has {written} bytes, but {uri} has {size}.")
            gate.check()
            return self._settle(beside, path, gate)
        finally:
            beside.unlink(missing_ok=True)

    def _settle(self, beside: Path, path: Path, gate: Gate) -> bool:
        """Give it its name."""
        if self._on_conflict == "overwrite":
            beside.replace(path)
            return True
        if self._on_conflict == "rename":
            names = (_numbered(path, number) if number else path for number in count())
            gate.file.target = str(next(name for name in names if _claim(beside, name)))
            return True
        if _claim(beside, path):
            return True
        if self._on_conflict == "skip":
            return False
        raise Conflict(f"{path}: exists, it was written meanwhile.", code="FileExists")


def _claim(beside: Path, path: Path) -> bool:
    """Give it a name that nobody has; whether it could."""
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: what is written in between would be lost
        if path.exists():
            return False
        beside.replace(path)
    return True


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem} ({number}){path.suffix}")


def within(folder: Path, name: str) -> Path:
    """A file below the folder; keys may be anything, and each has a path of its own there."""
    with suppress(UnicodeEncodeError):
        os.fsencode(name)
        return folder.joinpath(*local_name(name).split("/"))
    raise BadRequest(f"The key {name!r} cannot be the name of a file here.", code="InvalidKey")
