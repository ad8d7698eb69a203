"""Object keys in URLs: base64url of the UTF-8 bytes, without padding."""

from __future__ import annotations

import base64
import binascii

from odhtec_jupyter.errors import BadRequest

MAX_KEY_BYTES = 1024


def encode_key(key: str) -> str:
    """Return the path segment for a key."""
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def decode_key(text: str, *, most: int = MAX_KEY_BYTES) -> str:
    """Return the key of a path segment. The standard alphabet and padding are accepted. Raises :class:`BadRequest`."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest("The key in the URL must be UTF-8 in base64url.", code="InvalidKey") from None
    if not key:
        raise BadRequest("The key in the URL must not be empty.", code="InvalidKey")
    return fitting(key, most=most)


def fitting(key: str, *, most: int = MAX_KEY_BYTES) -> str:
    """Return the key unless it is too long for S3, which not every server checks. Raises :class:`BadRequest`."""
    if len(key.encode()) > most:
        raise BadRequest(f"The key has more than {most} bytes.", code="KeyTooLongError")
    return key
