"""The protocol between the server and the pyarrow process, and the object as that process reads it."""

from __future__ import annotations

import io
import struct
from typing import IO

# Sent by the process: a word, and offset and length of a range, or the length of the result that follows.
REQUEST = struct.Struct("<cQQ")
READ, DONE, REFUSED = b"r", b"d", b"x"
# The reply: whether the range can be read, and how many bytes follow.
ANSWER = struct.Struct("<?Q")


class BudgetSpentError(Exception):
    """The limit of the preview is reached."""


class RemoteFile(io.RawIOBase):
    """The object, read through the server."""

    def __init__(self, size: int, requests: IO[bytes], answers: IO[bytes]) -> None:
        super().__init__()
        self.refused = False  # an error of pyarrow can hide this one
        self._size = size
        self._requests = requests
        self._answers = answers
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Return the current position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the current position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes. Raises :class:`BudgetSpentError`."""
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        self._requests.write(REQUEST.pack(READ, self._position, wanted))
        self._requests.flush()
        allowed, count = ANSWER.unpack(self._answers.read(ANSWER.size))
        if not allowed:
            self.refused = True
            raise BudgetSpentError
        data = self._answers.read(count)
        self._position += len(data)
        return data
