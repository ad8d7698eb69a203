"""Zip files and formats based on them (wheels, office documents, torch checkpoints), by the directory at their end.

``zipfile`` is not used, because it reads the whole directory into memory before its size can be checked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.models import ArchiveEntry, ArchivePreview
from odhtec_jupyter.preview.cell import words
from odhtec_jupyter.preview.preview_input import PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

MAX_ENTRIES = 1000  # that are shown
MAX_DIRECTORY_BYTES = 2048 * KIB  # that is read
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_TAIL = _END.size + 0xFFFF
_FULL = 0xFFFFFFFF  # "see the ZIP64 field"
_UTF8 = 0x800


@dataclass(frozen=True)
class _Directory:
    start: int
    size: int
    entries: int


def preview(item: PreviewInput) -> ArchivePreview:
    """Return the entries of the directory. Raises :class:`Unreadable`."""
    directory = _find(item)
    data = item.file.at(directory.start, min(directory.size, MAX_DIRECTORY_BYTES))
    entries: list[ArchiveEntry] = []
    total = count = position = 0
    while count < directory.entries and position + _ENTRY.size <= len(data):
        entry, length = _entry(data, position)
        if entry is None:
            break
        if len(entries) < MAX_ENTRIES:
            entries.append(entry)
        total, count, position = total + entry.size, count + 1, position + length
    whole = count == directory.entries
    if not whole and directory.size <= MAX_DIRECTORY_BYTES:
        item.notes.append("The directory of the archive is damaged: some entries are missing.")
    return ArchivePreview(
        format="zip",
        entries=entries,
        entry_count=directory.entries,
        total_size=total if whole else None,
        truncated=len(entries) < directory.entries,
        **item.common(),
    )


def _find(item: PreviewInput) -> _Directory:
    """Return the position of the directory, from the record at the end of the file.

    Only a comment can follow that record.
    """
    file = item.file
    base = max(0, file.size - _TAIL)
    tail = file.at(base, _TAIL)
    position = len(tail)
    while (position := tail.rfind(b"PK\5\6", 0, position)) >= 0:
        if position + _END.size <= len(tail):
            *_, comment = _END.unpack_from(tail, position)
            if position + _END.size + comment == len(tail):
                break
    if position < 0:
        raise Unreadable("The archive is incomplete: the directory at its end is missing.")
    _, disk, first_disk, _, count, size, offset, _ = _END.unpack_from(tail, position)
    end = base + position
    if found := _zip64(item, end):
        end, count, size, offset = found
        disk = first_disk = 0
    if disk != 0 or first_disk != 0:
        raise Unreadable("The file is one part of an archive that is split into several files.")
    start = end - size  # not ``offset``: the archive can have a prefix, such as a self-extracting one
    if start < 0 or offset > start:
        raise Unreadable("The archive is damaged or incomplete: the position of its directory is not valid.")
    return _Directory(start, size, count)


def _zip64(item: PreviewInput, end: int) -> tuple[int, int, int, int] | None:
    """Return end, count, size and offset of a directory in ZIP64 format."""
    locator = item.file.at(max(0, end - _LOCATOR.size), _LOCATOR.size)
    if len(locator) < _LOCATOR.size or locator[:4] != b"PK\6\7":
        return None
    _, _, offset_of_end, _ = _LOCATOR.unpack(locator)
    for position in (end - _LOCATOR.size - _END64.size, offset_of_end):
        record = item.file.at(position, _END64.size) if 0 <= position < end else b""
        if len(record) == _END64.size and record[:4] == b"PK\6\6":
            *_, count, size, offset = _END64.unpack(record)
            return position, count, size, offset
    raise Unreadable("The archive is damaged: its ZIP64 directory was not found.")


def _entry(data: bytes, position: int) -> tuple[ArchiveEntry | None, int]:
    """Return the entry at this position and its length; None if it is incomplete or invalid."""
    fields = _ENTRY.unpack_from(data, position)
    magic, flags, packed, size = fields[0], fields[3], fields[8], fields[9]
    name_length, extra_length, comment_length = fields[10:13]
    length = _ENTRY.size + name_length + extra_length + comment_length
    name_end = position + _ENTRY.size + name_length
    if magic != b"PK\1\2" or position + length > len(data):
        return None, 0
    name = data[position + _ENTRY.size : name_end]
    if _FULL in (size, packed):
        size, packed = _large(data[name_end : name_end + extra_length], size, packed)
    return ArchiveEntry(path=words(_name(name, flags)), size=size, compressed_size=packed), length


def _large(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Return the sizes in the ZIP64 field, in this order, for the values that did not fit."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + length]
        if kind == 1:
            values = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            if size == _FULL and values:
                size = values.pop(0)
            if packed == _FULL and values:
                packed = values.pop(0)
            break
        position += 4 + length
    return size, packed


def _name(name: bytes, flags: int) -> str:
    """Return the name, as UTF-8 if it is valid, because many programs do not set the flag for it."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if flags & _UTF8 else name.decode("cp437")
