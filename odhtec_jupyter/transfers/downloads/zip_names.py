"""Names within an archive that no program that unpacks it can be hurt by, each of them given once.

A key may say ``../etc/passwd``, ``a\\b`` or ``CON``, and ``a`` may stand beside ``a/b`` and ``A``, which not every file
system allows. A part of a name that cannot stay as it is gets a tag made from what it was, so that two different keys
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

# Beside what Windows refuses: what a terminal obeys, what turns the order of letters round, so that one name reads like
# another, and line ends of Unicode.
_UNSAFE = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# What looks like a tag of ours gets one, too: else a key could take a name that was made from another.
_TAGGED = re.compile(r"~[0-9a-f]{16}", re.IGNORECASE)


class ZipNames:
    """Gives each key its name. Keys come in the order of S3's listings: by their bytes."""

    def __init__(self, base: str) -> None:
        """Names are relative to ``base``, which all keys begin with."""
        self._base = len(base)
        self._open = [_Folder("", "")]  # the folders that the last key is in: in this order, none comes again

    def file(self, key: str) -> str:
        """The name of a file."""
        *folders, last = key[self._base :].split("/")
        folder = self._enter(folders)
        return folder.path + folder.give(last, last)

    def folder(self, key: str) -> str:
        """The name of a folder, which ends in a slash; empty for the base itself."""
        return self._enter(key[self._base :].split("/")[:-1]).path

    def note(self, name: str) -> str:
        """The name of a file that is no object's."""
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
    """A folder of the archive: its name in the key, its path in the archive, and the names that were given in it."""

    def __init__(self, piece: str, path: str) -> None:
        self.piece = piece
        self.path = path
        self._given = _Marks()

    def give(self, piece: str, origin: str) -> str:
        """The name for what is called ``piece``; with a tag made from ``origin`` where it is given already."""
        safe = _safe(piece)
        name = piece if safe == piece and not _TAGGED.search(piece) else _tagged(safe, piece)
        # Windows and macOS take names for the same that differ in case, or in how an accent is written.
        return name if self._given.add(normalize("NFC", name).casefold()) else _tagged(safe, origin)


class _Marks:
    """Which texts were added, in some 24 bytes for each: a folder may have a million files."""

    def __init__(self) -> None:
        self._slots = array("Q", [0]) * 16
        self._count = 0

    def add(self, text: str) -> bool:
        """Whether it is new."""
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
    """A part of a name without what is dangerous in it; the same where nothing is."""
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
