"""Search for objects by name, one step at a time; each match is returned exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from unicodedata import normalize

from odhtec_jupyter.keys import MAX_KEY_BYTES
from odhtec_jupyter.models import CommonPrefix, ObjectList
from odhtec_jupyter.patterns import matcher
from odhtec_jupyter.stores.s3.base import PAGE_KEYS
from odhtec_jupyter.stores.s3.listing import S3Lister
from odhtec_jupyter.stores.s3.wire.list_page import ListPage
from odhtec_jupyter.stores.step import Step

SEARCH_MODES = ("prefix", "contains", "glob")


@dataclass(frozen=True)
class Search:
    """What to search for below ``prefix``.

    ``prefix`` is the store's own prefix search, which is case-sensitive. ``contains`` and ``glob`` ignore case and the
    composition of accents. They compare the names on one level, including folders, or (``recursive``) the path below
    the prefix of each object.
    """

    bucket: str
    prefix: str
    q: str
    mode: str
    recursive: bool

    @property
    def delimiter(self) -> str:
        """Return the delimiter of levels; empty for a recursive search."""
        return "" if self.recursive else "/"

    def hits(self, page: ListPage) -> list[str]:
        """Return the matching keys and folders of a page."""
        matches, skip = self._matches, len(self.prefix)
        found = [key for key in page.keys if len(key) > skip and matches(_plain(key[skip:]))]
        for folder in page.folders:
            name = _plain(folder[skip:])
            if matches(name) or matches(name.removesuffix("/")):
                found.append(folder)
        return found

    @cached_property
    def _matches(self) -> Callable[[str], object]:
        q = _plain(self.q)
        return matcher(q) if self.mode == "glob" else lambda name: q in name


def _plain(text: str) -> str:
    return text.lower() if text.isascii() else normalize("NFC", text).casefold()


class S3Searcher(S3Lister):
    """Calls that search."""

    def search(self, search: Search, *, max_keys: int, token: str | None, step: Step) -> ObjectList:
        """Return up to ``max_keys`` matches, starting at ``token``, of one step.

        A step can have fewer matches, or none, before the end, which is where ``is_truncated`` is false.
        """
        found = ObjectList(objects=[], prefixes=[], next_continuation_token=token, is_truncated=False, scanned=0)
        if search.mode != "prefix":
            wanted = max_keys
            while True:
                page, hits = self._hits(search, found.next_continuation_token, wanted)
                _add(found, page, hits)
                wanted -= len(hits)
                if not found.is_truncated or wanted <= 0 or step.is_over():
                    break
        elif len(start := search.prefix + search.q) <= MAX_KEY_BYTES >= len(start.encode()):
            page = self.list_page(search.bucket, start, delimiter=search.delimiter, max_keys=max_keys, token=token)
            _add(found, page, [*page.keys, *page.folders])
        return found

    def _hits(self, search: Search, token: str | None, wanted: int) -> tuple[ListPage, list[str]]:
        """Return the page at ``token`` with its matches.

        A page with too many matches is requested again with fewer entries, so that its token is right after the last
        match: the store's tokens are the only ones.
        """

        def look(size: int) -> tuple[ListPage, list[str]]:
            page = self.list_page(search.bucket, search.prefix, delimiter=search.delimiter, max_keys=size, token=token)
            return page, search.hits(page)

        page, hits = look(PAGE_KEYS)
        if len(hits) > wanted:
            last = sorted(hits, key=str.encode)[wanted - 1].encode()
            page, hits = look(sum(one.encode() <= last for one in (*page.keys, *page.folders)))
        if len(hits) > wanted:
            # The store sorts differently, or the bucket has changed. So few entries cannot be too many matches.
            page, hits = look(wanted)
        return page, hits


def _add(found: ObjectList, page: ListPage, hits: list[str]) -> None:
    """Add the matches of a page and the token after it to the result."""
    chosen = set(hits)
    found.objects += page.take(index for index, key in enumerate(page.keys) if key in chosen)
    found.prefixes += [CommonPrefix(Prefix=folder) for folder in page.folders if folder in chosen]
    found.next_continuation_token = page.next_token
    found.is_truncated = page.next_token is not None
    found.scanned = (found.scanned or 0) + len(page)
