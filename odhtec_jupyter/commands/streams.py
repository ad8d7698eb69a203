"""``cat`` and ``presign``; objects through pipes."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.arguments import request, s3_object
from odhtec_jupyter.client.files.reader import ObjectReader
from odhtec_jupyter.client.files.writer import ObjectWriter
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.commands.expansion import found
from odhtec_jupyter.commands.options import WILDCARDS, command, place_argument
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.models import OnConflict, PresignRequest
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands

PIPE = "-"
BLOCK_BYTES = 1024 * 1024
UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def add(commands: Commands) -> None:
    """Their arguments."""
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
    place_argument(one, "uri", nargs="+", metavar="URI")
    one = command(
        commands,
        "presign",
        presign,
        "make a link to an object that works without credentials",
        about="Anyone who has the link can use it until it expires.",
        examples=[
            ("presign s3://data/report.pdf", "a link for an hour"),
            ("presign --expires-in 7d s3://data/report.pdf", "for seven days, the most that S3 allows"),
            ("presign --method PUT s3://data/inbox/new.csv", "a link to upload to: curl -T new.csv LINK"),
        ],
    )
    place_argument(one, "uri", metavar="URI")
    one.add_argument(
        "--expires-in",
        type=_seconds,
        default=3600,
        metavar="TIME",
        help="seconds, or a number with m, h or d (default: 1h)",
    )
    one.add_argument("--method", choices=("GET", "PUT"), default="GET", help="what it is for (default: %(default)s)")


def _seconds(text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; it looks like 3600, 90m, 12h or 7d")
    return int(parts[1]) * UNIT_SECONDS[parts[2]]


def cat(options: argparse.Namespace) -> int:
    """Objects to standard output."""
    with console(options) as out:

        def write(uri: str) -> None:
            for entry in found(out.client, uri, folders=False):
                if entry.is_folder:
                    raise BadRequest(f"{entry} is a folder: name objects in it, such as '{entry}*'.")
                write_out(out.client, entry)

        return out.each(options.uri, write)


def presign(options: argparse.Namespace) -> int:
    """A link."""
    place = s3_object(options.uri)
    what = request(
        PresignRequest, bucket=place.bucket, key=place.key, expires_in=options.expires_in, method=options.method
    )
    with console(options) as out:
        link = out.client.api.presign(what)
        out.say(link.url, link)
    return 0


def write_out(client: Client, entry: Entry | str) -> None:
    """An object to standard output."""
    place = s3_object(entry)
    with ObjectReader(client.api, place.bucket, place.key, whole=True) as reader:
        block = memoryview(bytearray(BLOCK_BYTES))
        while length := reader.readinto(block):
            sys.stdout.buffer.write(block[:length])
        sys.stdout.buffer.flush()


def read_in(out: Console, uri: str, on_conflict: OnConflict) -> None:
    """Standard input to an object."""
    place = s3_object(uri)
    with ObjectWriter(out.client.api, place.bucket, place.key, on_conflict=on_conflict) as writer:
        while chunk := sys.stdin.buffer.read(BLOCK_BYTES):
            writer.write(chunk)
    if writer.result is None:
        out.say(visible(f"{place} exists: skipped."), {"skipped": str(place)})
    else:
        stored = S3Uri(writer.result.bucket, writer.result.key)
        told = {"uri": str(stored), "size": writer.result.size, "etag": writer.result.ETag}
        out.say(visible(f"{stored}: {writer.result.size} bytes."), told)
