"""Parsing of repositories in any notation: an ID, ``hf://…``, or the address of a page of the hub.

Everything that huggingface_hub's own parser accepts is accepted, also with older versions that do not have it, and
names without an organization.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from odhtec_jupyter.errors import BadRequest, clipped
from odhtec_jupyter.models import RepoType
from odhtec_jupyter.network import PORTS
from odhtec_jupyter.patterns import exact_pattern
from odhtec_jupyter.uris import hub_parts, split_revision, split_type

HUGGING_FACE = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_FOLDERS, _FILES = frozenset({"tree"}), frozenset({"blob", "resolve", "raw", "blame"})
_PAGES = _FOLDERS | _FILES | {"commit"}
# First segments of paths that are not organizations.
_NO_REPOSITORIES = frozenset(
    {
        "blog",
        "buckets",
        "chat",
        "collections",
        "docs",
        "kernels",
        "learn",
        "organizations",
        "papers",
        "posts",
        "settings",
    }
)
_HOST = re.compile(r"[\w-]++(?:\.[\w-]++)+(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class HubAddress:
    """A repository at a revision and the selected part: everything, a folder (``path`` ends in a slash), or a file.

    A path without a trailing slash can be a file or a folder, unless ``is_file``.
    """

    repo: str
    repo_type: RepoType
    revision: str
    path: str = ""
    is_file: bool = False

    @property
    def patterns(self) -> list[str]:
        """Return the glob patterns of the selected files; none for all files."""
        if not self.path:
            return []
        exact = exact_pattern(self.path)
        return [exact] if self.is_file or exact.endswith("/") else [exact, f"{exact}/"]

    def choice(self, include: list[str] | None) -> list[str] | None:
        """Return ``include`` of an import as patterns for the repository; in a folder, they are relative to it."""
        if not self.path:
            return include
        if include is None:
            return self.patterns
        if self.is_file:
            raise BadRequest("include: the address already names a file. Remove the patterns or the file.")
        return self._below(include)

    def left_out(self, exclude: list[str] | None) -> list[str] | None:
        """Return ``exclude`` of an import as patterns for the whole repository."""
        return exclude if exclude is None or not self.path or self.is_file else self._below(exclude)

    def _below(self, patterns: list[str]) -> list[str]:
        folder = f"{exact_pattern(self.path.rstrip('/'))}/"
        return [pattern if pattern.startswith(folder) else folder + pattern for pattern in patterns]


def parse_hub_address(text: str, repo_type: RepoType, revision: str, endpoint: str) -> HubAddress:
    """Parse ``text`` for the hub at ``endpoint``; ``repo_type`` and ``revision`` are the defaults.

    Raises :class:`BadRequest` for a text that is not the address of a repository, and for other hosts.
    """
    text = text.strip()
    scheme, found, rest = text.partition("://")
    if found and scheme.lower() == "hf":
        return _of_uri(rest, repo_type, revision)
    if found:
        return _of_page(text, repo_type, revision, endpoint)
    host = text.partition("/")[0].lower()
    segments = [segment for segment in text.split("/") if segment]
    if host in HUGGING_FACE or host == urlsplit(endpoint).netloc.lower():
        return _of_page(f"{urlsplit(endpoint).scheme}://{text}", repo_type, revision, endpoint)
    if not _PAGES.isdisjoint(segments[1:4]):
        return _of_segments(segments, text, repo_type, revision)
    if "@" in text:
        return _of_uri(text, repo_type, revision)
    if len(segments) > 2 and _HOST.fullmatch(host):
        raise _other_host(host, endpoint)
    kind, repo = split_type(text.strip("/"))
    return HubAddress(repo, kind or repo_type, revision)


def _of_uri(rest: str, repo_type: RepoType, revision: str) -> HubAddress:
    kind, repo, said, path = hub_parts(rest, "repo")
    return HubAddress(repo, kind or repo_type, said or revision, path)


def _of_page(url: str, repo_type: RepoType, revision: str, endpoint: str) -> HubAddress:
    own = urlsplit(endpoint)
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        raise BadRequest("repo: this is not the address of a repository. Use the form org/name.") from None
    host = (parts.hostname or "").lower()
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.scheme not in PORTS:
        raise BadRequest(f"repo: {clipped(parts.scheme, 20)}:// is not supported. Use hf:// or https://.")
    if (host, port) == ((own.hostname or "").lower(), own.port or PORTS.get(own.scheme)):
        prefix = [segment for segment in own.path.split("/") if segment]
        if segments[: len(prefix)] != prefix:
            raise BadRequest(f"repo: this address does not belong to the configured hub, {endpoint}.")
        segments = segments[len(prefix) :]
    elif host not in HUGGING_FACE:
        raise _other_host(parts.netloc.rpartition("@")[2], endpoint)
    return _of_segments(segments, f"{host}{parts.path}", repo_type, revision)


def _of_segments(segments: list[str], shown: str, repo_type: RepoType, revision: str) -> HubAddress:
    """Parse the segments of a page's address, which are percent-encoded."""
    kind, path = split_type("/".join(segments))
    segments = path.split("/")
    # Old repositories have a name of one segment. A repository called "tree" has an organization before it.
    length = next((at for at in (2, 1) if len(segments) > 2 and segments[at] in _PAGES), 2)
    repo, page, tail = "/".join(map(unquote, segments[:length])), segments[length : length + 1], segments[length + 1 :]
    if not repo or (segments[0] in _NO_REPOSITORIES and not kind) or (page and page[0] not in _PAGES):
        raise BadRequest(f"repo: {clipped(shown, 200)} is not the address of a repository or its files.")
    if not tail:
        return HubAddress(repo, kind or repo_type, revision)
    said, rest = split_revision("/".join(tail))
    path = "/".join(map(unquote, rest.split("/")))
    if page[0] in _FOLDERS and path:
        path += "/"
    if page[0] == "commit":
        path = ""
    return HubAddress(repo, kind or repo_type, said, path, is_file=bool(path) and page[0] in _FILES)


def _other_host(host: str, endpoint: str) -> BadRequest:
    own = urlsplit(endpoint).netloc
    known = "huggingface.co" if own in HUGGING_FACE else f"huggingface.co or {own}"
    return BadRequest(f"repo: {clipped(host, 100)} is not the configured hub. Use a repository of {known}.")
