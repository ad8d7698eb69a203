"""The files of a repository: the hub's list of them, read page by page, and never from another host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from odhtec_jupyter.errors import OdhTecError
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.stores.hub.errors import odd_answer
from odhtec_jupyter.stores.hub.info import hub_file

MAX_FILES = 200_000  # twice what Hugging Face recommends at most
MAX_PAGES = 5_000


def repo_files(ask: Callable[[str], Any], tree: str, host: str) -> tuple[list[HubFile], bool]:
    """The files of a tree, and whether these are all: a mirror may have only the first page, and link to it again.

    ``ask`` asks for a page, with the token; it returns JSON and the response it came in.

    Of the link to the next page only the query counts: the token belongs to the endpoint and to no host that a link
    names, and a mirror may pass on the links of the hub behind it.
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
        if not query:  # without it, this would be the first page again, without what is in folders
            raise odd_answer(f"{host} links to a next page of the file list without an address.")
    return files, False


def described_paths(page: Any, host: str) -> dict[str, HubFile]:
    """The files of an answer to ``paths-info``, by path; it is like a page of a tree."""
    try:
        files = [_hub_file(item) for item in page if item["type"] == "file"]
    except (ValueError, TypeError, KeyError) as error:
        raise odd_answer(f"{host} answered with something other than a list of files.") from error
    return {file.path: file for file in files}


def endless_list(host: str) -> OdhTecError:
    """The error for a list whose pages lead back, where nothing else tells the files."""
    return odd_answer(f"{host} lists the files of the repository in a loop: a page links to an earlier one.")


def too_many_files() -> OdhTecError:
    """The error for a repository that no hub should have."""
    return odd_answer(f"The repository has more than {MAX_FILES:,} files and folders, which is too many to import.")


def _hub_file(item: dict[str, Any]) -> HubFile:
    lfs = item.get("lfs")
    return hub_file(item["path"], item["size"], lfs["oid"] if lfs else item["oid"], lfs=bool(lfs))
