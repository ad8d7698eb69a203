"""The records of a ZIP archive that is written as a stream, without changing bytes afterwards.

Python's ``zipfile`` can do this, but keeps about a kilobyte for each file until the end; this module keeps about 30
bytes. Sizes and checksums follow the bytes (data descriptors); ZIP64 is used where numbers require it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF  # also the markers for: see the ZIP64 record

_PLAIN, _ZIP64 = 20, 45  # versions needed to unpack: 2.0 and 4.5
_MADE_BY = 3 << 8 | _ZIP64  # on Unix: the upper half of the attributes is a mode
_DESCRIPTOR, _UTF8 = 0x0008, 0x0800
_FILE_MODE, _FOLDER_MODE = 0o100644 << 16, 0o040755 << 16 | 0x10
_UNPACK = 65536


class ZipRecords:
    """All records of a ZIP archive except the files' bytes. The caller must send them immediately, in order."""

    def __init__(self) -> None:
        self._at = 0
        self._count = 0
        # The directory at the end repeats much of each name, so it is kept compressed.
        self._packer = zlib.compressobj(1)
        self._packed: list[bytes] = []
        self._directory_size = 0

    def folder(self, name: str, modified: datetime | None) -> bytes:
        """Return the record of an empty folder; ``name`` ends in a slash."""
        header = self._local(name, modified, _UTF8, large=False)
        self._note(name, 0, 0, modified, _FOLDER_MODE, _UTF8)
        return header

    def begin(self, name: str, size: int, modified: datetime | None) -> bytes:
        """Return the record before the bytes of a file."""
        self._entry = (name, size, modified)
        return self._local(name, modified, _UTF8 | _DESCRIPTOR, large=size >= MAX_32)

    def end(self, crc: int) -> bytes:
        """Return the record after the bytes of a file; exactly the announced number must have been sent."""
        name, size, modified = self._entry
        self._at += size
        layout = "<4sLQQ" if size >= MAX_32 else "<4sLLL"
        descriptor = struct.pack(layout, b"PK\x07\x08", crc, size, size)
        self._note(name, size, crc, modified, _FILE_MODE, _UTF8 | _DESCRIPTOR)
        self._at += len(descriptor)
        return descriptor

    def finish(self) -> Iterator[bytes]:
        """Yield the central directory and the end record."""
        self._packed.append(self._packer.flush())
        unpacker = zlib.decompressobj()
        for packed in self._packed:
            while packed:
                yield unpacker.decompress(packed, _UNPACK)
                packed = unpacker.unconsumed_tail
        yield unpacker.flush()
        yield self._end()

    def _local(self, name: str, modified: datetime | None, flags: int, *, large: bool) -> bytes:
        extra = _timestamp(modified)
        size, version = 0, _PLAIN  # the size follows
        if large:
            extra += struct.pack("<HHQQ", 1, 16, 0, 0)
            size, version = MAX_32, _ZIP64
        raw = name.encode()
        self._header_at = self._at
        header = struct.pack(
            "<4sHHHLLLLHH", b"PK\x03\x04", version, flags, 0, _dos_time(modified), 0, size, size, len(raw), len(extra)
        )
        self._at += len(header) + len(raw) + len(extra)
        return header + raw + extra

    def _note(self, name: str, size: int, crc: int, modified: datetime | None, mode: int, flags: int) -> None:
        """Keep the entry for the directory."""
        offset = self._header_at
        large = [number for number in (size, size, offset) if number >= MAX_32]
        extra = _timestamp(modified)
        if large:
            extra += struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large)
        raw = name.encode()
        record = struct.pack(
            "<4sHHHHLLLLHHHHHLL",
            b"PK\x01\x02",
            _MADE_BY,
            _ZIP64 if large else _PLAIN,
            flags,
            0,
            _dos_time(modified),
            crc,
            min(size, MAX_32),
            min(size, MAX_32),
            len(raw),
            len(extra),
            0,
            0,
            0,
            mode,
            min(offset, MAX_32),
        )
        self._directory_size += len(record) + len(raw) + len(extra)
        self._count += 1
        if packed := self._packer.compress(record + raw + extra):
            self._packed.append(packed)

    def _end(self) -> bytes:
        count, size, at = self._count, self._directory_size, self._at
        zip64 = b""
        if count >= MAX_16 or size >= MAX_32 or at >= MAX_32:
            zip64 = struct.pack(
                "<4sQHHLLQQQQ", b"PK\x06\x06", 44, _MADE_BY, _ZIP64, 0, 0, count, count, size, at
            ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, at + size, 1)
        few = min(count, MAX_16)
        return zip64 + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, few, few, min(size, MAX_32), min(at, MAX_32), 0)


def _dos_time(when: datetime | None) -> int:
    """Return date and time in ZIP's format, in UTC: with a resolution of two seconds, from 1980 on."""
    when = (when or datetime.now(UTC)).astimezone(UTC)
    if when.year < 1980:
        return 1 << 21 | 1 << 16
    year = min(when.year, 2107) - 1980
    date = year << 9 | when.month << 5 | when.day
    return date << 16 | when.hour << 11 | when.minute << 5 | when.second // 2


def _timestamp(when: datetime | None) -> bytes:
    """Return the extra field with the exact time in UTC, for programs that support it (unzip, 7-Zip, bsdtar)."""
    seconds = int(when.timestamp()) if when else -1
    return struct.pack("<HHBl", 0x5455, 5, 1, seconds) if 0 <= seconds < 2**31 else b""
