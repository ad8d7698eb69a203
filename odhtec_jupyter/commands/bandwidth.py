"""``bandwidth``: show or change the limit for all transfers of the server."""

from __future__ import annotations

import argparse
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from odhtec_jupyter.client.display import size
from odhtec_jupyter.commands.arguments.options import command
from odhtec_jupyter.commands.console import console
from odhtec_jupyter.models import BandwidthSettings

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

UNIT_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def add(commands: Commands) -> None:
    """Add ``bandwidth``."""
    one = command(
        commands,
        "bandwidth",
        bandwidth,
        "show or limit the bytes per second that the server moves",
        about="The limit is for all transfers, uploads and downloads of the server together. A change\n"
        "also applies to running transfers, until the server stops.",
        examples=[
            ("bandwidth", "show the limit"),
            ("bandwidth 20MB", "20 million bytes per second"),
            ("bandwidth 0", "no limit"),
        ],
    )
    one.add_argument(
        "limit",
        nargs="?",
        type=_bytes_per_second,
        metavar="LIMIT",
        help="bytes per second, or a number with kB, MB or GB; 0 for no limit",
    )


def _bytes_per_second(text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([kmg]?)b?(?:/s)?", text.lower())
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a limit such as 500kB, 20MB or 0")
    return math.ceil(Decimal(parts[1]) * UNIT_BYTES[parts[2]])  # less than a byte is not 0, which is no limit


def bandwidth(options: argparse.Namespace) -> int:
    """Show the limit, after changing it if a limit is given."""
    # A server that is started for this command has no transfers.
    with console(options, may_start=False) as out:
        limit = out.client.max_bandwidth(options.limit)
        text = f"{size(limit)}/s for all transfers together" if limit else "no limit"
        out.print_result(text, BandwidthSettings(max_bandwidth=limit))
    return 0
