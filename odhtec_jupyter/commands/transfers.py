"""``transfers``: what the server moves, and steering it."""

from __future__ import annotations

import argparse

from odhtec_jupyter.client import Transfer
from odhtec_jupyter.client.drawing import line
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.visible import visible


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
