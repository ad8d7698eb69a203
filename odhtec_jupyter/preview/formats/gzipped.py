"""Text in gzip files, unpacked step by step within the limits of a text preview."""

from __future__ import annotations

import mimetypes
import sys
import zlib
from functools import cached_property
from typing import Any

from odhtec_jupyter.errors import Unreadable
from odhtec_jupyter.preview.formats.binary import UNTYPED
from odhtec_jupyter.preview.preview_input import HEAD_BYTES, PreviewInput
from odhtec_jupyter.preview.ranged_file import KIB

MAGIC = b"\x1f\x8b"
MAX_PACKED_BYTES = 2048 * KIB
MAX_UNPACKED_BYTES = 4096 * KIB  # whatever the compression ratio
STEP_BYTES = 16 * KIB
_TYPES = {*UNTYPED, "application/gzip", "application/x-gzip", "application/gzip-compressed"}


class GzippedInput(PreviewInput):
    """The unpacked content of a gzip file. Its size is known only after all of it was unpacked."""

    def __init__(self, packed: PreviewInput) -> None:
        name = packed.name
        ending = next((one for one in (".gz", ".gzip") if name.endswith(one)), "")
        key = packed.key[: -len(ending)] if ending else packed.key
        type_ = packed.content_type
        inner = (mimetypes.guess_type(key)[0] or "") if type_ in _TYPES else type_
        super().__init__(key, packed.file, packed.etag, inner, packed.notes)
        self._packed = packed
        self._stream = zlib.decompressobj(31)
        self._data = bytearray()
        self._left = b""  # packed bytes that were read and not unpacked
        self._position = 0
        self._is_whole = False

    @property
    def size(self) -> int:
        """The unpacked size in bytes; a very large number if it is not known."""
        return len(self._data) if self._is_whole else sys.maxsize

    @cached_property
    def head(self) -> bytes:
        """The first unpacked bytes."""
        return self.beginning(HEAD_BYTES)

    def beginning(self, count: int) -> bytes:
        """Return up to ``count`` unpacked bytes. Raises :class:`Unreadable` for invalid data."""
        wanted = min(count, MAX_UNPACKED_BYTES)
        while len(self._data) < wanted and not self._is_whole and self._more():
            try:
                self._data += self._stream.decompress(self._left, wanted - len(self._data))
            except zlib.error:
                self._cut()
                break
            self._left = self._stream.unconsumed_tail
            if self._stream.eof:
                self._next_member()
        return bytes(self._data[:count])

    def common(self) -> dict[str, Any]:
        """Return the fields that all previews have, for the packed object."""
        return self._packed.common() | {"compression": "gzip"}

    def _more(self) -> bool:
        """Return whether there is more to unpack."""
        if not self._left:
            self._left = self.file.at(self._position, min(STEP_BYTES, MAX_PACKED_BYTES - self._position))
            self._position += len(self._left)
            if not self._left and self._position == self.file.size:
                self._cut()
        return bool(self._left)

    def _next_member(self) -> None:
        """Start the next gzip member: bgzip and ``cat a.gz b.gz`` write several."""
        self._left = self._stream.unused_data
        if len(self._left) < len(MAGIC):
            self._left += self.file.at(self._position, STEP_BYTES)
            self._position = min(self._position + STEP_BYTES, self.file.size)
        if self._left.startswith(MAGIC):
            self._stream = zlib.decompressobj(31)
        else:
            self._is_whole = True

    def _cut(self) -> None:
        if not self._data:
            raise Unreadable("The file is not valid gzip data.")
        self._is_whole = True
        self.notes.append("The gzip data is damaged or incomplete, so the rest is missing.")
