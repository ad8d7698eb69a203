"""``ls``, ``du`` and ``search``: the contents of buckets."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Literal

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.display import size
from odhtec_jupyter.client.globs import has_wildcards
from odhtec_jupyter.commands.arguments.expansion import expand, not_found
from odhtec_jupyter.commands.arguments.options import WILDCARDS, command, location_argument, positive_number
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.models import Usage
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands, Parser

MODES = ("contains", "prefix", "glob")


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_ls(commands)
    _add_du(commands)
    _add_search(commands)


def _add_ls(commands: Commands) -> None:
    one = command(
        commands,
        "ls",
        ls,
        "list buckets, or the contents of a folder",
        about="Prints one URI per line, as other commands accept them. Folders end in a slash.",
        examples=[
            ("ls", "your buckets"),
            ("ls s3://models/", "the top level of a bucket"),
            ("ls -lh s3://models/org/", "with dates and sizes"),
            ("ls -R 's3://logs/2024-*/'", "every object in the folders that match"),
        ],
        notes=WILDCARDS,
        human=True,
    )
    location_argument(one, "uri", nargs="*", metavar="URI")
    _row_arguments(one)
    one.add_argument("-R", "-r", "--recursive", action="store_true", help="list every object below, not one level")


def _add_du(commands: Commands) -> None:
    one = command(
        commands,
        "du",
        du,
        "show the number and total size of objects in folders",
        examples=[
            ("du -h s3://models/", "a whole bucket"),
            ("du -h 's3://models/*'", "each folder and object at its top level"),
        ],
        notes=WILDCARDS,
        human=True,
    )
    location_argument(one, "uri", nargs="+", metavar="URI")


def _add_search(commands: Commands) -> None:
    one = command(
        commands,
        "search",
        search,
        "find objects by name",
        about="Searches the path below the URI. Text with wildcards is a pattern for the whole\n"
        "path, in which * also matches slashes. Other text can be anywhere in the path.",
        examples=[
            ("search s3://models/ tokenizer", "everything with tokenizer in its path"),
            ("search s3://models/ '*.safetensors' -lh", "by pattern, with dates and sizes"),
        ],
        human=True,
    )
    location_argument(one, "uri", metavar="URI")
    one.add_argument("text", metavar="TEXT")
    one.add_argument(
        "--mode", choices=MODES, help="how TEXT matches (default: glob if it has wildcards, otherwise contains)"
    )
    one.add_argument("--here", action="store_true", help="search only this folder, and also find folders in it")
    one.add_argument("--limit", type=positive_number, metavar="N", help="stop after N results")
    _row_arguments(one)


def _row_arguments(one: Parser) -> None:
    one.add_argument("-l", "--long", action="store_true", help="print date and size; -h prints them, too")


# --- what they do -----------------------------------------------------------------------------------------------------


def ls(options: argparse.Namespace) -> int:
    """List buckets, or the contents of folders."""
    with console(options) as out:
        if not options.uri:
            for name in out.client.buckets():
                _say(out, Entry(str(S3Uri(name, "", out.client.connection)), "", True), options)
            return 0

        def show(uri: str) -> None:
            for entry in _entries(out.client, uri, options.recursive):
                _say(out, entry, options)

        return out.for_each(options.uri, show)


def _entries(client: Client, uri: str, recursive: bool) -> Iterator[Entry]:
    location = client.location(uri)
    if location.is_folder and not has_wildcards(location.key):
        empty = True
        for entry in client.ls(str(location), recursive=recursive):
            empty = False
            yield entry
        if empty and location.key and not client.exists(str(location)):
            raise not_found(uri)
        return
    for entry in expand(client, uri):
        # A folder that was named is listed; a folder that a pattern matches is one line.
        named = entry.key.rstrip("/") == location.key.rstrip("/")
        if entry.is_folder and (recursive or named):
            yield from client.ls(entry, recursive=recursive)
        else:
            yield entry


def du(options: argparse.Namespace) -> int:
    """Count the objects and bytes in folders."""
    with console(options) as out:

        def count(uri: str) -> None:
            for entry in expand(out.client, uri):
                if entry.is_folder:
                    usage = out.client.usage(entry)
                else:
                    usage = Usage(objects=1, bytes=entry.size or 0, next_continuation_token=None, is_truncated=False)
                amount = size(usage.bytes) if options.human_readable else str(usage.bytes)
                text = f"{amount:>14}  {usage.objects:>9} objects  {visible(entry.uri)}"
                out.print_result(text, {"uri": entry.uri, "objects": usage.objects, "bytes": usage.bytes})

        return out.for_each(options.uri, count)


def search(options: argparse.Namespace) -> int:
    """Find objects by name."""
    mode: Literal["contains", "prefix", "glob"] = options.mode or (
        "glob" if has_wildcards(options.text) else "contains"
    )
    with console(options) as out:
        location = out.client.location(options.uri)
        folder = str(location) if location.is_folder else f"{location}/"
        hits = out.client.search(folder, options.text, mode=mode, recursive=not options.here)
        for entry in islice(hits, options.limit):
            _say(out, entry, options)
    return 0


def _say(out: Console, entry: Entry, options: argparse.Namespace) -> None:
    out.print_result(_row(entry, options), entry)


def _row(entry: Entry, options: argparse.Namespace) -> str:
    if not options.long and not options.human_readable:
        return visible(entry.uri)
    time = f"{entry.last_modified.astimezone():%Y-%m-%d %H:%M}" if entry.last_modified else ""
    amount = "" if entry.size is None else size(entry.size) if options.human_readable else str(entry.size)
    return f"{time:16}  {amount:>14}  {visible(entry.uri)}"
