"""The hub's list of the files of a repository, read page by page from this host only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.stores.hub.errors import odd_answer
from odhtec_jupyter.stores.hub.info import hub_file

MAX_FILES = 200_000  # twice the maximum that Hugging Face recommends
MAX_PAGES = 5_000


def repo_files(ask: Callable[[str], Any], tree: str, host: str) -> tuple[list[HubFile], bool]:
    """Return the files of a tree, and whether the list is complete: a mirror can repeat its first page.

    ``ask`` requests a page with the token and returns its JSON and response. Of the link to the next page only the
    query is used: the token belongs to the endpoint, and a mirror can pass on links to the hub behind it.
    """
    files: list[HubFile] = []
    query, seen, entries = "recursive=true&expand=false", set[str](), 0
    while query not in seen:
        seen.add(query)
        page, response = ask(f"{tree}?{query}")
        try:
            entries += len(page)
            files += [_hub_file(item) for item in page if item["type"] == "file"]
        except (ValueError, TypeError, KeyError) as error:
            raise odd_answer(f"{host} answered with something other than a list of files.") from error
        if entries > MAX_FILES or len(seen) > MAX_PAGES:
            raise too_many_files()
        following = response.links.get("next", {}).get("url")
        if not following:
            return files, True
        try:
            query = urlsplit(following).query
        except ValueError:
            query = ""
        if not query:  # without a query, this would request the first page again
            raise odd_answer(f"{host} links to a next page of the file list without an address.")
    return files, False


def described_paths(page: Any, host: str) -> dict[str, HubFile]:
    """Return the files of a reply to ``paths-info``, by path; its format is that of a page of a tree."""
    try:
        files = [_hub_file(item) for item in page if item["type"] == "file"]
    except (ValueError, TypeError, KeyError) as error:
        raise odd_answer(f"{host} answered with something other than a list of files.") from error
    return {file.path: file for file in files}


def endless_list(host: str) -> OdhTecError:
    """Return the error for a list whose pages link in a loop, if the files cannot be found in another way."""
    return odd_answer(f"{host} lists the files of the repository in a loop: a page links to an earlier one.")


def too_many_files() -> OdhTecError:
    """Return the error for a repository with too many files."""
    return odd_answer(f"The repository has more than {MAX_FILES:,} files and folders, which is too many to import.")


def _hub_file(item: dict[str, Any]) -> HubFile:
    lfs = item.get("lfs")
    return hub_file(item["path"], item["size"], lfs["oid"] if lfs else item["oid"], lfs=bool(lfs))
