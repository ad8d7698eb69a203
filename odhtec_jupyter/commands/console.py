"""What commands print: results on standard output; progress, questions and errors on standard error; exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from odhtec_jupyter.client import Client, Transfer
from odhtec_jupyter.client.display import line
from odhtec_jupyter.client.local.dry_run import left_out_notice
from odhtec_jupyter.client.local.local_transfer import LocalTransfer
from odhtec_jupyter.commands.output import Value, json_line, print_error
from odhtec_jupyter.commands.private_server import private_server
from odhtec_jupyter.errors import BadRequest, NoServer, OdhTecError
from odhtec_jupyter.models import RemainingObjects, TransferPlan
from odhtec_jupyter.visible import visible

CANCEL_SECONDS = 8.0  # that the server has to confirm a cancellation: the store may not respond
FAILED = 1  # the exit codes
INTERRUPTED = 130
MAX_LISTED_FILES = 1000  # in a dry run
MAX_LISTED_REMAINING = 20  # objects of other revisions in a dry run


NO_WAIT_IS_LOCAL = "--no-wait is not possible with files of this machine: this command moves their data itself."
NO_WAIT_NEEDS_SERVER = "--no-wait requires a running Jupyter server: one started for this command would end with it."


class Console:
    """The output of one command, and the client it uses. ``private``: its server was started for this command."""

    def __init__(self, options: argparse.Namespace, client: Client, *, private: bool) -> None:
        self.client = client
        self.json: bool = options.json
        self._private = private
        self._yes: bool = getattr(options, "yes", False)
        self._waits: bool = not getattr(options, "no_wait", False)

    # --- results and errors ---------------------------------------------------------------------------------------

    def print_result(self, text: str, value: Value) -> None:
        """Print a line of text, or of JSON for scripts."""
        print(json_line(value) if self.json else text)

    def print_notice(self, text: str) -> None:
        """Print a notice on standard error; nothing if the output is JSON."""
        if not self.json:
            print(visible(text), file=sys.stderr)

    def print_error(self, error: OdhTecError) -> int:
        """Print an error after which the command continues. Return the exit code."""
        print_error(str(error), error.code, as_json=self.json)
        return FAILED

    def for_each(self, uris: Iterable[str], work: Callable[[str], None]) -> int:
        """Call ``work`` with each URI, also after one of them has failed. Return the exit code."""
        code = 0
        for uri in uris:
            try:
                work(uri)
            except NoServer:
                raise
            except OdhTecError as error:
                code = self.print_error(error)
        return code

    def print_plan(self, plans: Iterable[TransferPlan], done: str = "written") -> int:
        """Print the result of a dry run. Return the exit code."""
        plan = merged(plans)
        if self.json:
            print(json_line(plan))
            return 0
        for file in plan.files:
            print(f"{file.what:>10}  {visible(file.target or file.source)}")
        if (more := plan.files_total - len(plan.files)) > 0:
            print(f"           … and {more} more")
        if plan.remaining:
            _print_remaining(plan.remaining)
        omitted = plan.counts.get("omit", 0)
        left_out = f", {omitted} of them left out" if omitted else ""
        more_of_it = " or more" if plan.is_truncated else ""
        print(f"{plan.files_total}{more_of_it} files{left_out}, {plan.bytes_total} bytes; nothing was {done}.")
        return 0

    # --- questions ------------------------------------------------------------------------------------------------

    def confirm(self, question: str) -> bool:
        """Ask the user for confirmation. Raises :class:`BadRequest` if standard input is not a terminal."""
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise BadRequest(f"{question} Standard input is not a terminal: add --yes to confirm.")
        return _answer(question).startswith("y")

    @property
    def must_confirm(self) -> bool:
        """Whether the command asks before it deletes."""
        return not self._yes

    # --- transfers ------------------------------------------------------------------------------------------------

    def finish(self, transfer: Transfer) -> int:
        """Wait for a transfer and print its result. Return the exit code.

        Ctrl-C asks whether to cancel a transfer that the server can continue, and cancels any other.
        """
        if not self._waits:
            self.print_result(transfer.id, transfer.status)
            return 0
        try:
            transfer.wait(progress=not self.json)
        except KeyboardInterrupt:
            if self._continues(transfer):
                self.print_notice(f"The transfer continues: jupyter odhtec transfers show {transfer.id}")
            elif _cancel(transfer):
                self.print_notice("Cancelled.")
            else:
                self.print_notice("The server has not confirmed the cancellation. The store may not be responding.")
            return INTERRUPTED
        finally:
            left_out = transfer.left_out if isinstance(transfer, LocalTransfer) else []
            if self.json:
                print(_json_status(transfer, left_out))
            elif left_out:
                self.print_notice(left_out_notice(left_out))
        if not self.json:
            print(line(transfer.status))
        return 0

    def refuse_no_wait(self) -> None:
        """Raise :class:`BadRequest` for ``--no-wait`` where this command itself moves the data."""
        if not self._waits:
            raise BadRequest(NO_WAIT_IS_LOCAL)

    def _continues(self, transfer: Transfer) -> bool:
        if self._private or isinstance(transfer, LocalTransfer) or not sys.stdin.isatty():
            return False
        try:
            print(file=sys.stderr)  # the terminal shows ^C in this line
            answer = _answer("Cancel the transfer? The server can continue it without this command.")
        except KeyboardInterrupt:
            return False
        return answer != "" and not answer.startswith("y")


def _answer(question: str) -> str:
    """Return the answer to a yes-or-no question in lower case; empty at the end of input."""
    print(f"{visible(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().lower()


def _json_status(transfer: Transfer, left_out: Sequence[str]) -> str:
    status = transfer.status
    return json_line({**dict(status), "left_out": left_out} if left_out else status)


def _print_remaining(remaining: RemainingObjects) -> None:
    if not remaining.objects:
        print("The target has too many objects to compare all of them. Some may belong to other revisions.")
        return
    commits = ", ".join(commit[:7] for commit in remaining.commits)
    count = f"{len(remaining.objects)}{' or more' if remaining.is_truncated else ''}"
    print(f"{count} objects of revision {commits} remain ({remaining.bytes_total} bytes):")
    for item in remaining.objects[:MAX_LISTED_REMAINING]:
        print(f"  {visible(item.key)}")
    if (more := len(remaining.objects) - MAX_LISTED_REMAINING) > 0:
        print(f"  … and {more} more")
    print("Use --remove-remaining to delete them after all files have been imported.")


def _cancel(transfer: Transfer) -> bool:
    """Cancel a transfer. Return whether that was confirmed in time. Raises the server's error."""
    done: Future[None] = Future()

    def cancel() -> None:
        try:
            transfer.cancel()
            if isinstance(transfer, LocalTransfer):
                transfer.join()
        except BaseException as error:  # raised in the caller's thread
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
    """Return several dry runs as one."""
    whole = TransferPlan(counts={}, files_total=0, bytes_total=0, files=[])
    counts: Counter[str] = Counter()
    for plan in plans:
        counts.update(plan.counts)
        whole.files_total += plan.files_total
        whole.bytes_total += plan.bytes_total
        whole.files += plan.files[: MAX_LISTED_FILES - len(whole.files)]
        whole.is_truncated |= plan.is_truncated
        whole.remaining = plan.remaining or whole.remaining  # only an import has any, and it is never merged
    whole.counts = dict(counts)
    return whole


@contextmanager
def console(options: argparse.Namespace, *, may_start: bool = True) -> Iterator[Console]:
    """Yield a console for the Jupyter server that is running here, or for a new one."""
    try:
        # The token is not an argument: every user of the machine can read the arguments of a process.
        token = os.environ.get("JUPYTER_TOKEN") if options.url else None
        client = Client(options.url, token, connection=options.connection)
    except NoServer as error:
        if options.url or not may_start or error.code != "NoServer":
            raise
    else:
        yield Console(options, client, private=False)
        return
    if getattr(options, "no_wait", False):
        raise BadRequest(NO_WAIT_NEEDS_SERVER)
    if not options.json:
        print("No Jupyter server is running here. Starting one for this command.", file=sys.stderr)
    with private_server() as server:
        yield Console(options, Client(server.url, server.token, connection=options.connection), private=True)
