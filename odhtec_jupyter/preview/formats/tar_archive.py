"""Tar files by their headers, without their contents; of a compressed archive only its beginning.

``tarfile`` is not used, because it reads a name of any length that a header has.
"""

from __future__ import annotations

import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import ArchiveEntry, ArchivePreview
from odhtec_jupyter.preview.cell import words
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB, BudgetSpent

MAX_ENTRIES = 1000
MAX_NAME_BYTES = 64 * KIB  # of a long name or a pax header, which are stored like files
MAX_PACKED_BYTES = 1024 * KIB
MAX_UNPACKED_BYTES = 4096 * KIB
BLOCK = 512
LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL, FOLDER = b"L", b"K", b"x", b"g", b"5"
EMPTY = {
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
}  # links, devices, folders: no content follows, whatever their size field says


class _File(Protocol):
    size: int

    def at(self, start: int, count: int) -> bytes: ...


class _Unpacked:
    """The beginning of a compressed archive, in memory."""

    def __init__(self, data: bytes, *, whole: bool) -> None:
        self._data = data
        self.size = len(data) if whole else sys.maxsize

    def at(self, start: int, count: int) -> bytes:
        """Return unpacked bytes. Raises :class:`BudgetSpent` after the part that was unpacked."""
        if start + count > len(self._data) and self.size > len(self._data):
            raise BudgetSpent("A preview would have to unpack more of the archive.")
        return self._data[start : start + count]


@dataclass
class _Contents:
    """The result; ``note`` is used if it is not complete."""

    entries: list[ArchiveEntry] = field(default_factory=list)
    whole: bool = False
    note: str = "Showing the first entries: a tar file has no directory."


def preview(item: PreviewInput) -> ArchivePreview:
    """Return the entries within the limits of reading. Raises :class:`Unreadable`."""
    return _shown(item, "tar", item.file)


def preview_compressed(item: PreviewInput) -> ArchivePreview:
    """Return the entries in the beginning of a ``tar.gz``. Raises :class:`Unreadable`."""
    data, whole = unpack(item.beginning(MAX_PACKED_BYTES))
    return _shown(item, "tar.gz", _Unpacked(data, whole=whole))


def unpack(data: bytes) -> tuple[bytes, bool]:
    """Return the beginning of gzip data, up to some megabytes, and whether that is all."""
    stream = zlib.decompressobj(31)
    try:
        return stream.decompress(data, MAX_UNPACKED_BYTES), stream.eof
    except zlib.error:
        raise Unreadable("The file is not valid gzip data.") from None


def is_tar(head: bytes) -> bool:
    """Return whether the checksum of the header is correct; older archives have no magic number."""
    return len(head) >= BLOCK and _adds_up(head[:BLOCK])


def is_compressed_tar(head: bytes) -> bool:
    """Return whether gzip data starts with such a header."""
    try:
        return is_tar(zlib.decompressobj(31).decompress(head, BLOCK))
    except zlib.error:
        return False


def _shown(item: PreviewInput, format_: Literal["tar", "tar.gz"], file: _File) -> ArchivePreview:
    contents = _Contents()
    with suppress(BudgetSpent):
        _walk(file, contents)
    if not contents.entries and not contents.whole:
        raise Unreadable("The archive is damaged or incomplete: its first entry cannot be read.")
    if not contents.whole:
        item.notes.append(contents.note)
    return ArchivePreview(
        format=format_,
        entries=contents.entries,
        entry_count=len(contents.entries) if contents.whole else None,
        total_size=sum(entry.size for entry in contents.entries) if contents.whole else None,
        truncated=not contents.whole,
        **item.common(),
    )


def _walk(file: _File, found: _Contents) -> None:
    """Read header after header. Raises :class:`BudgetSpent` if that exceeds the limit of reading."""
    position, long_name = 0, ""
    pax: dict[str, str] = {}
    while len(found.entries) < MAX_ENTRIES:
        header = file.at(position, BLOCK)
        if position <= file.size and not header.strip(b"\0"):
            found.whole = True
            return
        if len(header) < BLOCK or not _adds_up(header):
            found.note = "After these entries the archive is damaged or incomplete."
            return
        kind, size, content = header[156:157], _number(header[124:136]), position + BLOCK
        if kind == LONG_NAME:
            long_name = _text(_small(file, content, size).partition(b"\0")[0])
        elif kind == PAX:
            pax = _records(_small(file, content, size))
        elif kind not in {LONG_LINK, PAX_GLOBAL}:
            text = pax.get("size", "")
            size = int(text) if text.isdecimal() and len(text) < 20 else size
            size = 0 if kind in EMPTY else size
            path = pax.get("path") or long_name or _name(header)
            found.entries.append(ArchiveEntry(path=_path(path, kind), size=size, compressed_size=None))
            long_name, pax = "", {}
        position = content + -(-size // BLOCK) * BLOCK


def _adds_up(header: bytes) -> bool:
    checksum = _number(header[148:156])
    return checksum != 0 and checksum == sum(header) - sum(header[148:156]) + 8 * 32


def _number(text: bytes) -> int:
    """Return a number in octal digits or, for larger ones, in binary."""
    if text[0] & 0x80:
        return int.from_bytes(bytes([text[0] & 0x7F]) + text[1:], "big")
    digits = text.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def _small(file: _File, start: int, size: int) -> bytes:
    return file.at(start, min(size, MAX_NAME_BYTES))


def _records(data: bytes) -> dict[str, str]:
    """Return the records of a pax header: each has its length, a name and a value."""
    found: dict[str, str] = {}
    position = 0
    while (space := data.find(b" ", position, position + 8)) > position:
        digits = data[position:space]
        length = int(digits) if digits.isdigit() else 0
        if length <= len(digits) + 2:
            break
        name, _, value = data[space + 1 : position + length - 1].partition(b"=")
        found[_text(name)] = _text(value)
        position += length
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _name(header: bytes) -> str:
    name = _text(header[:100].partition(b"\0")[0])
    prefix = _text(header[345:500].partition(b"\0")[0]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _path(path: str, kind: bytes) -> str:
    return words(path if kind != FOLDER or path.endswith("/") else f"{path}/")
