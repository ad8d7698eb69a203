"""How commands speak: results on standard output, progress, questions and errors on standard error, exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.client.display import line
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.commands.output import Value, json_line, print_error
from odhtec_jupyter.commands.private_server import private_server
from odhtec_jupyter.errors import BadRequest, NoServer, OdhTecError
from odhtec_jupyter.models import TransferPlan
from odhtec_jupyter.visible import visible

CANCEL_SECONDS = 8.0  # that the server has to confirm a cancellation: its store may not answer at all
FAILED = 1  # the exit codes
INTERRUPTED = 130
SHOWN = 1000  # files that a dry run names
REMAINING_SHOWN = 20  # objects of other revisions that it names


class Console:
    """One command at work; ``private`` says that its server ends with it."""

    def __init__(self, options: argparse.Namespace, client: Client, *, private: bool) -> None:
        self.client = client
        self.json: bool = options.json
        self._private = private
        self._yes: bool = getattr(options, "yes", False)
        self._waits: bool = private or not getattr(options, "no_wait", False)

    # --- results and errors ---------------------------------------------------------------------------------------

    def say(self, text: str, value: Value) -> None:
        """A line of text, or of JSON for scripts."""
        print(json_line(value) if self.json else text)

    def note(self, text: str) -> None:
        """Something for people beside the result."""
        if not self.json:
            print(visible(text), file=sys.stderr)

    def complain(self, error: OdhTecError) -> int:
        """Tell an error after which the command continues; the exit code that it ends with."""
        print_error(str(error), error.code, as_json=self.json)
        return FAILED

    def each(self, uris: Iterable[str], work: Callable[[str], None]) -> int:
        """Do it with every URI, also when one of them fails; the exit code."""
        code = 0
        for uri in uris:
            try:
                work(uri)
            except NoServer:
                raise
            except OdhTecError as error:
                code = self.complain(error)
        return code

    def plan(self, plans: Iterable[TransferPlan], done: str = "written") -> int:
        """What a dry run has found, all of it as one."""
        plan = merged(plans)
        if self.json:
            print(json_line(plan))
            return 0
        for file in plan.files:
            print(f"{file.what:>10}  {visible(file.target or file.source)}")
        if (more := plan.files_total - len(plan.files)) > 0:
            print(f"           … and {more} more")
        if remaining := plan.remaining:
            commits = ", ".join(commit[:7] for commit in remaining.commits)
            count = f"{len(remaining.objects)}{' or more' if remaining.is_truncated else ''}"
            print(f"{count} objects of revision {commits} remain ({remaining.bytes_total} bytes):")
            for item in remaining.objects[:REMAINING_SHOWN]:
                print(f"  {visible(item.key)}")
            if (more := len(remaining.objects) - REMAINING_SHOWN) > 0:
                print(f"  … and {more} more")
            print("--remove-remaining removes them when all files have arrived.")
        omitted = plan.counts.get("omit", 0)
        left_out = f", {omitted} of them hidden and left out" if omitted else ""
        more_of_it = " or more" if plan.is_truncated else ""
        print(f"{plan.files_total}{more_of_it} files{left_out}, {plan.bytes_total} bytes; nothing was {done}.")
        return 0

    # --- questions ------------------------------------------------------------------------------------------------

    def ask(self, question: str) -> bool:
        """Whether it is meant. Raises :class:`BadRequest` where nobody can be asked."""
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise BadRequest(f"{question} This is not a terminal that can answer: add --yes to confirm.")
        print(f"{visible(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower().startswith("y")

    @property
    def asks(self) -> bool:
        """Whether there is anything to be asked."""
        return not self._yes

    # --- transfers ------------------------------------------------------------------------------------------------

    def carry(self, transfer: Transfer) -> int:
        """Wait for a transfer and tell its end. Ctrl-C asks what is meant, or cancels where nobody can be asked."""
        if not self._waits and not isinstance(transfer, LocalTransfer):
            self.say(transfer.id, transfer.status)
            return 0
        try:
            transfer.wait(progress=not self.json)
        except KeyboardInterrupt:
            if self._goes_on(transfer):
                self.note(f"The transfer continues: jupyter odhtec transfers show {transfer.id}")
            elif _cancel(transfer):
                self.note("Cancelled.")
            else:
                self.note("The server has not confirmed the cancellation: the store may not answer it.")
            return INTERRUPTED
        finally:
            if self.json:
                print(json_line(transfer.status))
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


def _cancel(transfer: Transfer) -> bool:
    """Whether a transfer has been cancelled before the time is up. Raises what the server says against it."""
    done: Future[None] = Future()

    def cancel() -> None:
        try:
            transfer.cancel()
            if isinstance(transfer, LocalTransfer):
                transfer.join()
        except BaseException as error:  # the caller gets it
            done.set_exception(error)
        else:
            done.set_result(None)

    Thread(target=cancel, name="odhtec cancel", daemon=True).start()
    try:
        done.result(CANCEL_SECONDS)
    except TimeoutError:
        return False
    return True


def merged(plans: Iterable[TransferPlan]) -> TransferPlan:
    """Several dry runs as one."""
    whole = TransferPlan(counts={}, files_total=0, bytes_total=0, files=[])
    counts: Counter[str] = Counter()
    for plan in plans:
        counts.update(plan.counts)
        whole.files_total += plan.files_total
        whole.bytes_total += plan.bytes_total
        whole.files += plan.files[: SHOWN - len(whole.files)]
        whole.is_truncated |= plan.is_truncated
        whole.remaining = plan.remaining or whole.remaining  # only an import has any, and is alone
    whole.counts = dict(counts)
    return whole


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
    if not options.json:
        print("No Jupyter server runs here: starting one for this command.", file=sys.stderr)
    with private_server() as server:
        yield Console(options, Client(server.url, server.token), private=True)
