"""Finding objects by name: a step at a time, each match exactly once."""

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
    """What is looked for below ``prefix``.

    ``prefix`` means the store's own prefix, so that upper and lower case differ. ``contains`` and ``glob`` compare
    without case, and é is é however it is composed: with the names of one level, folders too, or (``recursive``) with
    the whole path of each object below the prefix.
    """

    bucket: str
    prefix: str
    q: str
    mode: str
    recursive: bool

    @property
    def delimiter(self) -> str:
        """What ends a level, if there are any."""
        return "" if self.recursive else "/"

    def hits(self, page: ListPage) -> list[str]:
        """The keys and folders of a page that match."""
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
    """The call that searches."""

    def search(self, search: Search, *, max_keys: int, token: str | None, step: Step) -> ObjectList:
        """Matches from ``token`` on, at most ``max_keys``, as far as one step goes.

        Fewer than ``max_keys``, or none, is no end: that is where ``is_truncated`` is false.
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
        """The page that ``token`` begins, with its matches.

        A page with more than are wanted is asked for again, shorter, so that its own token stands right behind the last
        of them: the store's tokens are the only ones there are.
        """

        def look(size: int) -> tuple[ListPage, list[str]]:
            page = self.list_page(search.bucket, search.prefix, delimiter=search.delimiter, max_keys=size, token=token)
            return page, search.hits(page)

        page, hits = look(PAGE_KEYS)
        if len(hits) > wanted:
            last = sorted(hits, key=str.encode)[wanted - 1].encode()
            page, hits = look(sum(one.encode() <= last for one in (*page.keys, *page.folders)))
        if len(hits) > wanted:
            # The store has an order of its own, or the bucket has changed; so few entries cannot be too many hits.
            page, hits = look(wanted)
        return page, hits


def _add(found: ObjectList, page: ListPage, hits: list[str]) -> None:
    """Hand out the hits of a page, and where it ends."""
    chosen = set(hits)
    found.objects += page.take(index for index, key in enumerate(page.keys) if key in chosen)
    found.prefixes += [CommonPrefix(Prefix=folder) for folder in page.folders if folder in chosen]
    found.next_continuation_token = page.next_token
    found.is_truncated = page.next_token is not None
    found.scanned = (found.scanned or 0) + len(page)
