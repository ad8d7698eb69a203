"""Names within an archive that no program that unpacks it can be hurt by, each of them given once.

A key may say ``../etc/passwd`` or ``a\\b``, and ``a`` may stand beside ``a/b``, which no file system allows. A part of
a name that cannot stay as it is gets a tag made from what it was, so that two different keys never share a name and no
list of the names that were given has to be kept.
"""

from __future__ import annotations

import hashlib
import re

LONGEST = 255  # bytes of one part of a name, as file systems have it
KEPT = 200  # bytes that are left of a longer one
EXTENSION = 20  # bytes that count as one at most

# Beside what a terminal obeys and a path of Windows is cut at: what turns the order of letters round, so that one name
# reads like another, and line ends of Unicode.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028-\u202e\u2066-\u2069]")
_DRIVE = re.compile(r"[A-Za-z]:")
# What looks like a tag of ours gets one, too: else a key could take a name that was made from another.
_TAGGED = re.compile(r"~[0-9a-f]{16}")


class ZipNames:
    """Gives each key its name. Keys come in the order of S3's listings: by their bytes."""

    def __init__(self, base: str) -> None:
        """Names are relative to ``base``, which all keys begin with."""
        self._base = len(base)
        self._files: list[str] = []  # those the last key begins with: only they can be in a folder's way

    def file(self, key: str) -> str:
        """The name of a file."""
        *folders, last = self._parts(key)
        self._files.append(key)
        return "".join(f"{folder}/" for folder in folders) + last

    def folder(self, key: str) -> str:
        """The name of a folder, which ends in a slash; empty for the base itself."""
        return "".join(f"{folder}/" for folder in self._parts(key)[:-1])

    def note(self, name: str) -> str:
        """The name of a file that is no object's."""
        return _tagged(name, "")

    def _parts(self, key: str) -> list[str]:
        while self._files and not key.startswith(self._files[-1]):
            self._files.pop()
        in_the_way = {len(file) for file in self._files}
        parts: list[str] = []
        at = self._base
        pieces = key[at:].split("/")
        for number, piece in enumerate(pieces):
            at += len(piece)
            is_folder = number < len(pieces) - 1
            safe = _safe(piece, first=not number)
            if is_folder and at in in_the_way:
                parts.append(_tagged(safe, f"{piece}/"))
            elif safe != piece or _TAGGED.search(piece):
                parts.append(_tagged(safe, piece))
            else:
                parts.append(piece)
            at += 1  # the slash
        return parts


def _safe(piece: str, *, first: bool) -> str:
    """A part of a name without what is dangerous in it; the same where nothing is."""
    safe = _UNSAFE.sub("_", piece)
    if safe in {"", ".", ".."}:
        return "_" * max(1, len(safe))
    if first and _DRIVE.match(safe):
        safe = f"{safe[0]}_{safe[2:]}"
    return safe if len(safe.encode()) <= LONGEST else safe.encode()[:KEPT].decode(errors="ignore")


def _tagged(safe: str, piece: str) -> str:
    """``report.csv`` → ``report~0123456789abcdef.csv``."""
    tag = hashlib.blake2b(piece.encode(), digest_size=8).hexdigest()
    stem, dot, extension = safe.rpartition(".")
    if not stem or len(extension.encode()) > EXTENSION:
        stem, dot, extension = safe, "", ""
    stem = stem.encode()[:KEPT].decode(errors="ignore")
    return f"{stem}~{tag}{dot}{extension}"
