"""``transfers``: what the server moves, and steering it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Transfer
from odhtec_jupyter.client.display import line
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.commands.options import command
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands

VERBS = ("list", "show", "wait", "pause", "resume", "retry", "cancel", "remove")


def add(commands: Commands) -> None:
    """``transfers``."""
    one = command(
        commands,
        "transfers",
        transfers,
        "list what the server moves, or steer one of them",
        about="Transfers belong to the server: they continue when the command that started them has ended.\n\n"
        "list    all of them, newest first\n"
        "show    one, with the files that failed\n"
        "wait    until it ends, with a progress bar\n"
        "pause   keeps what has arrived; resume continues\n"
        "retry   what failed, and nothing else\n"
        "cancel  stops it and leaves nothing half-written\n"
        "remove  a finished one from the list; what it copied stays",
        examples=[
            ("transfers", "list them"),
            ("transfers wait ID", "wait for one of them"),
            ("transfers --json | jq -r 'select(.state == \"failed\").id'", "ids for a script"),
        ],
    )
    one.add_argument("verb", nargs="?", choices=VERBS, default="list", metavar="VERB")
    one.add_argument("id", nargs="?", metavar="ID")


def transfers(options: argparse.Namespace) -> int:
    """List them, or do something with one."""
    if (options.verb == "list") != (options.id is None):
        raise BadRequest("transfers list takes no ID, every other verb takes one.")
    # A server of this command's own would have none.
    with console(options, may_start=False) as out:
        if options.verb == "list":
            for one in out.client.transfers():
                out.say(f"{one.id}  {line(one.status)}", one.status)
            return 0
        return _steer(out, options.verb, out.client.transfer(options.id))


def _steer(out: Console, verb: str, transfer: Transfer) -> int:
    if verb == "remove":
        transfer.remove()
        return 0
    if verb == "wait":
        return out.carry(transfer)
    if verb != "show":
        getattr(transfer, verb)()
    out.say(line(transfer.status), transfer.status)
    if verb == "show" and not out.json:
        for file in transfer.files("failed"):
            print(visible(f"  failed  {file.path}: {file.error.message if file.error else ''}"))
    return 0
