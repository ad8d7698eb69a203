"""Reads of whole replies up to a limit, so that a store or a hub that never stops sending cannot fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from odhtec_jupyter.errors import OdhTecError

# A page of 1000 keys has up to 4 MB, the description of a repository with 100,000 files about 10 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
MAX_TAGS = 200_000  # of XML: four times what a list of 1000 versions has
MAX_VALUES = 2_000_000  # of JSON: ten for each file of the largest repository


def read_whole(pieces: Iterable[bytes], host: str) -> bytes:
    """Return all bytes of a body. Raises :class:`OdhTecError` as soon as there are more than 16 MB."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise _too_large(host)
    return bytes(body)


def require_few(body: bytes, sign: bytes, most: int, host: str) -> bytes:
    """Return the body unless it contains ``sign`` more than ``most`` times.

    Parsing 16 MB of tiny elements would take 400 MB.
    """
    if body.count(sign) > most:
        raise _too_large(host)
    return body


def _too_large(host: str) -> OdhTecError:
    return OdhTecError(
        f"{host} answered with more than 16 MB where a list or a short reply was expected.",
        code="ReplyTooLarge",
    )


def unpacked(pieces: Iterable[bytes], encoding: str, host: str) -> Iterator[bytes]:
    """Yield the bytes of a compressed body, in pieces that stay small whatever the compression ratio."""
    if encoding in {"", "identity"}:
        yield from pieces
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise OdhTecError(f"{host} replied in an encoding that was not requested ({encoding[:40]}).", code="HubError")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # detects gzip and zlib
    taken = 0
    try:
        for piece in pieces:
            if unpacker.eof:  # zlib would keep the rest in memory
                return
            # Count the packed bytes, too: they can unpack to nothing.
            if (taken := taken + len(piece)) > MAX_BODY_BYTES:
                raise _too_large(host)
            rest = piece
            while rest:
                yield unpacker.decompress(rest, PIECE_BYTES)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise OdhTecError(f"{host} answered with damaged {encoding} data.", code="HubError") from error


def bounded_transport(library: Any, **options: Any) -> Any:
    """Return a transport of httpx (``library``, or its successor) that reads each reply as a whole up to the limit."""

    class BoundedTransport(library.HTTPTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            request.headers["Accept-Encoding"] = "gzip"
            response = super().handle_request(request)
            headers = response.headers
            encoding = headers.get("content-encoding", "").strip().lower()
            host = request.url.host
            try:
                body = require_few(read_whole(unpacked(response.stream, encoding, host), host), b",", MAX_VALUES, host)
            finally:
                response.close()
            for name in ("content-encoding", "content-length", "transfer-encoding"):
                headers.pop(name, None)
            return library.Response(response.status_code, headers=headers, content=body, extensions=response.extensions)

    return BoundedTransport(**options)
