"""An import from Hugging Face to S3 (``/objects/import-hf``): a copy that is planned before the reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from odhtec_jupyter.models import ImportRequest, TransferPlan
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.plan import Planned, make_plan, require_no_conflict, show_plan
from odhtec_jupyter.transfers.planning.remaining import FEW_LOOKUPS, MAX_LOOKUPS, find_remaining, plan_removal
from odhtec_jupyter.transfers.runtime.lookups import never
from odhtec_jupyter.transfers.transfer import Options
from odhtec_jupyter.uris import HubUri, S3Uri


@dataclass(frozen=True)
class ImportPlan:
    """The plan of an import; nothing is written yet."""

    source: HubUri  # at a commit
    target: S3Uri
    options: Options
    files: Sequence[Planned]


def plan_import(
    stores: Stores,
    request: ImportRequest,
    options: Options,
    is_stopped: Callable[[], bool] = never,
    *,
    connection: str = "",
) -> ImportPlan:
    """Plan an import from the repository and the bucket. Blocks; writes nothing.

    ``connection`` is that of the bucket; empty for the default one.

    Raises :class:`OdhTecError` with a message for the user if the import is impossible: an unknown or gated repository,
    an invalid token, a missing bucket, or (409) objects that differ while ``on_conflict`` is ``fail``.
    """
    found = _plan(stores, request, options, is_stopped, connection)
    for one in found.files:
        if one.error:
            raise one.error
    require_no_conflict(found.files)
    return found


def dry_run_import(
    stores: Stores,
    request: ImportRequest,
    options: Options,
    is_stopped: Callable[[], bool] = never,
    *,
    connection: str = "",
) -> TransferPlan:
    """Return what an import would do with each file; a refused file is part of the plan, not an error. Blocks."""
    paths: set[str] = set()
    found = _plan(stores, request, options, is_stopped, connection, paths)
    plan = show_plan(found.files)
    # If none of the files exists at the target, objects of another revision are unlikely.
    most = MAX_LOOKUPS if any(one.what not in {"create", "remove"} for one in found.files) else FEW_LOOKUPS
    plan.remaining = find_remaining(stores, found.source, found.target, paths, most, is_stopped)
    return plan


def _plan(
    stores: Stores,
    request: ImportRequest,
    options: Options,
    is_stopped: Callable[[], bool],
    connection: str,
    paths: set[str] | None = None,
) -> ImportPlan:
    address = stores.hub.address(request.repo, request.repo_type, request.revision)
    options = replace(options, include=address.choice(options.include), exclude=address.left_out(options.exclude))
    prefix = address.repo if request.prefix is None else request.prefix
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    target = S3Uri(request.bucket, prefix, connection)
    source = HubUri(address.repo, address.repo_type, address.revision)
    files = make_plan(stores, "import", source, target, options, is_stopped, paths=paths)
    first = files[0].entry.uri
    assert isinstance(first, HubUri)
    pinned = HubUri(first.repo, first.repo_type, first.revision)
    return ImportPlan(pinned, target, options, files + plan_removal(pinned, target, request.remove or [], files))
