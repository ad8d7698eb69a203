"""How a mirror of the hub differs from the hub: Artifactory, Nexus, olah and others have a part of its API each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mirror:
    """Switches of the stand-in; as they are made, it answers as the hub itself does."""

    #: Parts of the API (auth-check, tree, refs, revision, whoami-v2) and resolve that are not there, with the status.
    missing: dict[str, int] = field(default_factory=dict)
    #: Answer all of the API with 200 and a login page.
    login_page: bool = False
    #: How many entries the list of files has; the rest is left out without a link to another page.
    tree_entries: int | None = None
    #: Whether the list of files goes on where a link says; else each page is the first one.
    cursors: bool = True
    #: How many files the description of a repository names; None for all of them.
    siblings: int | None = None
    #: Whether the description has sizes and checksums when it is asked for them.
    blobs: bool = True
    #: Fields that the description of a repository has instead of its own.
    info: dict[str, Any] = field(default_factory=dict)
    #: Whether the host of large files sends ranges; else it answers with the whole file.
    ranges: bool = True
