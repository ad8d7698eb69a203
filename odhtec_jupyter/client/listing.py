"""Listings of buckets and folders, page by page, with one page in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from odhtec_jupyter import models
from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.display import size
from odhtec_jupyter.errors import StoreError
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

MAX_SHOWN_ENTRIES = 20


@dataclass(frozen=True)
class Entry:
    """An object or folder. ``str(entry)`` is its URI, and methods accept an entry in place of a URI."""

    uri: str
    key: str
    is_folder: bool
    size: int | None = None
    last_modified: datetime | None = None
    etag: str | None = None
    storage_class: str | None = None

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        return self.uri


class Listing:
    """Entries that are loaded as they are needed. Each iteration starts again."""

    def __init__(self, title: str, start: Callable[[], Iterator[Entry]]) -> None:
        self._title, self._start = title, start

    def __iter__(self) -> Iterator[Entry]:
        return self._start()

    def __repr__(self) -> str:
        first, title = list(islice(self, MAX_SHOWN_ENTRIES + 1)), visible(self._title)
        rows = [
            f"{'' if one.size is None else size(one.size):>10}  {visible(one.key)}" for one in first[:MAX_SHOWN_ENTRIES]
        ]
        more = ["            …"] if len(first) > MAX_SHOWN_ENTRIES else []
        return "\n".join([title, *rows, *more] if first else [f"{title}: nothing"])


def level(api: Api, uri: S3Uri) -> Iterator[Entry]:
    """Yield the folders and objects directly in a folder; for the URI of an object only this object."""
    folder = uri if uri.is_folder else uri.with_path(f"{uri.key}/")
    found = False
    for entry in _level(api, folder):
        found = True
        yield entry
    if not found and folder is not uri:
        length, etag = api.head_object(uri.bucket, uri.key)
        yield Entry(str(uri), uri.key, False, length, None, etag)


def _level(api: Api, uri: S3Uri) -> Iterator[Entry]:
    for page in _pages(api, uri.bucket, uri.key, {}):
        for found in page.prefixes:
            yield Entry(str(uri.with_path(found.Prefix)), found.Prefix, True)
        for one in page.objects:
            if one.Key != uri.key:  # the folder's own marker
                yield _entry(uri, one)


def below(api: Api, uri: S3Uri) -> Iterator[Entry]:
    """Yield every object whose key starts with the key of the URI."""
    return (_entry(uri, one) for one in objects_below(api, uri.bucket, uri.key))


def search(api: Api, uri: S3Uri, query: dict[str, Any]) -> Iterator[Entry]:
    """Yield the results of a search as they are found."""
    for page in _pages(api, uri.bucket, uri.key, query):
        for found in page.prefixes:
            yield Entry(str(uri.with_path(found.Prefix)), found.Prefix, True)
        for one in page.objects:
            yield _entry(uri, one)


def objects_below(api: Api, bucket: str, prefix: str) -> Iterator[models.S3Object]:
    """Yield every object whose key starts with the prefix, with S3's fields."""
    # A search with an empty text, which matches every object below the prefix.
    for page in _pages(api, bucket, prefix, {"q": "", "mode": "prefix", "recursive": "true"}):
        yield from page.objects


def object_exists(api: Api, uri: S3Uri) -> bool:
    """Return whether there is an object with exactly this key."""
    try:
        api.head_object(uri.bucket, uri.key)
    except StoreError as error:
        if error.status != 404:
            raise
        return False
    return True


def is_folder_marker(one: models.S3Object) -> bool:
    """Return whether an object only marks a folder, as S3 consoles create them."""
    return one.Key.endswith("/") and not one.Size


def is_folder(api: Api, bucket: str, prefix: str) -> bool:
    """Return whether there is an object below the prefix."""
    return first_object(api, bucket, prefix) is not None


def first_object(api: Api, bucket: str, prefix: str) -> models.S3Object | None:
    """Return the first object whose key starts with the prefix. An object with the prefix as its key is the first."""
    query = {"q": "", "mode": "prefix", "recursive": "true", "maxKeys": 1}
    return next((page.objects[0] for page in _pages(api, bucket, prefix, query) if page.objects), None)


def usage(api: Api, uri: S3Uri) -> models.Usage:
    """Return the number and total size of the objects below a URI."""
    sum_ = models.Usage(objects=0, bytes=0, next_continuation_token=None, is_truncated=False)
    token: str | None = None
    while True:
        step = api.count_usage(uri.bucket, uri.key, token)
        sum_.objects += step.objects
        sum_.bytes += step.bytes
        token = step.next_continuation_token
        if not step.is_truncated:
            return sum_


def _pages(api: Api, bucket: str, prefix: str, query: dict[str, Any]) -> Iterator[models.ObjectList]:
    token: str | None = None
    while True:
        page = api.list_objects(bucket, prefix, {**query, "continuationToken": token})
        yield page
        token = page.next_continuation_token
        if not page.is_truncated:
            return


def _entry(place: S3Uri, one: models.S3Object) -> Entry:
    return Entry(
        str(place.with_path(one.Key)),
        one.Key,
        one.Key.endswith("/"),
        one.Size,
        one.LastModified,
        one.ETag,
        one.StorageClass,
    )
