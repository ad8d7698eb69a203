"""``cp`` and ``mv``: from anywhere to anywhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.client.arguments import Patterns, s3_place
from odhtec_jupyter.client.local.downloader import Receiver, within
from odhtec_jupyter.client.local.local_transfer import LocalFile, LocalTransfer
from odhtec_jupyter.client.local.uploader import Sender
from odhtec_jupyter.commands.console import INTERRUPTED, Console, console, merged
from odhtec_jupyter.commands.options import (
    PLACES,
    WILDCARDS,
    command,
    moving_arguments,
    patterns,
    place_argument,
)
from odhtec_jupyter.commands.sources import Source, by_folder, is_hub, is_remote, single, sources
from odhtec_jupyter.commands.streams import PIPE, read_in, write_out
from odhtec_jupyter.errors import BadRequest, NoServer, OdhTecError
from odhtec_jupyter.models import TransferPlan
from odhtec_jupyter.patterns import MAX_GLOBS, exact_pattern
from odhtec_jupyter.uris import parse_uri

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands

Job = Callable[..., Any]  # with dry_run=True it gives a TransferPlan, else a Transfer
NAMES_AT_ONCE = 1000
NOT_HERE = (
    "mv moves between s3:// and workspace://. For files of this machine use cp, and delete them when they are there."
)
ONE_IN_S3 = "One of the two has to be a place in S3: s3://bucket/key; the other one may be a path here."


def add(commands: Commands) -> None:
    """Their arguments."""
    one = command(
        commands,
        "cp",
        cp,
        "copy files and folders",
        about="From anywhere to anywhere: S3, the server's workspace, Hugging Face, this machine.\n"
        "What is in a source folder goes into the target folder. Several sources, and what a\n"
        "pattern matches, go into the target folder under their own names. Nothing that\n"
        "exists is replaced unless --on-conflict says so.",
        examples=[
            ("cp results.csv s3://data/", "a file of this machine into a bucket"),
            ("cp results/ s3://data/run-7/", "a folder of this machine; large files go in parts"),
            ("cp 's3://data/run-7/*.csv' back/", "the objects that match, into a folder here"),
            ("cp s3://data/run-7/ s3://archive/run-7/ --dry-run", "see what would be copied"),
            ("cp s3://data/run-7/ workspace://run-7/ --include '*.parquet'", "some of a folder"),
            ("cp hf://org/name s3://models/name/", "a repository of Hugging Face; import does more"),
            ("cp s3://data/log.gz - | zcat", "an object through a pipe; cp - URI stores what comes in"),
        ],
        notes=f"{PLACES}\n{WILDCARDS}",
    )
    _add(one)
    one = command(
        commands,
        "mv",
        mv,
        "move or rename objects and folders",
        about="As cp, between S3 and the server's workspace. A file is deleted when its copy has\n"
        "arrived and was compared.",
        examples=[
            ("mv s3://data/a.csv s3://data/b.csv", "rename an object"),
            ("mv s3://data/run-7/ s3://archive/run-7/", "move what is in a folder"),
            ("mv 's3://data/*.tmp' s3://data/tmp/ --dry-run", "see what a pattern would move"),
        ],
        notes=f"{PLACES}\n{WILDCARDS}",
    )
    _add(one)


def _add(one: Any) -> None:
    place_argument(one, "source", nargs="+", metavar="SOURCE")
    place_argument(one, "target", metavar="TARGET")
    one.add_argument(
        "-r", "-R", "--recursive", action="store_true", help="patterns also take folders, and a folder needs no slash"
    )
    moving_arguments(one)


def cp(options: argparse.Namespace) -> int:
    """Copy."""
    if PIPE in (*options.source, options.target):
        return _piped(options)
    return _run(options, "copy")


def mv(options: argparse.Namespace) -> int:
    """Move."""
    return _run(options, "move")


def _run(options: argparse.Namespace, action: str) -> int:
    with console(options) as out:
        one = single(out.client, options)
        jobs = [_job(out.client, options, action, one)] if one is not None else _jobs(out, options, action)
        if options.dry_run:
            return out.plan(job(dry_run=True) for job in jobs)
        code = 0
        for job in jobs:
            try:
                ended = out.carry(job())
            except NoServer:
                raise
            except OdhTecError as error:
                if len(jobs) == 1:
                    raise
                ended = out.complain(error)
            if ended == INTERRUPTED:
                return ended
            code = ended or code
    return code


def _piped(options: argparse.Namespace) -> int:
    """Standard input to an object, or an object to standard output."""
    source = options.source[0]
    uri = options.target if source == PIPE else source
    if len(options.source) > 1 or uri == PIPE or not uri.startswith("s3://") or uri.endswith("/"):
        raise BadRequest("- is standard input or output: the only other one has to be an object, s3://bucket/key.")
    if options.dry_run or options.include or options.exclude:
        raise BadRequest("--dry-run, --include and --exclude are for files and folders, not for a pipe.")
    with console(options) as out:
        if options.target == PIPE:
            write_out(out.client, uri)
        else:
            read_in(out, uri, options.on_conflict)
    return 0


# --- one source -------------------------------------------------------------------------------------------------------


def _job(client: Client, options: argparse.Namespace, action: str, source: str) -> Job:
    target, wanted = options.target, _wanted(options)
    if is_remote(source) and is_remote(target):
        return _between(client, action, source, target, wanted)
    _require_copy(action)
    if not target.startswith("s3://") and not source.startswith("s3://"):
        raise BadRequest(ONE_IN_S3)
    call: Any = client.upload if target.startswith("s3://") else client.download
    return partial(call, source, target, **wanted)


def _wanted(options: argparse.Namespace) -> dict[str, Any]:
    return {**patterns(options), "on_conflict": options.on_conflict}


def _between(client: Client, action: str, source: str, target: str, wanted: dict[str, Any]) -> Job:
    return partial(client.move if action == "move" else client.copy, source, target, **wanted)


def _require_copy(action: str) -> None:
    if action == "move":
        raise BadRequest(NOT_HERE)


# --- several ----------------------------------------------------------------------------------------------------------


def _jobs(out: Console, options: argparse.Namespace, action: str) -> list[Job]:
    client, target = out.client, str(options.target)
    into = parse_uri(target, "target").is_folder if is_remote(target) else target.endswith("/") or Path(target).is_dir()
    if not into:
        raise BadRequest(f"{target} has to be a folder, with a slash at its end: several sources go into it.")
    takes = Patterns.of(options.include, options.exclude).take
    chosen = [one for one in sources(client, options, out.note) if one.is_folder or takes(one.name)]
    if not chosen:
        raise BadRequest("None of the sources is what the patterns include.")
    remote = [one for one in chosen if is_remote(one.uri)]
    local = [one for one in chosen if not is_remote(one.uri)]
    jobs: list[Job] = []
    if not is_remote(target):
        _require_copy(action)
        if local or not all(one.uri.startswith("s3://") for one in remote):
            raise BadRequest(ONE_IN_S3)
        return [_download(client, options, remote)]
    if local:
        _require_copy(action)
        if not target.startswith("s3://"):
            raise BadRequest(ONE_IN_S3)
        jobs.append(_upload(client, options, local))
    for one in [one for one in remote if is_hub(one)]:
        place = target if not one.is_folder else f"{_folder(target)}{one.name}"
        jobs.append(_between(client, action, one.uri, place, _wanted(options)))
    stored = [one for one in remote if not is_hub(one)]
    return [*jobs, *(job for group in by_folder(stored) for job in _group(client, options, action, *group))]


def _group(
    client: Client, options: argparse.Namespace, action: str, folder: str, chosen: Sequence[Source]
) -> Iterator[Job]:
    """Files and folders below one folder: as few transfers as there can be."""
    target = _folder(options.target)
    is_deep = any("/" in one.name[:-1] for one in chosen)
    if is_deep and (options.include or options.exclude):
        raise BadRequest("--include and --exclude are for what is in folders: let the pattern of the source say it.")
    most = MAX_GLOBS // max(1, len(options.include or ()), len(options.exclude or ()))
    at_once = max(1, min(NAMES_AT_ONCE, most)) if options.include or options.exclude else NAMES_AT_ONCE
    for start in range(0, len(chosen), at_once):
        some = chosen[start : start + at_once]
        names = [one.name for one in some]
        wanted = {"include": [exact_pattern(name) for name in names]} if is_deep else {"names": names}
        yield _between(client, action, folder, target, {**_wanted(options), **_in_folders(options, some), **wanted})


def _in_folders(options: argparse.Namespace, chosen: Sequence[Source]) -> dict[str, Any]:
    """The patterns, each within each of the folders: the server compares paths that begin with a folder's name."""
    folders = [exact_pattern(one.name) for one in chosen if one.is_folder]
    files = [exact_pattern(one.name) for one in chosen if not one.is_folder]
    include = [f"{folder}{pattern}" for folder in folders for pattern in options.include or ()]
    exclude = [f"{folder}{pattern}" for folder in folders for pattern in options.exclude or ()]
    return {"include": [*include, *files] if options.include else None, "exclude": exclude or None}


def _folder(target: str) -> str:
    return target if target.endswith("/") else f"{target}/"


def _upload(client: Client, options: argparse.Namespace, chosen: Sequence[Source]) -> Job:
    """Files and folders of this machine, as one transfer."""
    place = s3_place(options.target)
    sender = Sender(client.api, options.on_conflict, "source", Patterns.of(options.include, options.exclude))
    whole = Sender(client.api, options.on_conflict, "source", Patterns())
    pairs = [(Path(one.uri).expanduser(), place.below(one.name), sender if one.is_folder else whole) for one in chosen]
    for path, _, _ in pairs:
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}.")

    def start(*, dry_run: bool = False) -> TransferPlan | Transfer:
        if dry_run:
            return merged(how.look(path, uri) for path, uri, how in pairs)
        return _local(client, options, chosen, lambda: [file for p, uri, how in pairs for file in how.plan(p, uri)])

    return start


def _download(client: Client, options: argparse.Namespace, chosen: Sequence[Source]) -> Job:
    """Objects and folders to this machine, as one transfer."""
    folder = Path(options.target).expanduser()
    receiver = Receiver(client.api, options.on_conflict, Patterns.of(options.include, options.exclude))
    whole = Receiver(client.api, options.on_conflict, Patterns())
    wanted = [
        (
            s3_place(one.uri),
            within(folder, one.name.removesuffix("/")),
            one.size,
            receiver if one.is_folder else whole,
        )
        for one in chosen
    ]

    def start(*, dry_run: bool = False) -> TransferPlan | Transfer:
        if dry_run:
            return merged(how.look(uri, path, size) for uri, path, size, how in wanted)
        return _local(
            client, options, chosen, lambda: [f for uri, p, size, how in wanted for f in how.plan(uri, p, size)]
        )

    return start


def _local(
    client: Client, options: argparse.Namespace, chosen: Sequence[Source], plan: Callable[[], list[LocalFile]]
) -> LocalTransfer:
    title = chosen[0].uri if len(chosen) == 1 else f"{chosen[0].uri} and {len(chosen) - 1} more"
    return LocalTransfer(client.api, title, options.target, plan)
