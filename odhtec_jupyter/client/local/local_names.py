"""The local paths of downloaded objects. Each key has a path of its own, and no path leaves the target folder.

A key can have empty parts (``x//b.txt``) or contain ``../b``. A part that cannot be the name of a file gets a tag with
a hash of the original part, as in the ZIP archives of the server.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from odhtec_jupyter.file_names import windows_name

MAX_EXTENSION_CHARACTERS = 20
MAX_NAME_BYTES = 255  # of file systems
SHORTENED_NAME_BYTES = 200  # of a longer name, before what is added to it

_TAGGED = re.compile(r"~[0-9a-f]{16}")  # such a name gets a tag, too, or it could be the name of another key's file


def local_name(key: str, *, windows: bool = os.name == "nt") -> str:
    """Return the relative path, with slashes, of a key."""
    return "/".join(_part(part, windows) for part in key.split("/"))


def unfinished(path: Path) -> Path:
    """Return a name beside a file, for what is written until it is complete."""
    shortened = path.name.encode(errors="ignore")[:SHORTENED_NAME_BYTES].decode(errors="ignore")
    return path.with_name(f".{shortened}.{secrets.token_hex(4)}.part")


def _part(part: str, windows: bool) -> str:
    safe = windows_name(part) if windows else part.replace("\0", "_")
    if safe in {"", ".", ".."}:
        safe = "_" * max(1, len(safe))
    if len(safe.encode()) > MAX_NAME_BYTES:
        safe = safe.encode()[:SHORTENED_NAME_BYTES].decode(errors="ignore")
    return part if safe == part and not _TAGGED.search(part) else _tagged(safe, part)


def _tagged(safe: str, part: str) -> str:
    """``report.csv`` → ``report~0123456789abcdef.csv``."""
    tag = hashlib.blake2b(part.encode(), digest_size=8).hexdigest()
    stem, dot, extension = safe.rpartition(".")
    if not stem or not extension or len(extension) > MAX_EXTENSION_CHARACTERS:
        stem, dot, extension = safe, "", ""
    stem = stem.encode()[:SHORTENED_NAME_BYTES].decode(errors="ignore")
    return f"{stem}~{tag}{dot}{extension}"
