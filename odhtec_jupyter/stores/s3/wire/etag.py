"""ETags in one form, whatever a store writes: quoted, or made of size and date where there is none to rely on."""

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
    """The quoted part of any ETag, also of a weak one: a proxy that packs replies makes weak ones of strong ones."""
    text = (etag or "").strip()
    return quoted(text[2:] if text[:2] in {"W/", "w/"} else text)


def dated(size: int | None, modified: datetime | None) -> str | None:
    """What stands for an ETag where a store has none, or a weak one: S3 tells dates in seconds by HEAD."""
    if size is None or modified is None:
        return None
    return f'{DATED}{size}-{int(modified.timestamp())}"'


def is_dated(etag: str | None) -> bool:
    """Whether an ETag is ours: the store does not know it, and of two objects it says nothing."""
    return bool(etag) and str(etag).startswith(DATED)


def normal(etag: str | None, size: int | None, modified: datetime | None) -> str | None:
    """The ETag of an object as all of this package knows it; None where the store tells neither ETag nor date."""
    return quoted(etag) or dated(size, modified)


def matches(pin: str, etag: str | None, size: int | None, modified: datetime | None) -> bool:
    """Whether what a store has told of an object fits what was seen of it before; what it did not tell fits."""
    if is_dated(pin):
        return dated(size, modified) in {None, pin}
    return not pin or opaque(etag) in {None, pin}
