"""Replies that are read whole, up to a limit: a store or a hub that never stops sending must not fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from odhtec_jupyter.errors import OdhTecError

# A page of 1000 keys has at most 4 MB, and the description of a repository with 100,000 files about 10.
MAX_BODY_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024


def read_whole(pieces: Iterable[bytes], host: str) -> bytes:
    """All bytes of a body. Raises :class:`OdhTecError` as soon as there are more than 16 MB."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise OdhTecError(
                f"{host} answered with more than 16 MB where a list or a short reply was expected.",
                code="ReplyTooLarge",
                status=502,
            )
    return bytes(body)


def unpacked(pieces: Iterable[bytes], encoding: str, host: str) -> Iterator[bytes]:
    """The bytes behind a ``Content-Encoding``, in pieces that stay small however well they were packed."""
    if encoding in {"", "identity"}:
        yield from pieces
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise OdhTecError(
            f"{host} answered in an encoding that was not asked for ({encoding[:40]}).", code="HubError", status=502
        )
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, by their first bytes
    try:
        for piece in pieces:
            rest = piece
            while rest:
                yield unpacker.decompress(rest, PIECE_BYTES)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise OdhTecError(f"{host} answered with broken {encoding} data.", code="HubError", status=502) from error


def bounded_transport(library: Any, **options: Any) -> Any:
    """A transport of httpx (or its successor, ``library``) that reads each reply whole, and no more than the limit."""

    class BoundedTransport(library.HTTPTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            request.headers["Accept-Encoding"] = "gzip"
            response = super().handle_request(request)
            headers = response.headers
            encoding = headers.get("content-encoding", "").strip().lower()
            host = request.url.host
            try:
                body = read_whole(unpacked(response.stream, encoding, host), host)
            finally:
                response.close()
            for name in ("content-encoding", "content-length", "transfer-encoding"):
                headers.pop(name, None)
            return library.Response(response.status_code, headers=headers, content=body, extensions=response.extensions)

    return BoundedTransport(**options)
