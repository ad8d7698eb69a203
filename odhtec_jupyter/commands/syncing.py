"""``sync``: copy files that are missing or differ. Nothing is deleted."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.arguments import Patterns
from odhtec_jupyter.client.listing import is_folder_marker, objects_below
from odhtec_jupyter.client.local.downloader import Downloader, local_path, unsaved_object
from odhtec_jupyter.client.local.dry_run import left_out_notice
from odhtec_jupyter.client.local.local_file import LocalPlan
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.client.local.scan import entries_below
from odhtec_jupyter.client.local.uploader import Uploader, folder_of, includes
from odhtec_jupyter.commands.arguments.expansion import not_found
from odhtec_jupyter.commands.arguments.options import LOCATIONS, command, location_argument, moving_arguments, patterns
from odhtec_jupyter.commands.arguments.sources import is_remote
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import PlannedFile, TransferPlan
from odhtec_jupyter.uris import S3Uri

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands


def add(commands: Commands) -> None:
    """Add ``sync``."""
    one = command(
        commands,
        "sync",
        sync,
        "copy files of a folder that are missing at the target or differ",
        about="Copies a file if its size differs, or if it is newer than the file at the target.\n"
        "Within S3, and from Hugging Face, files with the same checksum are skipped. Files that\n"
        "are only at the target stay: nothing is deleted.",
        examples=[
            ("sync results/ s3://data/run-7/", "upload a folder; repeat it to upload only what changed"),
            ("sync s3://data/run-7/ results/ --dry-run", "see what would be downloaded"),
            ("sync s3://data/ s3://backup/data/ --exclude '*.tmp'", "copy within S3; the store copies the data"),
        ],
        notes=LOCATIONS,
    )
    location_argument(one, "source", metavar="SOURCE")
    location_argument(one, "target", metavar="TARGET")
    moving_arguments(one, conflicts=False)


def sync(options: argparse.Namespace) -> int:
    """Copy files that are missing or differ."""
    source, target = options.source, options.target
    with console(options) as out:
        if is_remote(source) and is_remote(target):
            if options.dry_run:
                return out.print_plan([out.client.sync(source, target, dry_run=True, **patterns(options))])
            return out.finish(out.client.sync(source, target, **patterns(options)))
        out.refuse_no_wait()
        included = Patterns.of(options.include, options.exclude)
        if target.startswith("s3://") and Path(source).expanduser().is_dir():
            location, folder = folder_of(out.client.location(target)), Path(source).expanduser()
            changes = _outdated_objects(out.client, folder, location, included)
            uploader = Uploader(out.client.api_of(location), "overwrite", "source", included, names=changes.names)
            return _copy(
                out,
                options,
                changes,
                str(folder),
                str(location),
                partial(uploader.plan, folder, location),
                partial(uploader.dry_run, folder, location),
            )
        if source.startswith("s3://") and not is_remote(target) and not Path(target).expanduser().is_file():
            location, folder = folder_of(out.client.location(source)), Path(target).expanduser()
            changes = _outdated_files(out.client, location, folder, included)
            downloader = Downloader(out.client.api_of(location), "overwrite", included, names=changes.names)
            return _copy(
                out,
                options,
                changes,
                str(location),
                str(folder),
                partial(downloader.plan, location, folder),
                partial(downloader.dry_run, location, folder),
            )
    raise BadRequest("sync requires two folders, at least one of them in S3. Use cp for a single file.")


@dataclass
class _Changes:
    """The names below the source folder that have to be copied, and what is left out."""

    names: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)


def _copy(
    out: Console,
    options: argparse.Namespace,
    changes: _Changes,
    source: str,
    target: str,
    plan: Callable[[], LocalPlan],
    dry_run: Callable[[], TransferPlan],
) -> int:
    if not changes.names:
        nothing = TransferPlan(
            counts={"omit": len(changes.left_out)} if changes.left_out else {},
            files_total=len(changes.left_out),
            bytes_total=0,
            files=[PlannedFile(source=one, target="", size=None, what="omit") for one in changes.left_out],
        )
        if options.dry_run or out.json:
            return out.print_plan([nothing])
        if changes.left_out:
            out.print_notice(left_out_notice(changes.left_out))
        scope = "all files that the patterns include" if options.include or options.exclude else "all files"
        out.print_result(f"Nothing to copy: the target has {scope}.", nothing)
        return 0
    if options.dry_run:
        return out.print_plan([dry_run()])
    return out.finish(LocalTransfer(out.client.api, source, target, plan))


def _outdated_objects(client: Client, folder: Path, location: S3Uri, included: Patterns) -> _Changes:
    """Return the files that the bucket does not have, or has with another size or from an earlier time."""
    existing = {
        one.Key.removeprefix(location.key): one
        for one in objects_below(client.api_of(location), location.bucket, location.key)
    }
    changes = _Changes()
    for entry in entries_below(folder):
        if not includes(included, entry):
            continue
        if entry.left_out:
            changes.left_out.append(str(entry))
            continue
        known = existing.get(entry.name)
        written = known.LastModified.timestamp() if known is not None and known.LastModified else 0
        if known is None or known.Size != entry.size or written < entry.modified:
            changes.names.add(entry.name)
    return changes


def _outdated_files(client: Client, location: S3Uri, folder: Path, included: Patterns) -> _Changes:
    """Return the objects that the folder does not have, or has with another size or from an earlier time.

    Raises :class:`NotFound` if there are no objects: a mistyped name must not look like a folder that is up to date.
    """
    is_empty = True
    changes = _Changes()
    for one in objects_below(client.api_of(location), location.bucket, location.key):
        is_empty = False
        name = one.Key.removeprefix(location.key)
        if is_folder_marker(one) or not included.match(name):
            continue
        if one.Key.endswith("/"):
            changes.left_out.append(unsaved_object(one.Key))
            continue
        try:
            stat = local_path(folder, name).stat()
        except (FileNotFoundError, NotADirectoryError):
            changes.names.add(name)
            continue
        written = one.LastModified.timestamp() if one.LastModified else float("inf")
        if one.Size != stat.st_size or written > stat.st_mtime:
            changes.names.add(name)
    if is_empty:
        raise not_found(str(location))
    return changes
