"""HTTP/1.1 as the fault proxy reads it: heads as they came, bodies piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property

PIECE = 64 * 1024
NO_BODY = frozenset({204, 304})


class Torn(ConnectionError):
    """A connection ended in the middle of a message."""


@dataclass(frozen=True)
class Head:
    """A request's or reply's first line and headers; ``raw`` are the very bytes, which are passed on unchanged."""

    raw: bytes

    @cached_property
    def first(self) -> list[str]:
        """The three words of the first line."""
        return self.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @cached_property
    def headers(self) -> dict[str, str]:
        """By name in small letters."""
        lines = self.raw.decode("latin-1").split("\r\n")[1:]
        return {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines if x)}

    @property
    def status(self) -> int:
        """Of a reply."""
        return int(self.first[1])

    @property
    def keeps(self) -> bool:
        """Whether the connection goes on after this message."""
        version = self.first[0] if self.first[0].startswith("HTTP/") else self.first[-1]
        told = self.headers.get("connection", "").lower()
        return told == "keep-alive" if version == "HTTP/1.0" else told != "close"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next message's head; None when the other side has nothing more to say."""
    try:
        return Head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Torn from None
        return None


class Body:
    """A body that is read as it is passed on. Counts and offsets mean its own bytes, without the chunks' sizes."""

    def __init__(self, reader: asyncio.StreamReader, *, length: int | None, chunked: bool) -> None:
        """``length`` None without ``chunked``: up to the end of the connection."""
        self._reader = reader
        self.length = length
        self.chunked = chunked
        self._trailer = b""

    @classmethod
    def of_request(cls, head: Head, reader: asyncio.StreamReader) -> Body:
        """What follows a request's head."""
        chunked = "chunked" in head.headers.get("transfer-encoding", "").lower()
        length = None if chunked else int(head.headers.get("content-length") or 0)
        return cls(reader, length=length, chunked=chunked)

    @classmethod
    def of_reply(cls, head: Head, reader: asyncio.StreamReader, method: str) -> Body:
        """What follows the head of a reply to ``method``."""
        if method == "HEAD" or head.status < 200 or head.status in NO_BODY:
            return cls(reader, length=0, chunked=False)
        chunked = "chunked" in head.headers.get("transfer-encoding", "").lower()
        told = head.headers.get("content-length")
        return cls(reader, length=None if chunked or told is None else int(told), chunked=chunked)

    @property
    def delimited(self) -> bool:
        """Whether the body says where it ends, so that another message may follow."""
        return self.chunked or self.length is not None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes, at most 64 KiB at once."""
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
        """A piece as it goes on."""
        return b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece

    def end(self) -> bytes:
        """What follows the last piece."""
        return b"0\r\n" + self._trailer + b"\r\n" if self.chunked else b""
