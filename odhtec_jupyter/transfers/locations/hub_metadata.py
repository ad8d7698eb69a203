"""Object metadata that says which file of the hub an object is, by which a second import recognizes it."""

from __future__ import annotations

from odhtec_jupyter.stores.source import Checksum
from odhtec_jupyter.uris import HubUri

HUB_REPO, HUB_REPO_TYPE, HUB_COMMIT, HUB_ETAG = "hf-repo", "hf-repo-type", "hf-commit", "hf-etag"
HUB_METADATA = frozenset({HUB_REPO, HUB_REPO_TYPE, HUB_COMMIT, HUB_ETAG})


def hub_metadata(source: HubUri, checksum: Checksum) -> dict[str, str]:
    """Return the metadata of an object with the content of a file at a commit."""
    return {
        HUB_REPO: source.repo,
        HUB_REPO_TYPE: source.repo_type,
        HUB_COMMIT: source.revision,
        HUB_ETAG: checksum.digest,
    }
