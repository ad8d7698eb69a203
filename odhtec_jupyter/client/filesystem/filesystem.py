"""``odhtec://bucket/key`` for fsspec, and so for pandas, datasets, safetensors and others."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.compression import compr
from fsspec.core import get_compression

from odhtec_jupyter.client.files.file_errors import file_errors
from odhtec_jupyter.client.files.layered_writer import CompressedWriter, TextWriter
from odhtec_jupyter.client.files.opening import open_writer
from odhtec_jupyter.client.files.reader import open_reader
from odhtec_jupyter.client.filesystem import bulk_operations
from odhtec_jupyter.client.filesystem.base import ObjectFileSystem
from odhtec_jupyter.client.filesystem.walk import walk, with_empty_levels
from odhtec_jupyter.client.local.local_names import unfinished
from odhtec_jupyter.client.local.scan import require_regular


class OdhTecFileSystem(ObjectFileSystem):
    """A file system over :class:`Client`, with its options ``url`` (here ``server_url``), ``token`` and ``verify``.

    It is pickled without the token.
    """

    # --- listing --------------------------------------------------------------------------------------------------

    def walk(
        self, path: str, maxdepth: int | None = None, topdown: bool = True, on_error: Any = "omit", **kwargs: Any
    ) -> Iterator[Any]:
        """Walk as ``os.walk`` does. A folder with an empty name (in ``x//b.txt``) is ``""`` in its parent."""
        path = self._strip_protocol(path)
        if "/" in path and not self._is_folder(path):  # a file, or it does not exist
            return super().walk(path, maxdepth, topdown, on_error, **kwargs)  # type: ignore[no-any-return]
        return walk(self, path, maxdepth, topdown, on_error, bool(kwargs.get("detail")))

    def glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Match as fsspec does. ``**`` also matches folders with an empty name, and ``//`` matches one."""
        detail = kwargs.pop("detail", False)
        found = super().glob(path, maxdepth, detail=True, **kwargs)
        if "**" in path or "//" in self._strip_protocol(path):
            found = with_empty_levels(self, self._strip_protocol(path), found, maxdepth)
        return found if detail else list(found)

    def modified(self, path: str) -> datetime:
        """Return the time of the last change."""
        with file_errors(path):
            found = self.client.stat(self.uri(path)).LastModified
        if found is None:
            raise NotImplementedError("The store does not report the time of the last change.")
        return found

    created = modified  # objects are only created or replaced

    def checksum(self, path: str) -> str:
        """Return the ETag, which changes with the content."""
        found = self.info(path)
        return str(found.get("ETag") or found["size"])

    def sign(self, path: str, expiration: int = 3600, **kwargs: Any) -> str:
        """Return a link that works without credentials for ``expiration`` seconds."""
        with file_errors(path):
            return self.client.presign(self.uri(path), expires_in=expiration)

    # --- bytes ----------------------------------------------------------------------------------------------------

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open as fsspec does. Text and compressed files, too, are written completely or not at all."""
        if "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **kwargs)
        text = {name: kwargs.pop(name) for name in ("encoding", "errors", "newline") if name in kwargs}
        binary = f"{mode.replace('b', '').replace('t', '')}b"
        file: Any = super().open(path, binary, block_size, cache_options, **kwargs)
        if packing := get_compression(self._strip_protocol(path), compression):
            if packing == "zip" and binary == "ab":
                file.discard()
                raise ValueError("Appending to a ZIP file is not supported.")
            file = CompressedWriter(compr[packing](file, mode="w"), file)
        return file if "b" in mode else TextWriter(file, **text)

    def _open(self, path: str, mode: str = "rb", autocommit: bool = True, **kwargs: Any) -> io.BufferedIOBase:
        location = self._location(path)
        if mode not in {"rb", "wb", "xb", "ab"}:
            raise ValueError(f"The mode {mode!r} is not supported. Use rb, wb, xb or ab.")
        with file_errors(path):
            if mode == "rb":
                return open_reader(self.client.api_of(location), location.bucket, location.key)
            return open_writer(self.client.api_of(location), location, mode[0], autocommit=autocommit)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return bytes of an object, with a single read request if possible."""
        location = self._location(path)
        with open_reader(self.client.api_of(location), location.bucket, location.key) as file:
            file.raw.min_range_bytes = 0  # only these bytes are read
            size = file.raw.size
            first = max(0, size + start) if start is not None and start < 0 else start or 0
            last = size if end is None else (max(0, size + end) if end < 0 else min(end, size))
            file.seek(first)
            return file.read(max(0, last - first))

    def get(
        self, rpath: Any, lpath: Any, recursive: bool = False, callback: Any = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        """Download files. A key that cannot be a path (``x//b.txt``) gets a name derived from it."""
        bulk_operations.get(self, rpath, lpath, recursive=recursive, callback=callback, **kwargs)

    def get_file(
        self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None, **kwargs: Any
    ) -> None:
        """Download a file. An existing one is replaced once all bytes have arrived."""
        path = Path(os.path.realpath(lpath)) if outfile is None and isinstance(lpath, str | os.PathLike) else None
        # Bytes for a pipe or a device are written into it, as by fsspec.
        if path is None or (path.exists() and not path.is_file()) or self.isdir(rpath):
            super().get_file(rpath, lpath, callback=callback, outfile=outfile, **kwargs)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = unfinished(path)
        try:
            with beside.open("xb") as file:
                super().get_file(rpath, file, callback=callback, **kwargs)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def put(
        self, lpath: Any, rpath: Any, recursive: bool = False, callback: Any = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        """Upload files. Warns about what is left out of folders: links to folders, broken links and special files."""
        bulk_operations.put(self, lpath, rpath, recursive=recursive, callback=callback, **kwargs)

    def put_file(self, lpath: Any, rpath: str, callback: Any = DEFAULT_CALLBACK, **kwargs: Any) -> None:
        """Upload a file. Raises :class:`BadRequest` for a pipe and other special files."""
        require_regular(Path(lpath))
        super().put_file(lpath, rpath, callback=callback, **kwargs)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write all bytes of an object."""
        with self.open(path, "xb" if mode == "create" else "wb") as file:
            file.write(value)

    # --- changing -------------------------------------------------------------------------------------------------

    def copy(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Copy objects and folders. The store copies the data; a folder is one transfer."""
        bulk_operations.copy(self, path1, path2, recursive, maxdepth, **kwargs)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any) -> None:
        """Move objects, and with ``recursive`` folders and everything in them."""
        bulk_operations.move(self, path1, path2, recursive, maxdepth)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete objects, and with ``recursive`` folders and everything in them, each with one transfer."""
        bulk_operations.delete(self, path, recursive, maxdepth)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Create a bucket. A folder exists once there is an object in it."""
        path = self._strip_protocol(path)
        if path and "/" not in path:
            if self.exists(path):  # some stores accept to create an own bucket again
                raise FileExistsError(path)
            with file_errors(path):
                self.client.create_bucket(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Create a bucket as :meth:`mkdir` does."""
        try:
            self.mkdir(path)
        except FileExistsError:
            if not exist_ok:
                raise

    def rmdir(self, path: str) -> None:
        """Delete an empty bucket. A folder disappears with its last object."""
        path = self._strip_protocol(path)
        if path and "/" not in path:
            with file_errors(path):
                self.client.delete_bucket(path)
