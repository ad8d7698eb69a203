"""The paths of files that objects become here: any key has one, no two share one, and none leads out of its folder.

A key may have empty levels (``x//b.txt``) or say ``../b``. A part of it that no file can be called gets a tag made from
what it was, as in the archives that the server makes.
"""

from __future__ import annotations

import hashlib
import os
import re

from odhtec_jupyter.file_names import windows_name

EXTENSION = 20  # characters that count as one at most
LONGEST = 255  # bytes of one part of a name, as file systems have it
KEPT = 200  # bytes that are left of a longer one

_TAGGED = re.compile(r"~[0-9a-f]{16}")  # what looks like a tag gets one, too: a key could take another one's name


def local_name(key: str, *, windows: bool = os.name == "nt") -> str:
    """A relative path, with slashes, for a key below some folder."""
    return "/".join(_part(part, windows) for part in key.split("/"))


def _part(part: str, windows: bool) -> str:
    safe = windows_name(part) if windows else part.replace("\0", "_")
    if safe in {"", ".", ".."}:
        safe = "_" * max(1, len(safe))
    if len(safe.encode()) > LONGEST:
        safe = safe.encode()[:KEPT].decode(errors="ignore")
    return part if safe == part and not _TAGGED.search(part) else _tagged(safe, part)


def _tagged(safe: str, part: str) -> str:
    """``report.csv`` → ``report~0123456789abcdef.csv``."""
    tag = hashlib.blake2b(part.encode(), digest_size=8).hexdigest()
    stem, dot, extension = safe.rpartition(".")
    if not stem or not extension or len(extension) > EXTENSION:
        stem, dot, extension = safe, "", ""
    stem = stem.encode()[:KEPT].decode(errors="ignore")
    return f"{stem}~{tag}{dot}{extension}"
