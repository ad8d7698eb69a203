"""Differences between mirrors and the hub: Artifactory, Nexus, olah and others implement parts of its API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mirror:
    """Switches of the stand-in. With the defaults it behaves like the hub."""

    #: Missing parts of the API (auth-check, tree, refs, revision, whoami-v2, models) and resolve, with the status of
    #: the reply.
    missing: dict[str, int] = field(default_factory=dict)
    #: Whether every API request is answered with status 200 and a login page.
    login_page: bool = False
    #: The number of entries in the list of files. The rest is omitted, without a link to another page.
    tree_entries: int | None = None
    #: Whether links to further pages of the list work; if not, each page is the first one.
    cursors: bool = True
    #: The number of files in the description of a repository; None for all.
    siblings: int | None = None
    #: Whether the description contains sizes and checksums if they are requested.
    blobs: bool = True
    #: Fields that replace those in the description of a repository.
    info: dict[str, Any] = field(default_factory=dict)
    #: Whether the host of large files supports ranges; if not, it sends whole files.
    ranges: bool = True
