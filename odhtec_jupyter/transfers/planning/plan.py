"""The plan of a transfer: its action for each file, decided before anything is written. Blocks; runs in threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from odhtec_jupyter import models
from odhtec_jupyter.errors import BadRequest, Conflict, Forbidden, OdhTecError, StoreError
from odhtec_jupyter.patterns import chooser
from odhtec_jupyter.stores.s3.store import S3Store
from odhtec_jupyter.stores.workspace.hidden import HIDDEN_FILE
from odhtec_jupyter.transfers.locations.location import Entry, ExistingTargets
from odhtec_jupyter.transfers.locations.stores import Stores
from odhtec_jupyter.transfers.planning.free_names import free_name
from odhtec_jupyter.transfers.planning.selection import Selection
from odhtec_jupyter.transfers.runtime.lookups import never, raise_if_stopped
from odhtec_jupyter.transfers.transfer import Action, Options
from odhtec_jupyter.transfers.transfer_file import failure
from odhtec_jupyter.uris import S3Uri, Uri, WorkspaceUri

What = Literal["create", "overwrite", "skip", "rename", "conflict", "delete", "refuse", "omit", "remove"]
MAX_LISTED_FILES = 1000  # in the reply to a dry run
MAX_COUNTED_OBJECTS = 200_000  # by the dry run of a deletion, so that it takes seconds, not minutes


@dataclass(frozen=True, slots=True)
class Planned:
    """One file and the action for it."""

    entry: Entry
    target: Uri | None
    what: What
    error: OdhTecError | None = None

    def show(self) -> models.PlannedFile:
        """Return the file as the API reports it."""
        return models.PlannedFile(
            source=str(self.entry.uri),
            target=str(self.target or ""),
            size=self.entry.size,
            what=self.what,
            error=failure(self.error) if self.error else None,
        )


def check_locations(action: Action, source: Uri, target: Uri | None, names: Sequence[str] | None = None) -> None:
    """Raise :class:`BadRequest` for an unsupported source and target; ``names`` selects from the source folder."""
    if names is not None:
        _check_names(action, source, target, names)
        return
    if action == "delete":
        if source.scheme != "s3" or target is not None:
            raise BadRequest("delete requires a source in S3 and no target.")
        if not source.path:
            raise BadRequest("source: to empty a bucket, list its top-level folders.")
        return
    if target is None or target.scheme == "hf":
        raise BadRequest("target must be in S3 or in the workspace.")
    if source.scheme == "hf" and action == "move":
        raise BadRequest("source: files of the hub can be copied, not moved.")
    if source.scheme == target.scheme == "workspace":
        raise BadRequest("target: to copy within the workspace, use JupyterLab's file browser.")
    if source.is_folder and not target.is_folder:
        raise BadRequest("target must end in a slash, because the source is a folder.")
    if _overlap(source, target):
        assert isinstance(source, S3Uri)
        assert isinstance(target, S3Uri)
        if source.connection == target.connection:
            raise BadRequest("target must not be the source or in it.")
        if action == "move":  # the copy would be deleted if both connections reach the same bucket
            raise BadRequest(
                "target: both connections may reach the same bucket, where the source would be moved to itself. Copy"
                " it, then delete the source."
            )


def _overlap(source: Uri, target: Uri) -> bool:
    """Return whether the target is the source or in it, if their buckets are the same."""
    if not isinstance(source, S3Uri) or not isinstance(target, S3Uri) or source.bucket != target.bucket:
        return False
    end = target if not target.is_folder or source.is_folder else target.below(source.name)
    return source.key == end.key or (source.is_folder and end.key.startswith(source.key))


def _check_names(action: Action, source: Uri, target: Uri | None, names: Sequence[str]) -> None:
    if action == "delete" or source.scheme == "hf":
        raise BadRequest("names is only supported for copying or moving from a folder in S3 or in the workspace.")
    if target is None or not source.is_folder or not target.is_folder:
        raise BadRequest("names requires folders: source and target must end in a slash.")
    for name in names:
        if "/" in name[:-1]:
            raise BadRequest(f"names: {name!r} is not directly in {source}.")
        check_locations(action, source.below(name), target.below(name))


def make_plan(
    stores: Stores,
    action: Action,
    source: Uri,
    target: Uri,
    options: Options,
    is_stopped: Callable[[], bool],
    *,
    paths: set[str] | None = None,
) -> list[Planned]:
    """Return the action for each selected file. Writes nothing.

    The paths of all files of the source are added to ``paths``, including those that the patterns exclude.
    Raises :class:`Cancelled` if it is stopped, and :class:`OdhTecError` with a message for the user if the transfer is
    impossible.
    """
    _require_apart(stores, source, target)
    found: list[Entry] = []
    names = options.names
    is_selected, is_not_excluded = chooser(options.include, options.exclude), chooser(None, options.exclude)
    below = stores.writable(target)
    if error := below.left_out(""):
        raise error
    for page in (
        stores.entries(source, is_stopped) if names is None else stores.named_entries(source, names, is_stopped)
    ):
        if not target.path:
            page = [entry for entry in page if entry.path]  # a bucket has no folder marker
        if paths is not None:
            paths.update(entry.path for entry in page)
        # The content of a hidden folder is unknown, so it is reported as omitted whatever the include patterns are.
        found += [entry for entry in page if (is_not_excluded if entry.is_hidden else is_selected)(entry.path)]
        raise_if_stopped(is_stopped)
    if not found:
        raise BadRequest(f"{source} has no files that the patterns include.")
    single = not source.is_folder
    places = [target if single and not target.is_folder else target.below(entry.path) for entry in found]
    existing = below.existing(places, found, is_stopped)
    planned: list[Planned] = []
    taken = {str(place) for place in places} if options.on_conflict == "rename" else set()
    sources: set[str] | None = None
    written: set[bytes] = set()  # files of the workspace, after following links
    for entry, place in zip(found, places, strict=True):
        raise_if_stopped(is_stopped)
        # The part of the path that the user did not name.
        part = "" if single else entry.path if names is None else entry.path.partition("/")[2]
        if error := entry.error if entry.is_hidden else stores.writable(place).left_out(part):
            planned.append(Planned(entry, place, "omit", error))
            continue
        one = _decide(stores, action, entry, place, existing, options, taken)
        if one.what == "overwrite":
            sources = sources or {str(entry.uri) for entry in found}
            if str(place) in sources:
                error = Conflict(f"{place} is also being copied or moved, so it cannot be overwritten.")
                one = Planned(entry, place, "refuse", error)
        if one.what == "rename":
            taken.add(str(one.target))
        if one.what in {"create", "overwrite", "rename"} and isinstance(one.target, WorkspaceUri):
            one = _once(stores, one, one.target, written)
        planned.append(one)
    if all(one.what == "omit" for one in planned):
        raise Forbidden(
            f"All files of {source} are hidden, and this Jupyter server gives no access to hidden files.",
            code=HIDDEN_FILE,
        )
    return planned


def _require_apart(stores: Stores, source: Uri, target: Uri) -> None:
    """Raise :class:`BadRequest` if two connections reach the same objects: a copy would be written to itself."""
    if not isinstance(source, S3Uri) or not isinstance(target, S3Uri) or source.connection == target.connection:
        return
    if _overlap(source, target) and stores.s3_of(source).host == stores.s3_of(target).host:
        raise BadRequest("target must not be the source or in it: both connections have the same endpoint.")


def _once(stores: Stores, one: Planned, place: WorkspaceUri, written: set[bytes]) -> Planned:
    """Refuse a file if another one is written to the same place, by a path through a link: only one would be kept."""
    if place.is_folder:
        return one
    try:
        real = stores.workspace.real_path(place.path)
    except OdhTecError as error:
        return Planned(one.entry, place, "refuse", error)
    if real in written:
        twice = Conflict(f"{place} is reached through a link, and another file is written to the same place.")
        return Planned(one.entry, place, "refuse", twice)
    written.add(real)
    return one


def require_no_conflict(planned: Sequence[Planned]) -> None:
    """Raise :class:`Conflict` if existing objects differ and ``on_conflict`` is ``fail``."""
    differing = [one for one in planned if one.what == "conflict"]
    if differing:
        more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
        name = str(differing[0].target).partition("://")[2].partition("/")[2]
        raise Conflict(f"{name}{more} exist and differ. Choose whether to overwrite, skip or rename.")


def plan_deletion(
    store: S3Store, selection: Selection, at_most: int = MAX_COUNTED_OBJECTS, is_stopped: Callable[[], bool] = never
) -> models.TransferPlan:
    """Return what a deletion would remove, counting ``at_most`` objects. Blocks.

    Raises :class:`StoreError` (NoSuchKey) if none of the selected objects exist.
    """
    planned, truncated = [], False
    size = total = 0
    for page in selection.pages(store, selection.heads(store, is_stopped)):
        raise_if_stopped(is_stopped)
        truncated = total + len(page) > at_most
        for item in page[: at_most - total]:
            size += item.Size
            if total < MAX_LISTED_FILES:
                place = store.uri(selection.bucket, item.Key)
                planned.append(Planned(Entry(item.Key, place, item.Size, item.ETag or ""), None, "delete").show())
            total += 1
        if truncated:
            break
    if not total:
        raise StoreError("None of the selected objects exist.", code="NoSuchKey")
    return models.TransferPlan(
        counts={"delete": total}, files_total=total, bytes_total=size, files=planned, is_truncated=truncated
    )


def show_plan(planned: Iterable[Planned]) -> models.TransferPlan:
    """Return the plan as the API reports it."""
    counts: Counter[str] = Counter()
    size = 0
    shown: list[models.PlannedFile] = []
    for one in planned:
        counts[one.what] += 1
        if one.what in {"create", "overwrite", "rename", "delete"}:
            size += one.entry.size
        if len(shown) < MAX_LISTED_FILES:
            shown.append(one.show())
    return models.TransferPlan(counts=dict(counts), files_total=counts.total(), bytes_total=size, files=shown)


def _decide(
    stores: Stores,
    action: Action,
    entry: Entry,
    place: Uri,
    targets: ExistingTargets,
    options: Options,
    taken: set[str],
) -> Planned:
    def is_taken(other: Uri) -> bool:
        return str(other) in taken or targets.get(other) is not None

    try:
        if entry.error:
            raise entry.error
        location = stores.writable(place)
        location.require_writable()
        existing = targets.get(place)
        if isinstance(place, S3Uri) and not (existing and action != "move" and location.has_content(entry, existing)):
            stores.s3_of(place).policy.require_size(entry.size)
    except OdhTecError as error:
        return Planned(entry, place, "refuse", error)
    if existing is None:
        return Planned(entry, place, "create")
    if action != "move" and location.has_content(entry, existing):
        return Planned(entry, place, "skip")
    if action == "sync":
        newer = entry.modified is None or existing.modified is None or entry.modified > existing.modified
        return Planned(entry, place, "overwrite" if newer or entry.size != existing.size else "skip")
    if options.on_conflict == "rename":
        name = free_name(place.path, lambda name: is_taken(place.with_path(name)))
        return Planned(entry, place.with_path(name), "rename")
    if options.on_conflict == "fail":
        return Planned(entry, place, "conflict")
    return Planned(entry, place, "skip" if options.on_conflict == "skip" else "overwrite")
