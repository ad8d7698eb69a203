"""Limits of a reply before and after it is decompressed."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.stores.bounded import MAX_BODY_BYTES, PIECE_BYTES, read_whole, require_few, unpacked


def test_bytes_after_a_compressed_reply_are_not_read() -> None:
    read_pieces = itertools.count()
    pieces = (b"x" * PIECE_BYTES for _ in iter(lambda: next(read_pieces) < 1000, False))
    body = read_whole(unpacked(itertools.chain([gzip.compress(b"[]")], pieces), "gzip", "hub"), "hub")
    assert body == b"[]"
    assert next(read_pieces) < 5


def test_packed_bytes_without_content_count_towards_the_limit() -> None:
    packer = zlib.compressobj()
    start = packer.compress(b"[]") + packer.flush(zlib.Z_SYNC_FLUSH)
    empty_blocks = b"\x00\x00\x00\xff\xff" * (PIECE_BYTES // 5)
    count = 2 * MAX_BODY_BYTES // len(empty_blocks)
    pieces = itertools.chain([start], itertools.repeat(empty_blocks, count))
    with pytest.raises(OdhTecError, match="more than 16 MB"):
        read_whole(unpacked(pieces, "deflate", "hub"), "hub")


def test_reply_with_too_many_elements_is_refused_before_it_is_parsed() -> None:
    assert require_few(b"<a/>" * 3, b"<", 3, "store") == b"<a/>" * 3
    with pytest.raises(OdhTecError, match="store answered with"):
        require_few(b"<a/>" * 4, b"<", 3, "store")
