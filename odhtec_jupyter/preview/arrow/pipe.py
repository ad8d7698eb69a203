"""What the server and the process in which pyarrow runs say to each other, and the object as that process sees it."""

from __future__ import annotations

import io
import struct
from typing import IO

# What the process sends: a word, and two numbers: place and length of what it wants, or the length of what follows.
REQUEST = struct.Struct("<cQQ")
READ, DONE, REFUSED = b"r", b"d", b"x"
# What it is answered: whether it may have that, and how many bytes follow.
ANSWER = struct.Struct("<?Q")


class BudgetSpentError(Exception):
    """The other side reads no more."""


class RemoteFile(io.RawIOBase):
    """The object, as the other side reads it."""

    def __init__(self, size: int, requests: IO[bytes], answers: IO[bytes]) -> None:
        super().__init__()
        self.refused = False  # an error of pyarrow may hide the one from here
        self._size = size
        self._requests = requests
        self._answers = answers
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes. Raises :class:`BudgetSpentError`."""
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
