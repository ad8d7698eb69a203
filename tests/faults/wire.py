"""HTTP/1.1 as the fault proxy reads it: unchanged heads, and bodies in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property

PIECE = 64 * 1024
NO_BODY = frozenset({204, 304})


class Torn(ConnectionError):
    """The connection ended in the middle of a message."""


@dataclass(frozen=True)
class Head:
    """First line and headers of a request or reply. ``raw`` has the original bytes, which are forwarded."""

    raw: bytes

    @cached_property
    def first(self) -> list[str]:
        """The three words of the first line."""
        return self.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case."""
        lines = self.raw.decode("latin-1").split("\r\n")[1:]
        return {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines if x)}

    @property
    def status(self) -> int:
        """The status of a reply."""
        return int(self.first[1])

    @property
    def keeps(self) -> bool:
        """Whether the connection stays open after this message."""
        version = self.first[0] if self.first[0].startswith("HTTP/") else self.first[-1]
        option = self.headers.get("connection", "").lower()
        return option == "keep-alive" if version == "HTTP/1.0" else option != "close"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read the head of the next message. Return None at the end of the connection."""
    try:
        return Head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Torn from None
        return None


class Body:
    """A body, read while it is forwarded. Counts and offsets do not include the framing of chunks."""

    def __init__(self, reader: asyncio.StreamReader, *, length: int | None, chunked: bool) -> None:
        """Without ``length`` and ``chunked``, the body ends with the connection."""
        self._reader = reader
        self.length = length
        self.chunked = chunked
        self._trailer = b""

    @classmethod
    def of_request(cls, head: Head, reader: asyncio.StreamReader) -> Body:
        """Return the body that follows the head of a request."""
        chunked = "chunked" in head.headers.get("transfer-encoding", "").lower()
        length = None if chunked else int(head.headers.get("content-length") or 0)
        return cls(reader, length=length, chunked=chunked)

    @classmethod
    def of_reply(cls, head: Head, reader: asyncio.StreamReader, method: str) -> Body:
        """Return the body that follows the head of a reply to ``method``."""
        if method == "HEAD" or head.status < 200 or head.status in NO_BODY:
            return cls(reader, length=0, chunked=False)
        chunked = "chunked" in head.headers.get("transfer-encoding", "").lower()
        length = head.headers.get("content-length")
        return cls(reader, length=None if chunked or length is None else int(length), chunked=chunked)

    @property
    def delimited(self) -> bool:
        """Whether the body has a known end, so that another message can follow."""
        return self.chunked or self.length is not None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes in pieces of at most 64 KiB."""
        if not self.chunked:
            async for piece in self._read(self.length):
                yield piece
            return
        try:
            while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                async for piece in self._read(size):
                    yield piece
                await self._reader.readexactly(2)
            while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
                self._trailer += line
        except asyncio.IncompleteReadError:
            raise Torn from None

    async def _read(self, left: int | None) -> AsyncIterator[bytes]:
        while left is None or left:
            piece = await self._reader.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                if left is None:
                    return
                raise Torn
            left = None if left is None else left - len(piece)
            yield piece

    def framed(self, piece: bytes) -> bytes:
        """Return a piece with the framing of the body."""
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece

    def end(self) -> bytes:
        """Return the framing after the last piece."""
        return b"0\r\n" + self._trailer + b"\r\n" if self.chunked else b""
