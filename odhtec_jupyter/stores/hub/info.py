"""The hub's description of a repository. An invalid field that is only shown does not prevent an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from odhtec_jupyter.errors import clipped
from odhtec_jupyter.models import HubFile
from odhtec_jupyter.stores.hub.errors import odd_answer

MAX_SIZE = 2**53  # bytes of a file: JavaScript and the journal cannot represent larger numbers


@dataclass(frozen=True)
class RepoInfo:
    """The description of a repository at a commit."""

    commit: str
    gated: bool
    private: bool
    license: str | None
    parameters: dict[str, int] | None
    paths: frozenset[str]  # of the files it lists


def read_info(data: Any, host: str) -> RepoInfo:
    """Parse a description. Raises an error if it is not one; an invalid field that is only shown is left out."""
    commit = data.get("sha") if isinstance(data, dict) else None
    if not isinstance(commit, str) or not commit:
        raise odd_answer(f"{host} did not name the commit of the repository, so it is not a Hugging Face hub.")
    return RepoInfo(
        commit=commit,
        gated=bool(data.get("gated")),
        private=bool(data.get("private")),
        license=_license(data.get("cardData")),
        parameters=_parameters(data.get("safetensors")),
        paths=frozenset(item["rfilename"] for item in _siblings(data)),
    )


def hub_file(path: Any, size: Any, etag: Any, *, lfs: bool) -> HubFile:
    """Return one file. Raises :class:`ValueError` unless it has a path, a possible size and a checksum."""
    file = HubFile.model_validate({"path": path, "size": size, "etag": etag, "lfs": lfs})
    if not 0 <= file.size <= MAX_SIZE:
        raise ValueError(f"{file.size} is not a number of bytes.")
    return file


def described_files(data: Any) -> dict[str, HubFile]:
    """Return the files of a description with sizes and checksums (``blobs=true``), by path."""
    files = {}
    for item in _siblings(data):
        lfs = item.get("lfs")
        etag = lfs.get("sha256") if isinstance(lfs, dict) else item.get("blobId")
        try:
            files[item["rfilename"]] = hub_file(item["rfilename"], item.get("size"), etag, lfs=isinstance(lfs, dict))
        except ValueError:
            continue  # a mirror without sizes: the caller finds out which files are missing
    return files


def _siblings(data: Any) -> list[dict[str, Any]]:
    found = data.get("siblings") if isinstance(data, dict) else None
    if not isinstance(found, list):
        return []
    return [item for item in found if isinstance(item, dict) and isinstance(item.get("rfilename"), str)]


def _license(card: Any) -> str | None:
    found = card.get("license") if isinstance(card, dict) else None
    names = [name for name in (found if isinstance(found, list) else [found]) if isinstance(name, str) and name]
    return clipped(", ".join(names)) or None


def _parameters(safetensors: Any) -> dict[str, int] | None:
    counts = safetensors.get("parameters") if isinstance(safetensors, dict) else None
    if not isinstance(counts, dict):
        return None
    return {kind: count for kind, count in counts.items() if isinstance(count, int)} or None
