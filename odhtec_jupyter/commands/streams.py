"""``cat``, and objects through pipes: to standard output and from standard input."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.arguments import s3_object
from odhtec_jupyter.client.files.reader import ObjectReader
from odhtec_jupyter.client.files.writer import ObjectWriter
from odhtec_jupyter.commands.arguments.expansion import expand
from odhtec_jupyter.commands.arguments.options import WILDCARDS, command, location_argument
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import OnConflict
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

PIPE = "-"
BLOCK_BYTES = 1024 * 1024


def add(commands: Commands) -> None:
    """Add ``cat``."""
    one = command(
        commands,
        "cat",
        cat,
        "write objects to standard output",
        examples=[
            ("cat s3://data/log.txt | less", "one object"),
            ("cat 's3://data/part-*.csv' > all.csv", "several, one after the other"),
        ],
        notes=WILDCARDS,
    )
    location_argument(one, "uri", nargs="+", metavar="URI")


def cat(options: argparse.Namespace) -> int:
    """Write objects to standard output."""
    with console(options) as out:

        def write(uri: str) -> None:
            for entry in expand(out.client, uri, folders=False):
                if entry.is_folder:
                    raise BadRequest(f"{entry} is a folder. Name objects in it, such as '{entry}*'.")
                write_to_stdout(out.client, entry)

        return out.for_each(options.uri, write)


def write_to_stdout(client: Client, entry: Entry | str) -> None:
    """Write an object to standard output."""
    location = s3_object(entry, client.connection)
    with ObjectReader(client.api_of(location), location.bucket, location.key) as reader:
        block = memoryview(bytearray(BLOCK_BYTES))
        while length := reader.readinto(block):
            sys.stdout.buffer.write(block[:length])
        sys.stdout.buffer.flush()


def read_from_stdin(out: Console, uri: str, on_conflict: OnConflict) -> None:
    """Store standard input as an object."""
    location = s3_object(uri, out.client.connection)
    with ObjectWriter(out.client.api_of(location), location.bucket, location.key, on_conflict=on_conflict) as writer:
        while chunk := sys.stdin.buffer.read(BLOCK_BYTES):
            writer.write(chunk)
    if writer.result is None:
        out.print_result(visible(f"Skipped {location}: it exists."), {"skipped": str(location)})
    else:
        stored = location.with_path(writer.result.key)
        result = {"uri": str(stored), "size": writer.result.size, "etag": writer.result.ETag}
        out.print_result(visible(f"{stored}: {writer.result.size} bytes."), result)
