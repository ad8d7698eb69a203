"""``presign``: links that work without credentials."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from odhtec_jupyter.client.arguments import request, s3_object
from odhtec_jupyter.commands.arguments.options import command, location_argument
from odhtec_jupyter.commands.console import console
from odhtec_jupyter.models import PresignRequest
from odhtec_jupyter.uris import named

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def add(commands: Commands) -> None:
    """Add ``presign``."""
    one = command(
        commands,
        "presign",
        presign,
        "create a link to an object that works without credentials",
        about="Anyone who has the link can use it until it expires.",
        examples=[
            ("presign s3://data/report.pdf", "a link for an hour"),
            ("presign --expires-in 7d s3://data/report.pdf", "for seven days, the maximum in S3"),
            ("presign --method PUT s3://data/inbox/new.csv", "a link to upload to: curl -T new.csv LINK"),
        ],
    )
    location_argument(one, "uri", metavar="URI")
    one.add_argument(
        "--expires-in",
        type=_seconds,
        default=3600,
        metavar="TIME",
        help="how long it works: seconds, or a number with m, h or d (default: 1h)",
    )
    one.add_argument(
        "--method", choices=("GET", "PUT"), default="GET", help="GET to download, PUT to upload (default: %(default)s)"
    )


def _seconds(text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 3600, 90m, 12h or 7d")
    return int(parts[1]) * UNIT_SECONDS[parts[2]]


def presign(options: argparse.Namespace) -> int:
    """Create a link."""
    location = s3_object(options.uri, named(options.connection))
    what = request(
        PresignRequest, bucket=location.bucket, key=location.key, expires_in=options.expires_in, method=options.method
    )
    with console(options) as out:
        link = out.client.api_of(location).presign(what)
        out.print_result(link.url, link)
    return 0
