"""``cp`` and ``mv``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.client.arguments import Patterns, any_location
from odhtec_jupyter.client.listing import is_folder
from odhtec_jupyter.client.local.downloader import Downloader, local_path, missing_slash
from odhtec_jupyter.client.local.local_file import LocalPlan
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.client.local.saved_files import SavedFiles
from odhtec_jupyter.client.local.uploader import Uploader
from odhtec_jupyter.commands.arguments.expansion import NOT_FOUND
from odhtec_jupyter.commands.arguments.options import (
    LOCATIONS,
    WILDCARDS,
    command,
    location_argument,
    moving_arguments,
    patterns,
)
from odhtec_jupyter.commands.arguments.sources import Source, by_folder, is_hub, is_remote, single, sources
from odhtec_jupyter.commands.console import INTERRUPTED, Console, console, merged
from odhtec_jupyter.commands.streams import PIPE, read_from_stdin, write_to_stdout
from odhtec_jupyter.errors import BadRequest, NoServer, OdhTecError
from odhtec_jupyter.models import TransferPlan
from odhtec_jupyter.patterns import MAX_GLOBS, exact_pattern
from odhtec_jupyter.uris import S3Uri, parse_uri

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

Job = Callable[..., Any]  # with dry_run=True it returns a TransferPlan, otherwise a Transfer
MAX_NAMES_PER_TRANSFER = 1000
MV_IS_REMOTE = "mv cannot move files of this machine. Copy them with cp, and delete them afterwards."
S3_REQUIRED = "Source or target must be in S3, such as s3://bucket/key. The other one can be a path of this machine."


def add(commands: Commands) -> None:
    """Add the commands."""
    one = command(
        commands,
        "cp",
        cp,
        "copy files and folders",
        about="Copies between S3, the server's workspace and this machine, and from Hugging Face.\n"
        "The contents of a source folder are copied into the target folder. Several sources,\n"
        "and the matches of a pattern, keep their names in the target folder. Existing files\n"
        "are not replaced unless --on-conflict says so.",
        examples=[
            ("cp results.csv s3://data/", "upload a file to a bucket"),
            ("cp results/ s3://data/run-7/", "upload a folder; large files are uploaded in parts"),
            ("cp 's3://data/run-7/*.csv' back/", "download the objects that match"),
            ("cp s3://data/run-7/ s3://archive/run-7/ --dry-run", "see what would be copied"),
            ("cp s3://data/run-7/ workspace://run-7/ --include '*.parquet'", "copy some files of a folder"),
            ("cp hf://org/name s3://models/name/", "copy a repository of Hugging Face; import has more options"),
            ("cp s3://data/log.gz - | zcat", "write an object to a pipe; cp - URI stores standard input"),
        ],
        notes=f"{LOCATIONS}\n{WILDCARDS}",
    )
    _add(one)
    one = command(
        commands,
        "mv",
        mv,
        "move or rename objects and folders",
        about="Moves between S3 and the server's workspace. Each file is deleted at the source after\n"
        "its copy was verified.",
        examples=[
            ("mv s3://data/a.csv s3://data/b.csv", "rename an object"),
            ("mv s3://data/run-7/ s3://archive/run-7/", "move the contents of a folder"),
            ("mv 's3://data/*.tmp' s3://data/tmp/ --dry-run", "see what a pattern would move"),
        ],
        notes=f"{LOCATIONS}\n{WILDCARDS}",
    )
    _add(one)


def _add(one: Any) -> None:
    location_argument(one, "source", nargs="+", metavar="SOURCE")
    location_argument(one, "target", metavar="TARGET")
    one.add_argument(
        "-r", "-R", "--recursive", action="store_true", help="patterns also match folders, and a folder needs no slash"
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
        if not all(is_remote(one) for one in (*options.source, options.target)):
            out.refuse_no_wait()
        one = single(out.client, options)
        if one is not None:
            return _run_one(out, options, action, one)
        jobs = _jobs(out, options, action)
        if options.dry_run:
            return out.print_plan(job(dry_run=True) for job in jobs)
        code = 0
        for job in jobs:
            try:
                ended = out.finish(job())
            except NoServer:
                raise
            except OdhTecError as error:
                if len(jobs) == 1:
                    raise
                ended = out.print_error(error)
            if ended == INTERRUPTED:
                return ended
            code = ended or code
    return code


def _run_one(out: Console, options: argparse.Namespace, action: str, source: str) -> int:
    job = _job(out.client, options, action, source)
    try:
        return out.print_plan([job(dry_run=True)]) if options.dry_run else out.finish(job())
    except OdhTecError as error:
        location = any_location(source, "source", out.client.connection) if is_remote(source) else None
        if error.status != NOT_FOUND or not isinstance(location, S3Uri) or location.is_folder:
            raise
        if is_folder(out.client.api_of(location), location.bucket, f"{location.key}/"):
            raise missing_slash(location) from None
        raise


def _piped(options: argparse.Namespace) -> int:
    """Store standard input as an object, or write an object to standard output."""
    source = options.source[0]
    uri = options.target if source == PIPE else source
    if len(options.source) > 1 or uri == PIPE or not uri.startswith("s3://") or uri.endswith("/"):
        raise BadRequest("- is standard input or output. The other argument must be one object, s3://bucket/key.")
    if options.dry_run or options.include or options.exclude:
        raise BadRequest("--dry-run, --include and --exclude cannot be used with a pipe.")
    with console(options) as out:
        out.refuse_no_wait()
        if options.target == PIPE:
            write_to_stdout(out.client, uri)
        else:
            read_from_stdin(out, uri, options.on_conflict)
    return 0


# --- one source -------------------------------------------------------------------------------------------------------


def _job(client: Client, options: argparse.Namespace, action: str, source: str) -> Job:
    target, wanted = options.target, _transfer_options(options)
    if is_remote(source) and is_remote(target):
        return _between(client, action, source, target, wanted)
    _require_copy(action)
    if not target.startswith("s3://") and not source.startswith("s3://"):
        raise BadRequest(S3_REQUIRED)
    call: Any = client.upload if target.startswith("s3://") else client.download
    return partial(call, source, target, **wanted)


def _transfer_options(options: argparse.Namespace) -> dict[str, Any]:
    return {**patterns(options), "on_conflict": options.on_conflict}


def _between(client: Client, action: str, source: str, target: str, wanted: dict[str, Any]) -> Job:
    return partial(client.move if action == "move" else client.copy, source, target, **wanted)


def _require_copy(action: str) -> None:
    if action == "move":
        raise BadRequest(MV_IS_REMOTE)


# --- several ----------------------------------------------------------------------------------------------------------


def _jobs(out: Console, options: argparse.Namespace, action: str) -> list[Job]:
    client, target = out.client, str(options.target)
    into = parse_uri(target, "target").is_folder if is_remote(target) else target.endswith("/") or Path(target).is_dir()
    if not into:
        raise BadRequest(f"{target} must be a folder, with a slash at its end, if there are several sources.")
    patterns_ = Patterns.of(options.include, options.exclude)
    chosen = [one for one in sources(client, options, out.print_notice) if one.is_folder or patterns_.match(one.name)]
    if not chosen:
        raise BadRequest("The patterns include none of the sources.")
    remote = [one for one in chosen if is_remote(one.uri)]
    local = [one for one in chosen if not is_remote(one.uri)]
    jobs: list[Job] = []
    if not is_remote(target):
        _require_copy(action)
        if local or not all(one.uri.startswith("s3://") for one in remote):
            raise BadRequest(S3_REQUIRED)
        return [_download(client, options, remote)]
    if local:
        _require_copy(action)
        if not target.startswith("s3://"):
            raise BadRequest(S3_REQUIRED)
        jobs.append(_upload(client, options, local))
    for one in [one for one in remote if is_hub(one)]:
        location = target if not one.is_folder else f"{_folder(target)}{one.name}"
        jobs.append(_between(client, action, one.uri, location, _transfer_options(options)))
    stored = [one for one in remote if not is_hub(one)]
    return [*jobs, *(job for group in by_folder(stored) for job in _group(client, options, action, *group))]


def _group(
    client: Client, options: argparse.Namespace, action: str, folder: str, chosen: Sequence[Source]
) -> Iterator[Job]:
    """Yield the transfers of files and folders that are below one folder: as few as possible."""
    target = _folder(options.target)
    is_deep = any("/" in one.name[:-1] for one in chosen)
    if is_deep and (options.include or options.exclude):
        raise BadRequest("--include and --exclude cannot be combined with a source pattern that spans folders.")
    if is_deep and target.startswith(folder):
        raise BadRequest(
            f"The target {target} is in {folder}, which the source pattern searches. Choose a target outside it."
        )
    most = MAX_GLOBS // max(1, len(options.include or ()), len(options.exclude or ()))
    batch = max(1, min(MAX_NAMES_PER_TRANSFER, most)) if options.include or options.exclude else MAX_NAMES_PER_TRANSFER
    for start in range(0, len(chosen), batch):
        some = chosen[start : start + batch]
        names = [one.name for one in some]
        wanted = {"include": [exact_pattern(name) for name in names]} if is_deep else {"names": names}
        yield _between(
            client, action, folder, target, {**_transfer_options(options), **_in_folders(options, some), **wanted}
        )


def _in_folders(options: argparse.Namespace, chosen: Sequence[Source]) -> dict[str, Any]:
    """Return the patterns for each folder: the server compares them with paths that start with the folder's name."""
    folders = [exact_pattern(one.name) for one in chosen if one.is_folder]
    files = [exact_pattern(one.name) for one in chosen if not one.is_folder]
    include = [f"{folder}{pattern}" for folder in folders for pattern in options.include or ()]
    exclude = [f"{folder}{pattern}" for folder in folders for pattern in options.exclude or ()]
    return {"include": [*include, *files] if options.include else None, "exclude": exclude or None}


def _folder(target: str) -> str:
    return target if target.endswith("/") else f"{target}/"


def _upload(client: Client, options: argparse.Namespace, chosen: Sequence[Source]) -> Job:
    """Return the upload of files and folders of this machine, as one transfer."""
    location = client.location(options.target)
    api = client.api_of(location)
    filtered = Uploader(api, options.on_conflict, "source", Patterns.of(options.include, options.exclude))
    unfiltered = Uploader(api, options.on_conflict, "source", Patterns())
    uploads = [
        (Path(one.uri).expanduser(), location.below(one.name), filtered if one.is_folder else unfiltered)
        for one in chosen
    ]
    for path, _, _ in uploads:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")

    def start(*, dry_run: bool = False) -> TransferPlan | Transfer:
        if dry_run:
            return merged(uploader.dry_run(path, uri) for path, uri, uploader in uploads)
        return _local(client, options, chosen, lambda: [uploader.plan(path, uri) for path, uri, uploader in uploads])

    return start


def _download(client: Client, options: argparse.Namespace, chosen: Sequence[Source]) -> Job:
    """Return the download of objects and folders, as one transfer."""
    folder, saved_files = Path(options.target).expanduser(), SavedFiles()
    patterns_ = Patterns.of(options.include, options.exclude)

    def downloader_of(source: Source, uri: S3Uri) -> Downloader:
        chosen_patterns = patterns_ if source.is_folder else Patterns()
        return Downloader(client.api_of(uri), options.on_conflict, chosen_patterns, saved_files=saved_files)

    downloads = [
        (uri, local_path(folder, one.name.removesuffix("/")), one.size, downloader_of(one, uri))
        for one in chosen
        for uri in [client.location(one.uri)]
    ]

    def start(*, dry_run: bool = False) -> TransferPlan | Transfer:
        if dry_run:
            return merged(downloader.dry_run(uri, path, size) for uri, path, size, downloader in downloads)
        return _local(
            client,
            options,
            chosen,
            lambda: [downloader.plan(uri, path, size) for uri, path, size, downloader in downloads],
        )

    return start


def _local(
    client: Client, options: argparse.Namespace, chosen: Sequence[Source], make_plans: Callable[[], list[LocalPlan]]
) -> LocalTransfer:
    def plan() -> LocalPlan:
        plans = make_plans()
        return LocalPlan(
            [file for one in plans for file in one.files], [name for one in plans for name in one.left_out]
        )

    title = chosen[0].uri if len(chosen) == 1 else f"{chosen[0].uri} and {len(chosen) - 1} more"
    return LocalTransfer(client.api, title, options.target, plan)
