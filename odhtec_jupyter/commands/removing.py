"""``rm``, and deleting for other commands: objects are counted, the user confirms, and then they are deleted."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.display import size
from odhtec_jupyter.client.globs import has_wildcards
from odhtec_jupyter.commands.arguments.expansion import FORBIDDEN, expand, is_below
from odhtec_jupyter.commands.arguments.options import WILDCARDS, command, deleting_arguments, location_argument
from odhtec_jupyter.commands.console import FAILED, Console, console, merged
from odhtec_jupyter.errors import BadRequest, OdhTecError, error_for
from odhtec_jupyter.models import PlannedFile, TransferPlan
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

MAX_KEYS_PER_REQUEST = 1000
MAX_NAMED_URIS = 3  # in a question


def add(commands: Commands) -> None:
    """Add ``rm``."""
    one = command(
        commands,
        "rm",
        rm,
        "delete objects, or folders with -r",
        about="Deletes exactly the named objects: foo does not include foobar. Asks before it deletes\n"
        "more than one object.",
        examples=[
            ("rm s3://data/old.csv", "one object"),
            ("rm 's3://data/tmp/*.csv'", "the objects that match; asks first"),
            ("rm -r s3://data/run-7/", "a folder with everything in it; asks first"),
            ("rm -r --dry-run s3://data/run-7/", "see what would be deleted"),
            ("rm -r -y s3://data/run-7/", "delete without asking, for scripts"),
        ],
        notes=WILDCARDS,
    )
    location_argument(one, "uri", nargs="+", metavar="URI")
    one.add_argument("-r", "-R", "--recursive", action="store_true", help="delete folders and everything in them")
    deleting_arguments(one)


def rm(options: argparse.Namespace) -> int:
    """Delete exactly these objects; folders only with ``-r``."""
    if not options.recursive and (folders := [uri for uri in options.uri if uri.endswith("/")]):
        raise BadRequest(f"{folders[0]} is a folder. Use -r to delete it and everything in it.")
    with console(options) as out:
        chosen: dict[str, Entry] = {}

        def choose(uri: str) -> None:
            chosen.update((entry.uri, entry) for entry in _entries(out, uri, options.recursive))

        code = out.for_each(options.uri, choose)
        above = {uri for uri, entry in chosen.items() if entry.is_folder}
        entries = [entry for uri, entry in chosen.items() if not is_below(uri, above)]  # count each object once
        if options.dry_run:
            return out.print_plan(plans(out.client, entries), "deleted") or code
        if entries and not is_confirmed(out, "Delete", entries):
            return FAILED
        return delete(out, entries) or code


def _entries(out: Console, uri: str, recursive: bool) -> list[Entry]:
    client, location = out.client, out.client.location(uri)
    is_pattern = has_wildcards(location.key)
    try:
        entries = list(expand(client, uri, folders=recursive, note=out.print_notice))
    except OdhTecError as error:
        if error.status != FORBIDDEN or is_pattern:
            raise
        # Permission to delete does not include permission to read or list.
        return [Entry(str(location), location.key, location.is_folder)]
    if len(entries) == 1 and entries[0].is_folder:
        if not location.key and recursive:
            return contents(client, location)
        if not location.key or (not location.is_folder and entries[0].key == f"{location.key}/"):
            folder = entries[0].uri
            raise BadRequest(f"{uri} is a folder. Use rm -r {folder} to delete it and everything in it.")
    return entries


def contents(client: Client, bucket: S3Uri) -> list[Entry]:
    """Return the top level of a bucket: the server does not delete a whole bucket's contents by the bucket's name."""
    return list(client.ls(str(bucket.with_path(""))))


# --- also used by other commands --------------------------------------------------------------------------------------


def plans(client: Client, entries: Sequence[Entry]) -> Iterator[TransferPlan]:
    """Yield dry runs of deleting the entries. The objects in folders are counted."""
    objects = [entry for entry in entries if not entry.is_folder]
    if objects:
        yield TransferPlan(
            counts={"delete": len(objects)},
            files_total=len(objects),
            bytes_total=sum(entry.size or 0 for entry in objects),
            files=[PlannedFile(source=entry.uri, target="", size=entry.size, what="delete") for entry in objects],
        )
    for entry in entries:
        if entry.is_folder:
            yield client.delete(entry, dry_run=True)


def is_confirmed(out: Console, verb: str, entries: Sequence[Entry], what: str = "") -> bool:
    """Ask before more than one object is deleted, or if ``what`` is deleted, too. Return whether to continue."""
    if not out.must_confirm or (not what and len(entries) == 1 and not entries[0].is_folder):
        return True
    try:
        plan = merged(plans(out.client, entries))
        more = "more than " if plan.is_truncated else ""
        count = f"{more}{plan.files_total} objects ({more}{size(plan.bytes_total)})"
    except OdhTecError as error:
        if error.status != FORBIDDEN:
            raise
        plan, count = None, "an unknown number of objects"
    if not what and plan is not None and plan.files_total == 1:
        return True
    named = ", ".join(entry.uri for entry in entries[:MAX_NAMED_URIS])
    named += f" and {len(entries) - MAX_NAMED_URIS} more" if len(entries) > MAX_NAMED_URIS else ""
    within = f"{count} in {named}" if not what else f"{what} with {count}" if entries else what
    if out.confirm(f"{verb} {within}?"):
        return True
    out.print_notice("Nothing was deleted.")
    return False


def delete(out: Console, entries: Iterable[Entry]) -> int:
    """Delete objects in batches and each folder as a transfer. Return the exit code."""
    keys: dict[S3Uri, list[str]] = {}
    folders = []
    for entry in entries:
        if entry.is_folder:
            folders.append(entry.uri)
        else:
            keys.setdefault(out.client.location(entry).with_path(""), []).append(entry.key)
    code = 0
    for bucket, names in keys.items():
        for start in range(0, len(names), MAX_KEYS_PER_REQUEST):
            code = _delete_keys(out, bucket, names[start : start + MAX_KEYS_PER_REQUEST]) or code

    def delete_folder(uri: str) -> None:
        nonlocal code
        code = out.finish(out.client.delete(uri)) or code

    return out.for_each(folders, delete_folder) or code


def _delete_keys(out: Console, bucket: S3Uri, keys: list[str]) -> int:
    reply = out.client.api_of(bucket).delete_keys(bucket.bucket, keys)
    for key in reply.deleted:
        uri = str(bucket.with_path(key))
        out.print_result(visible(f"deleted  {uri}"), {"deleted": uri})
    for failure in reply.errors:
        out.print_error(error_for(failure.Code, f"{bucket.with_path(failure.Key)}: {failure.Message}"))
    return FAILED if reply.errors else 0
