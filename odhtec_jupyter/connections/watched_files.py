"""Small files that are read again when they change: bounded, and compared by what the file system says about them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from odhtec_jupyter.errors import BadRequest

MAX_FILE_BYTES = 1024 * 1024
MAX_ENTRIES = 100  # of a folder with connections; the rest are not read

State = tuple[object, ...]


def state_of(paths: Iterable[str | Path]) -> State:
    """Return a value that differs when one of the files has changed, appeared or gone.

    Links are followed: a Kubernetes Secret changes by a link to another folder, so its files get other inode numbers.
    """
    return tuple(_state(path) for path in paths)


def _state(path: str | Path) -> State:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return (str(path),)
    return (str(path), found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def text_in(path: str | Path, limit: int = MAX_FILE_BYTES) -> str:
    """Return the text in a regular file. Raises :class:`BadRequest` with the reason, which does not name the path."""
    try:
        # A FIFO or a device would block or never end.
        if not os.path.isfile(path):
            raise BadRequest("The file does not exist or is not a regular file.")
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise BadRequest(f"The file cannot be read: {error.strerror or type(error).__name__}.") from None
    if len(content) > limit:
        raise BadRequest(f"The file has more than {limit:,} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("The file is not UTF-8 text.") from None


def entries_in(folder: str | Path) -> list[Path]:
    """Return up to :data:`MAX_ENTRIES` visible entries of a folder by name. Raises :class:`BadRequest`."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found if not entry.name.startswith("."))
    except OSError as error:
        raise BadRequest(f"The folder cannot be read: {error.strerror or type(error).__name__}.") from None
    return [Path(folder, name) for name in names[:MAX_ENTRIES]]
