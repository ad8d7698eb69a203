from __future__ import annotations

import hashlib

from odhtec_jupyter.transfers.s3_target import joined_etag


def test_the_etag_of_an_upload_is_the_md5_of_the_md5s() -> None:
    parts = [hashlib.md5(text).digest() for text in (b"one", b"two")]
    etags = [f'"{part.hex()}"' for part in parts]
    assert joined_etag(etags) == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-2"'


def test_parts_that_are_named_otherwise_have_no_etag_to_compare() -> None:
    assert joined_etag(['"not-a-digest"', '"0123"']) is None
