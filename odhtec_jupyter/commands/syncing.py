"""``sync``: copy what is missing or differs. Nothing is deleted."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client import Client
from odhtec_jupyter.client.arguments import Patterns, s3_place
from odhtec_jupyter.client.listing import objects_below
from odhtec_jupyter.client.local.downloader import within
from odhtec_jupyter.client.local.uploader import files_below, folder_of
from odhtec_jupyter.commands.console import Console, console, merged
from odhtec_jupyter.commands.expansion import nothing
from odhtec_jupyter.commands.options import PLACES, command, moving_arguments, patterns, place_argument
from odhtec_jupyter.commands.sources import is_remote
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.patterns import exact_pattern
from odhtec_jupyter.uris import S3Uri

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands


def add(commands: Commands) -> None:
    """``sync``."""
    one = command(
        commands,
        "sync",
        sync,
        "copy what is missing or differs in a folder",
        about="A file is copied when its size differs, or when it is newer than the one at the target.\n"
        "Within S3, and from Hugging Face, files with the same checksum are left alone. What is\n"
        "only at the target stays: nothing is deleted.",
        examples=[
            ("sync results/ s3://data/run-7/", "a folder of this machine to S3; again sends only what changed"),
            ("sync s3://data/run-7/ results/ --dry-run", "see what has changed there"),
            ("sync s3://data/ s3://backup/data/ --exclude '*.tmp'", "within S3, copied by the store itself"),
        ],
        notes=PLACES,
    )
    place_argument(one, "source", metavar="SOURCE")
    place_argument(one, "target", metavar="TARGET")
    moving_arguments(one, conflicts=False)


def sync(options: argparse.Namespace) -> int:
    """Copy what is missing or differs."""
    source, target = options.source, options.target
    with console(options) as out:
        if is_remote(source) and is_remote(target):
            if options.dry_run:
                return out.plan([out.client.sync(source, target, dry_run=True, **patterns(options))])
            return out.carry(out.client.sync(source, target, **patterns(options)))
        if target.startswith("s3://") and Path(source).expanduser().is_dir():
            place, folder = folder_of(s3_place(target)), Path(source).expanduser()
            names = _outdated_objects(out.client, folder, place)
            return _copy(out, options, out.client.upload, folder, place, names)
        if source.startswith("s3://") and not is_remote(target) and not Path(target).expanduser().is_file():
            place, folder = folder_of(s3_place(source)), Path(target).expanduser()
            names = _outdated_files(out.client, place, folder)
            return _copy(out, options, out.client.download, place, folder, names)
    raise BadRequest("sync takes two folders, at least one of them in S3; a single file is copied by cp.")


def _copy(
    out: Console,
    options: argparse.Namespace,
    call: Any,
    source: Path | S3Uri,
    target: Path | S3Uri,
    names: Iterator[str],
) -> int:
    takes = Patterns.of(options.include, options.exclude).take
    include = [exact_pattern(name) for name in names if takes(name)]
    if not include:
        if options.dry_run or out.json:
            return out.plan([])
        meant = "all that the patterns include" if options.include or options.exclude else "it all"
        out.say(f"Nothing to copy: the target has {meant}.", merged([]))
        return 0
    wanted = {"include": include, "on_conflict": "overwrite"}
    places = [str(place) if isinstance(place, S3Uri) else place for place in (source, target)]
    if options.dry_run:
        return out.plan([call(*places, dry_run=True, **wanted)])
    return out.carry(call(*places, **wanted))


def _outdated_objects(client: Client, folder: Path, place: S3Uri) -> Iterator[str]:
    """Files that the bucket lacks, or has of another size or from an earlier time."""
    there = {one.Key.removeprefix(place.key): one for one in objects_below(client.api, place.bucket, place.key)}
    for path, name in files_below(folder):
        known, stat = there.get(name), path.stat()
        written = known.LastModified.timestamp() if known is not None and known.LastModified else 0
        if known is None or known.Size != stat.st_size or written < stat.st_mtime:
            yield name


def _outdated_files(client: Client, place: S3Uri, folder: Path) -> Iterator[str]:
    """Objects that the folder lacks, or has of another size or from an earlier time. Raises :class:`NotFound`."""
    is_empty = True
    for one in objects_below(client.api, place.bucket, place.key):
        is_empty = False
        name = one.Key.removeprefix(place.key)
        if one.Key.endswith("/"):  # the marker of a folder
            continue
        try:
            stat = within(folder, name).stat()
        except (FileNotFoundError, NotADirectoryError):
            yield name
            continue
        written = one.LastModified.timestamp() if one.LastModified else float("inf")
        if one.Size != stat.st_size or written > stat.st_mtime:
            yield name
    if is_empty:  # a mistyped name must not look like a folder that is up to date
        raise nothing(str(place))
