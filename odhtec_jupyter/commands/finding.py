"""What the URIs of a command name: the very object or folder, or all that matches a pattern."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.arguments import s3_place
from odhtec_jupyter.client.globs import has_wildcards, matching
from odhtec_jupyter.client.listing import first_object, is_folder
from odhtec_jupyter.errors import OdhTecError, StoreError
from odhtec_jupyter.uris import S3Uri

Note = Callable[[str], None]
HIDDEN = 403  # may be there all the same: who may list or delete need not be allowed to read
ABSENT = 404


def found(client: Client, uri: str, *, folders: bool = True, note: Note | None = None) -> Iterator[Entry]:
    """The object or folder of that name, or what matches; ``folders`` says whether a pattern also takes folders.

    A folder may be named without its slash: the entry has it. ``note`` is told which folders a command left out that
    would take them with ``-r``. Raises :class:`NotFound` for nothing.
    """
    place = s3_place(uri)
    one = exact(client, place)
    if one is not None:
        yield one
        return
    if not has_wildcards(place.key):
        raise nothing(uri)
    first: Entry | None = None  # folder that is left out
    count = left_out = 0
    for entry in matching(client.api, place):
        if entry.is_folder and not folders:
            first = first or entry
            left_out += 1
        else:
            count += 1
            yield entry
    hint = " -r takes folders, too." if note else ""
    if not count and first is not None:
        raise StoreError(f"{uri} matches only folders, such as {first}.{hint}", code="NoSuchKey")
    if not count:
        raise StoreError(f"Nothing matches {uri}.", code="NoSuchKey")
    if note and left_out:
        note(f"Left out: {first}{f' and {left_out - 1} more' if left_out > 1 else ''}.{hint}")


def exact(client: Client, place: S3Uri) -> Entry | None:
    """The object or folder of exactly this name; None for nothing."""
    if not place.key:
        return Entry(str(S3Uri(place.bucket, "")), "", True)
    refusal: OdhTecError | None = None
    if not place.is_folder:
        try:
            details = client.api.get_details(place.bucket, place.key)
        except OdhTecError as error:
            if error.status not in {ABSENT, HIDDEN}:
                raise
            if error.status == HIDDEN:
                refusal = error
                # Users who may not read it may still list it. A key with wildcards in it must not match other objects.
                one = first_object(client.api, place.bucket, place.key)
                if one is not None and one.Key == place.key:
                    return Entry(str(place), one.Key, False, one.Size, one.LastModified, one.ETag, one.StorageClass)
        else:
            seen = (details.Size, details.LastModified, details.ETag, details.StorageClass)
            return Entry(str(place), place.key, False, *seen)
    folder = place if place.is_folder else S3Uri(place.bucket, f"{place.key}/")
    if is_folder(client.api, place.bucket, folder.key):
        return Entry(str(folder), folder.key, True)
    if refusal is not None and not has_wildcards(place.key):
        raise refusal
    return None


def is_below(path: str, folders: Container[str]) -> bool:
    """Whether a path is in one of the folders, which end in a slash: it is covered by that folder."""
    return any(path[: at + 1] in folders for at, letter in enumerate(path[:-1]) if letter == "/")


def nothing(uri: str) -> StoreError:
    """The error for a URI that names nothing."""
    return StoreError(f"There is nothing at {uri}.", code="NoSuchKey")
