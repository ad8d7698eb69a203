"""What a hub says of a repository, read so that nothing which is only shown can be in the way of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from odhtec_jupyter.errors import clipped
from odhtec_jupyter.stores.hub_answers import odd_answer


@dataclass(frozen=True)
class RepoInfo:
    """The description of a repository at a commit."""

    commit: str
    gated: bool
    private: bool
    license: str | None
    parameters: dict[str, int] | None


def read_info(data: Any, host: str) -> RepoInfo:
    """Raises an error for what is no description of a repository; a field that is odd and only shown is left out."""
    commit = data.get("sha") if isinstance(data, dict) else None
    if not isinstance(commit, str) or not commit:
        raise odd_answer(f"{host} did not say which commit of the repository it has, so it is not a Hugging Face hub.")
    return RepoInfo(
        commit=commit,
        gated=bool(data.get("gated")),
        private=bool(data.get("private")),
        license=_license(data.get("cardData")),
        parameters=_parameters(data.get("safetensors")),
    )


def _license(card: Any) -> str | None:
    found = card.get("license") if isinstance(card, dict) else None
    names = [name for name in (found if isinstance(found, list) else [found]) if isinstance(name, str) and name]
    return clipped(", ".join(names)) or None


def _parameters(safetensors: Any) -> dict[str, int] | None:
    counts = safetensors.get("parameters") if isinstance(safetensors, dict) else None
    if not isinstance(counts, dict):
        return None
    return {kind: count for kind, count in counts.items() if isinstance(count, int)} or None
