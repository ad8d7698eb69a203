"""Normalized ETags: quoted, or made of size and date if a store has none that is reliable."""

from __future__ import annotations

from datetime import datetime

DATED = '"dated-'


def quoted(etag: str | None) -> str | None:
    """A strong ETag in double quotes; some stores leave them out. None for a weak one, and where there is none."""
    text = (etag or "").strip()
    if text[:2] in {"W/", "w/"}:
        return None
    bare = text.strip('"')
    return f'"{bare}"' if bare else None


def opaque(etag: str | None) -> str | None:
    """Return the quoted part of an ETag, also of a weak one: a compressing proxy makes ETags weak."""
    text = (etag or "").strip()
    return quoted(text[2:] if text[:2] in {"W/", "w/"} else text)


def dated(size: int | None, modified: datetime | None) -> str | None:
    """Return a replacement for a missing or weak ETag. By HEAD, S3 returns dates in seconds."""
    if size is None or modified is None:
        return None
    return f'{DATED}{size}-{int(modified.timestamp())}"'


def is_dated(etag: str | None) -> bool:
    """Return whether an ETag is our replacement.

    The store does not know it, and two different objects can have the same one.
    """
    return bool(etag) and str(etag).startswith(DATED)


def normal(etag: str | None, size: int | None, modified: datetime | None) -> str | None:
    """Return the ETag of an object as this package uses it; None if the store returns neither ETag nor date."""
    return quoted(etag) or dated(size, modified)


def matches(pin: str, etag: str | None, size: int | None, modified: datetime | None) -> bool:
    """Return whether a description of an object is consistent with ``pin``; a missing value counts as consistent."""
    if is_dated(pin):
        return dated(size, modified) in {None, pin}
    return not pin or opaque(etag) in {None, pin}
