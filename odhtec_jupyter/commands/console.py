"""How commands speak: lines or JSON on standard output, progress and complaints on standard error, exit codes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.client.drawing import line
from odhtec_jupyter.client.local_transfer import LocalTransfer
from odhtec_jupyter.commands.private_server import private_server
from odhtec_jupyter.errors import NoServer
from odhtec_jupyter.models import TransferPlan
from odhtec_jupyter.visible import visible

INTERRUPTED = 130  # the exit code
SHOWN = 20  # objects that are named


class Console:
    """One command at work; ``private`` says that its server ends with it."""

    def __init__(self, options: argparse.Namespace, client: Client, *, private: bool) -> None:
        self.client = client
        self.json: bool = options.json
        self._private = private
        self._waits: bool = private or not getattr(options, "no_wait", False)

    def say(self, text: str, model: BaseModel | dict[str, object]) -> None:
        """A line of text, or of JSON for scripts."""
        if not self.json:
            print(text)
        elif isinstance(model, BaseModel):
            print(model.model_dump_json(by_alias=True))
        else:
            print(json.dumps(model, default=str))

    def plan(self, plan: TransferPlan) -> int:
        """What a dry run has found."""
        if self.json:
            print(plan.model_dump_json(by_alias=True))
            return 0
        for file in plan.files:
            print(f"{file.what:>10}  {visible(file.target or file.source)}")
        if (more := plan.files_total - len(plan.files)) > 0:
            print(f"           … and {more} more")
        if remaining := plan.remaining:
            commits = ", ".join(commit[:7] for commit in remaining.commits)
            count = f"{len(remaining.objects)}{' or more' if remaining.is_truncated else ''}"
            print(f"{count} objects of revision {commits} remain ({remaining.bytes_total} bytes):")
            for item in remaining.objects[:SHOWN]:
                print(f"  {visible(item.key)}")
            if (more := len(remaining.objects) - SHOWN) > 0:
                print(f"  … and {more} more")
            print("--remove-remaining removes them when all files have arrived.")
        omitted = plan.counts.get("omit", 0)
        left_out = f", {omitted} of them hidden and left out" if omitted else ""
        print(f"{plan.files_total} files{left_out}, {plan.bytes_total} bytes; nothing was written.")
        return 0

    def carry(self, transfer: Transfer) -> int:
        """Wait for a transfer and tell its end. Ctrl-C asks what is meant, or cancels where nobody can be asked."""
        if not self._waits and not isinstance(transfer, LocalTransfer):
            self.say(transfer.id, transfer.status)
            return 0
        try:
            transfer.wait(progress=not self.json)
        except KeyboardInterrupt:
            if self._goes_on(transfer):
                print(f"It goes on: jupyter odhtec transfers show {transfer.id}", file=sys.stderr)
            else:
                transfer.cancel()
                print("Cancelled.", file=sys.stderr)
            return INTERRUPTED
        finally:
            if self.json:
                print(transfer.status.model_dump_json(by_alias=True))
        if not self.json:
            print(line(transfer.status))
        return 0

    def _goes_on(self, transfer: Transfer) -> bool:
        if self._private or isinstance(transfer, LocalTransfer) or not sys.stdin.isatty():
            return False
        try:
            answer = input("\nCancel it? The server would go on without this command. [y/N] ")
        except (KeyboardInterrupt, EOFError):
            return False
        return not answer.strip().lower().startswith("y")


@contextmanager
def console(options: argparse.Namespace, *, may_start: bool = True) -> Iterator[Console]:
    """The server that is running, or one of this command's own."""
    try:
        # In the environment, not an argument: those can be read by every user of the machine.
        client = Client(options.url, os.environ.get("JUPYTER_TOKEN") if options.url else None)
    except NoServer as error:
        if options.url or not may_start or error.code != "NoServer":
            raise
    else:
        yield Console(options, client, private=False)
        return
    print("No Jupyter server runs here: starting one for this command.", file=sys.stderr)
    with private_server() as server:
        yield Console(options, Client(server.url, server.token), private=True)
