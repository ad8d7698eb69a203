"""Expansion of the URIs of a command: to the object or folder of that name, or to all that match a pattern."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.globs import has_wildcards, matching
from odhtec_jupyter.client.listing import first_object, is_folder
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.uris import S3Uri

Note = Callable[[str], None]
FORBIDDEN = 403  # the object may exist: permission to list or delete does not include permission to read
NOT_FOUND = 404


def expand(client: Client, uri: str, *, folders: bool = True, note: Note | None = None) -> Iterator[Entry]:
    """Yield the object or folder of that name, or what matches; ``folders`` says whether patterns match folders.

    A folder can be named without its slash; its entry has one. ``note`` gets a notice about folders that a command left
    out and would include with ``-r``. Raises :class:`StoreError` if there is nothing.
    """
    location = client.location(uri)
    one = exact(client, location)
    if one is not None:
        yield one
        return
    if not has_wildcards(location.key):
        raise not_found(uri)
    first: Entry | None = None  # the first folder that is left out
    count = left_out = 0
    for entry in matching(client.api_of(location), location):
        if entry.is_folder and not folders:
            first = first or entry
            left_out += 1
        else:
            count += 1
            yield entry
    hint = " Use -r to include folders." if note else ""
    if not count and first is not None:
        raise StoreError(f"{uri} matches only folders, such as {first}.{hint}", code="NoSuchKey")
    if not count:
        raise StoreError(f"No object or folder matches {uri}.", code="NoSuchKey")
    if note and left_out:
        note(f"Left out: {first}{f' and {left_out - 1} more' if left_out > 1 else ''}.{hint}")


def exact(client: Client, location: S3Uri) -> Entry | None:
    """Return the object or folder of exactly this name, or None."""
    if not location.key:
        return Entry(str(location.with_path("")), "", True)
    api = client.api_of(location)
    refusal: OdhTecError | None = None
    if not location.is_folder:
        try:
            details = api.get_details(location.bucket, location.key)
        except OdhTecError as error:
            if error.status not in {NOT_FOUND, FORBIDDEN}:
                raise
            if error.status == FORBIDDEN:
                refusal = error
                # Listing may be allowed where reading is not. A key that contains wildcards must not match others.
                one = first_object(api, location.bucket, location.key)
                if one is not None and one.Key == location.key:
                    return Entry(str(location), one.Key, False, one.Size, one.LastModified, one.ETag, one.StorageClass)
        else:
            seen = (details.Size, details.LastModified, details.ETag, details.StorageClass)
            return Entry(str(location), location.key, False, *seen)
    folder = location if location.is_folder else location.with_path(f"{location.key}/")
    if is_folder(api, location.bucket, folder.key):
        return Entry(str(folder), folder.key, True)
    if refusal is not None and not has_wildcards(location.key):
        raise refusal
    return None


def is_below(path: str, folders: Container[str]) -> bool:
    """Return whether a path is in one of the folders, which end in a slash."""
    return any(path[: at + 1] in folders for at, letter in enumerate(path[:-1]) if letter == "/")


def not_found(uri: str) -> StoreError:
    """Return the error for a URI that names neither an object nor a folder."""
    return StoreError(f"{uri} does not exist.", code="NoSuchKey")
