"""The contents of the stand-in's files: from memory, from disk, or generated."""

from __future__ import annotations

import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

_BLOCK = 1024 * 1024
_STAMP = 8


class Content(ABC):
    """Bytes of a known size that can be read from any position, repeatedly, by several threads."""

    size: int

    @abstractmethod
    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield the bytes from ``start`` up to ``stop`` in pieces, without copying them."""

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes as one object, for small files and tests."""
        data = bytearray()
        for chunk in self.chunks(start, self.size if stop is None else stop):
            data += chunk
        return bytes(data)

    @cached_property
    def sha256(self) -> str:
        """The id of the object in Git LFS."""
        return self._digest(hashlib.sha256())

    @cached_property
    def blob_id(self) -> str:
        """The id of the file in git: the sha1 of a header with the size and the bytes."""
        return self._digest(hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False))

    def _digest(self, digest: hashlib._Hash) -> str:
        for chunk in self.chunks(0, self.size):
            digest.update(chunk)
        return digest.hexdigest()


class BytesContent(Content):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)
        self.size = len(data)

    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield one piece."""
        if start < stop:
            yield self._view[start:stop]


class FileContent(Content):
    """A file on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield pieces in one reused buffer: each is valid until the next one."""
        buffer = memoryview(bytearray(_BLOCK))
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while start < stop:
                n = file.readinto(buffer[: min(_BLOCK, stop - start)])
                if not n:
                    raise EOFError(f"{self.path.name} is shorter than {self.size} bytes")
                yield buffer[:n]
                start += n


class SyntheticContent(Content):
    """``size`` pseudo-random bytes, the same for the same seed, with only two blocks in memory.

    Each block starts with its number, followed by a window into the random bytes. No two blocks are equal, so a client
    that mixes them up is detected. Pass ``sha256`` to avoid reading a very large file to compute it.
    """

    def __init__(self, size: int, seed: int = 0, sha256: str | None = None) -> None:
        self.size = size
        self._noise = memoryview(random.Random(seed).randbytes(2 * _BLOCK))  # noqa: S311 - noise, not a secret
        if sha256 is not None:
            self.__dict__["sha256"] = sha256

    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield the number and the window of each block."""
        while start < stop:
            block, low = divmod(start, _BLOCK)
            high = min(_BLOCK, low + stop - start)
            if low < _STAMP:
                yield memoryview(block.to_bytes(_STAMP, "big"))[low : min(high, _STAMP)]
            if high > _STAMP:
                shift = block * 7919 % _BLOCK
                yield self._noise[shift + max(low, _STAMP) : shift + high]
            start += high - low
