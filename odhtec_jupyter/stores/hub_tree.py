"""The files of a repository: the hub's list of them, read page by page, and never from another host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import HubFile

MAX_FILES = 200_000  # twice what Hugging Face recommends at most
MAX_PAGES = 5_000


def repo_files(get: Callable[[str], Any], url: str, host: str) -> list[HubFile]:
    """All files below ``url``, the address of a tree. ``get`` asks for a page, with the token.

    Of the link to the next page only the query counts: the token belongs to ``url`` and to no host that a link names,
    and a mirror may pass on the links of the hub behind it.
    """
    files: list[HubFile] = []
    query, seen, entries = "recursive=true&expand=false", set[str](), 0
    while query not in seen:
        seen.add(query)
        response = get(f"{url}?{query}")
        try:
            page = response.json()
            entries += len(page)
            files += [_hub_file(item) for item in page if item["type"] == "file"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _odd(f"{host} answered with something other than a list of files.") from error
        if entries > MAX_FILES or len(seen) > MAX_PAGES:
            raise _odd(f"The repository has more than {MAX_FILES:,} files and folders, which is too many to import.")
        following = response.links.get("next", {}).get("url")
        if not following:
            return files
        query = urlsplit(following).query
    raise _odd(f"{host} lists the files of the repository without an end: a page leads back to an earlier one.")


def _hub_file(item: dict[str, Any]) -> HubFile:
    lfs = item.get("lfs")
    try:
        return HubFile(path=item["path"], size=item["size"], etag=lfs["oid"] if lfs else item["oid"], lfs=bool(lfs))
    except ValidationError as error:
        raise ValueError from error


def _odd(message: str) -> OdhTecError:
    return OdhTecError(message, code="HubError", status=502)
