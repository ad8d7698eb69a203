"""``rm``, and deleting for other commands: counted, asked for, and then done."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.arguments import s3_place
from odhtec_jupyter.client.drawing import size
from odhtec_jupyter.client.globs import has_wildcards
from odhtec_jupyter.commands.console import FAILED, Console, console, merged
from odhtec_jupyter.commands.finding import HIDDEN, found, is_below
from odhtec_jupyter.commands.options import WILDCARDS, command, deleting_arguments, place_argument
from odhtec_jupyter.errors import BadRequest, OdhTecError, error_for
from odhtec_jupyter.models import PlannedFile, TransferPlan
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands

KEYS_AT_ONCE = 1000
NAMED = 3  # URIs in a question


def add(commands: Commands) -> None:
    """``rm``."""
    one = command(
        commands,
        "rm",
        rm,
        "delete objects, or folders with -r",
        about="Deletes exactly what is named: foo does not take foobar along. It asks before more\n"
        "than one object is deleted.",
        examples=[
            ("rm s3://data/old.csv", "one object"),
            ("rm 's3://data/tmp/*.csv'", "the objects that match; asks first"),
            ("rm -r s3://data/run-7/", "a folder with everything in it; asks first"),
            ("rm -r --dry-run s3://data/run-7/", "only see what would go"),
            ("rm -r -y s3://data/run-7/", "without a question, for scripts"),
        ],
        notes=WILDCARDS,
    )
    place_argument(one, "uri", nargs="+", metavar="URI")
    one.add_argument("-r", "-R", "--recursive", action="store_true", help="folders, with everything in them")
    deleting_arguments(one)


def rm(options: argparse.Namespace) -> int:
    """Exactly these objects; folders with ``-r`` only."""
    if not options.recursive and (folders := [uri for uri in options.uri if uri.endswith("/")]):
        raise BadRequest(f"{folders[0]} is a folder: -r deletes it with everything in it.")
    with console(options) as out:
        chosen: dict[str, Entry] = {}

        def choose(uri: str) -> None:
            chosen.update((entry.uri, entry) for entry in _entries(out, uri, options.recursive))

        code = out.each(options.uri, choose)
        above = {uri for uri, entry in chosen.items() if entry.is_folder}
        entries = [entry for uri, entry in chosen.items() if not is_below(uri, above)]  # each object counts once
        if options.dry_run:
            return out.plan(plans(out.client, entries), "deleted") or code
        if entries and not is_meant(out, "Delete", entries):
            return FAILED
        return delete(out, entries) or code


def _entries(out: Console, uri: str, recursive: bool) -> list[Entry]:
    client, place = out.client, s3_place(uri)
    is_pattern = has_wildcards(place.key)
    try:
        entries = list(found(client, uri, folders=recursive, note=out.note))
    except OdhTecError as error:
        if error.status != HIDDEN or is_pattern:
            raise
        # Who may delete need not be allowed to look.
        return [Entry(str(place), place.key, place.is_folder)]
    if len(entries) == 1 and entries[0].is_folder:
        if not place.key and recursive:
            return contents(client, place.bucket)
        if not place.key or (not place.is_folder and entries[0].key == f"{place.key}/"):
            folder = entries[0].uri
            raise BadRequest(f"{uri} is a folder: rm -r {folder} deletes it with everything in it.")
    return entries


def contents(client: Client, bucket: str) -> list[Entry]:
    """What is at the top of a bucket: deleting all of one has to name it."""
    return list(client.ls(str(S3Uri(bucket, ""))))


# --- for other commands, too ------------------------------------------------------------------------------------------


def plans(client: Client, entries: Sequence[Entry]) -> Iterator[TransferPlan]:
    """What deleting them would remove; folders are counted."""
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


def is_meant(out: Console, verb: str, entries: Sequence[Entry], what: str = "") -> bool:
    """Whether all of it may go: asked where it is more than one object. ``what`` goes with it in any case."""
    if not out.asks or (not what and len(entries) == 1 and not entries[0].is_folder):
        return True
    try:
        plan = merged(plans(out.client, entries))
        more = "more than " if plan.is_truncated else ""
        count = f"{more}{plan.files_total} objects ({more}{size(plan.bytes_total)})"
    except OdhTecError as error:
        if error.status != HIDDEN:
            raise
        plan, count = None, "an unknown number of objects"
    if not what and plan is not None and plan.files_total == 1:
        return True
    named = ", ".join(entry.uri for entry in entries[:NAMED])
    named += f" and {len(entries) - NAMED} more" if len(entries) > NAMED else ""
    within = f"{count} in {named}" if not what else f"{what} with {count}" if entries else what
    if out.ask(f"{verb} {within}?"):
        return True
    out.note("Nothing was deleted.")
    return False


def delete(out: Console, entries: Iterable[Entry]) -> int:
    """Delete objects in batches and each folder as a transfer; the exit code."""
    keys: dict[str, list[str]] = {}
    folders = []
    for entry in entries:
        if entry.is_folder:
            folders.append(entry.uri)
        else:
            keys.setdefault(s3_place(entry).bucket, []).append(entry.key)
    code = 0
    for bucket, names in keys.items():
        for start in range(0, len(names), KEYS_AT_ONCE):
            code = _delete_keys(out, bucket, names[start : start + KEYS_AT_ONCE]) or code

    def delete_folder(uri: str) -> None:
        nonlocal code
        code = out.carry(out.client.delete(uri)) or code

    return out.each(folders, delete_folder) or code


def _delete_keys(out: Console, bucket: str, keys: list[str]) -> int:
    reply = out.client.api.delete_keys(bucket, keys)
    for key in reply.deleted:
        uri = str(S3Uri(bucket, key))
        out.say(visible(f"deleted  {uri}"), {"deleted": uri})
    for failure in reply.errors:
        out.complain(error_for(failure.Code, f"{S3Uri(bucket, failure.Key)}: {failure.Message}"))
    return FAILED if reply.errors else 0
