"""``transfers``: list and control the transfers of the server."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from odhtec_jupyter.client import Transfer
from odhtec_jupyter.client.display import line
from odhtec_jupyter.commands.arguments.options import command
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands

VERBS = ("list", "show", "wait", "pause", "resume", "retry", "cancel", "remove")


def add(commands: Commands) -> None:
    """Add ``transfers``."""
    one = command(
        commands,
        "transfers",
        transfers,
        "list the transfers of the server, or control one",
        about="The server runs transfers. They continue after the command that started them has ended.\n\n"
        "list    list all transfers, newest first\n"
        "show    show one, with the files that failed\n"
        "wait    wait until it ends, with a progress bar\n"
        "pause   pause it and keep the transferred data\n"
        "resume  continue it\n"
        "retry   retry only the files that failed\n"
        "cancel  stop it and leave no incomplete file\n"
        "remove  remove a finished one from the list; its files stay",
        examples=[
            ("transfers", "list them"),
            ("transfers wait ID", "wait for one"),
            ("transfers --json | jq -r 'select(.state == \"failed\").id'", "ids for a script"),
        ],
    )
    one.add_argument("verb", nargs="?", choices=VERBS, default="list", metavar="VERB")
    one.add_argument("id", nargs="?", metavar="ID")


def transfers(options: argparse.Namespace) -> int:
    """List the transfers, or control one."""
    if (options.verb == "list") != (options.id is None):
        raise BadRequest("transfers list accepts no ID. Every other verb requires one.")
    # A server that is started for this command has no transfers.
    with console(options, may_start=False) as out:
        if options.verb == "list":
            for one in out.client.transfers():
                out.print_result(f"{one.id}  {line(one.status)}", one.status)
            return 0
        return _control(out, options.verb, out.client.transfer(options.id))


def _control(out: Console, verb: str, transfer: Transfer) -> int:
    if verb == "remove":
        transfer.remove()
        return 0
    if verb == "wait":
        return out.finish(transfer)
    if verb != "show":
        getattr(transfer, verb)()
    out.print_result(line(transfer.status), transfer.status)
    if verb == "show" and not out.json:
        for file in transfer.files("failed"):
            print(visible(f"  failed  {file.path}: {file.error.message if file.error else ''}"))
    return 0
