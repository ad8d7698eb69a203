"""Wildcards in keys as a shell has them: ``*``, ``?`` and ``[…]`` within one level, ``**`` across levels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from odhtec_jupyter.client.api import Api
from odhtec_jupyter.client.listing import Entry, below, is_folder, level, search
from odhtec_jupyter.errors import BadRequest, StoreError
from odhtec_jupyter.uris import S3Uri

WILDCARDS = frozenset("*?[")
# "**/" is any number of levels only where a level begins: "tmp**/a" must not match "tmpa".
_TOKEN = re.compile(r"((?<![^/])\*\*/|\*\*|\*|\?|\[[^\[\]/]+\])")


def has_wildcards(text: str) -> bool:
    """Return whether a text contains wildcards."""
    return not WILDCARDS.isdisjoint(text)


def literal_folder(key: str) -> str:
    """Return the folder that contains the first wildcard of a pattern."""
    folder, slash, _ = _literal(key).rpartition("/")
    return folder + slash


def matching(api: Api, pattern: S3Uri) -> Iterator[Entry]:
    """Yield the objects and folders that match. A trailing slash matches only folders, ``**`` only objects.

    Raises :class:`BadRequest` for an invalid range in brackets.
    """
    *parts, last = pattern.key.split("/")
    folders_only = last == ""
    for entry in _below(api, pattern.with_path(""), parts if folders_only else [*parts, last]):
        if entry.is_folder or not folders_only:
            yield entry


def _below(api: Api, folder: S3Uri, parts: Sequence[str]) -> Iterator[Entry]:
    first, rest = parts[0], parts[1:]
    if "**" in first:
        pattern = "/".join(parts)
        matches = _matcher(pattern)
        for entry in below(api, folder.below(_literal(pattern))):
            path = entry.key.removeprefix(folder.key)
            if path and matches(path):  # without the folder's own marker
                yield entry
    elif has_wildcards(first):
        matches = _matcher(first)
        for entry in _level(api, folder, _literal(first)):
            if not matches(entry.key.removeprefix(folder.key).removesuffix("/")):
                continue
            if not rest:
                yield entry
            elif entry.is_folder:
                yield from _below(api, folder.with_path(entry.key), rest)
    elif rest:
        yield from _below(api, folder.below(f"{first}/"), rest)
    else:
        yield from _named(api, folder.below(first))


def _level(api: Api, folder: S3Uri, start: str) -> Iterator[Entry]:
    """Yield the entries of a folder whose names start with ``start``; the store filters them."""
    if not start:
        yield from level(api, folder)
        return
    for entry in search(api, folder, {"q": start, "mode": "prefix", "recursive": "false"}):
        if entry.key != folder.key:  # the folder's own marker
            yield entry


def _named(api: Api, uri: S3Uri) -> Iterator[Entry]:
    """Yield the object of that name, and the folder of that name."""
    try:
        size, etag = api.head_object(uri.bucket, uri.key)
        yield Entry(str(uri), uri.key, False, size, None, etag)
    except StoreError as error:
        if error.status != 404:
            raise
    if is_folder(api, uri.bucket, f"{uri.key}/"):
        yield Entry(f"{uri}/", f"{uri.key}/", True)


def _literal(pattern: str) -> str:
    """Return the text before the first wildcard."""
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def _matcher(pattern: str) -> Callable[[str], object]:
    expression = "".join(_piece(token) for token in _TOKEN.split(pattern))
    try:
        return re.compile(expression, re.DOTALL).fullmatch
    except re.error:
        raise BadRequest(
            f"The pattern {pattern!r} has an invalid range in brackets: its end is before its start."
        ) from None


def _piece(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if len(token) > 2 and token[0] == "[" and token[-1] == "]":
        inverted = token[1] in "!^" and len(token) > 3
        letters = token[1 + inverted : -1]
        # A hyphen makes a range only between two letters.
        body = "".join(
            one if one == "-" and 0 < index < len(letters) - 1 else re.escape(one) for index, one in enumerate(letters)
        )
        # A range such as [+-9] has the slash in it, too.
        return f"[^{body}/]" if inverted else f"(?!/)[{body}]"
    return re.escape(token)
