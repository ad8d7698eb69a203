"""Unique names within an archive that are safe for every program that unpacks it.

A key can be ``../etc/passwd``, ``a\\b`` or ``CON``, and ``a`` can exist beside ``a/b`` and ``A``, which not every file
system allows. A path component that has to change gets a tag derived from the original, so that two different keys
never share a name.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from unicodedata import normalize

from odhtec_jupyter.file_names import windows_name

MAX_NAME_BYTES = 255  # bytes of one part of a name, as file systems have it
KEPT_NAME_BYTES = 200  # bytes that are left of a longer one
MAX_EXTENSION_BYTES = 20  # bytes that count as one at most

# In addition to what Windows rejects: control characters for terminals, characters that reverse the text direction, so
# that one name looks like another, and Unicode line separators.
_UNSAFE = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# A name that looks tagged gets a tag, too: otherwise a key could equal the name derived from another key.
_TAGGED = re.compile(r"~[0-9a-f]{16}", re.IGNORECASE)


class ZipNames:
    """Assigns each key a name. Keys must be passed in the order of S3's listings: by their bytes."""

    def __init__(self, base: str) -> None:
        """Names are relative to ``base``, the prefix of all keys."""
        self._base = len(base)
        self._open = [
            _Folder("", "")
        ]  # the folders of the last key; keys are sorted, so no folder that was left comes again

    def file(self, key: str) -> str:
        """Return the name of a file."""
        *folders, last = key[self._base :].split("/")
        folder = self._enter(folders)
        return folder.path + folder.give(last, last)

    def folder(self, key: str) -> str:
        """Return the name of a folder, which ends in a slash; empty for the base itself."""
        return self._enter(key[self._base :].split("/")[:-1]).path

    def note(self, name: str) -> str:
        """Return a name for a file that is not an object."""
        return _tagged(name, "")

    def _enter(self, pieces: list[str]) -> _Folder:
        shared = 1
        for folder, piece in zip(self._open[1:], pieces, strict=False):
            if folder.piece != piece:
                break
            shared += 1
        del self._open[shared:]
        for piece in pieces[shared - 1 :]:
            parent = self._open[-1]
            self._open.append(_Folder(piece, f"{parent.path}{parent.give(piece, f'{piece}/')}/"))
        return self._open[-1]


class _Folder:
    """A folder of the archive: its name in the key, its path in the archive, and the names assigned in it."""

    def __init__(self, piece: str, path: str) -> None:
        self.piece = piece
        self.path = path
        self._given = _Marks()

    def give(self, piece: str, origin: str) -> str:
        """Return a name for ``piece``, with a tag derived from ``origin`` if the name is already assigned."""
        safe = _safe(piece)
        name = piece if safe == piece and not _TAGGED.search(piece) else _tagged(safe, piece)
        # Windows and macOS treat names as equal that differ only in case or in Unicode normalization.
        return name if self._given.add(normalize("NFC", name).casefold()) else _tagged(safe, origin)


class _Marks:
    """A set of texts that needs about 24 bytes for each: a folder can have a million files."""

    def __init__(self) -> None:
        self._slots = array("Q", [0]) * 16
        self._count = 0

    def add(self, text: str) -> bool:
        """Add a text and return whether it is new."""
        if 3 * self._count >= 2 * len(self._slots):
            marks, self._slots = self._slots, array("Q", [0]) * (2 * len(self._slots))
            for mark in marks:
                if mark:
                    self._put(mark)
        is_new = self._put(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") or 1)
        self._count += is_new
        return is_new

    def _put(self, mark: int) -> bool:
        slots, size = self._slots, len(self._slots)
        at = mark % size
        while slots[at] and slots[at] != mark:
            at = (at + 1) % size
        is_new = not slots[at]
        slots[at] = mark
        return is_new


def _safe(piece: str) -> str:
    """Return a path component without dangerous characters."""
    safe = windows_name(_UNSAFE.sub("_", piece)) or "_"
    return safe if len(safe.encode()) <= MAX_NAME_BYTES else safe.encode()[:KEPT_NAME_BYTES].decode(errors="ignore")


def _tagged(safe: str, piece: str) -> str:
    """``report.csv`` → ``report~0123456789abcdef.csv``."""
    tag = hashlib.blake2b(piece.encode(), digest_size=8).hexdigest()
    stem, dot, extension = safe.rpartition(".")
    if not stem or not extension or len(extension.encode()) > MAX_EXTENSION_BYTES:
        stem, dot, extension = safe, "", ""
    stem = stem.encode()[:KEPT_NAME_BYTES].decode(errors="ignore")
    return f"{stem}~{tag}{dot}{extension}"
