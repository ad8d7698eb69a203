"""Arguments that several commands share, and how their help is laid out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NoReturn

from odhtec_jupyter.commands.completion import complete_place
from odhtec_jupyter.commands.output import print_error

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]

Run = Callable[[argparse.Namespace], int]
POLICIES = ("fail", "skip", "overwrite", "rename")
WRONG_ARGUMENTS = 2  # the exit code
PLACES = """\
places:
  s3://bucket/key           an object; s3://bucket/folder/, with a slash, is a folder
  workspace://path          a file or folder/ below the server's root directory
  hf://org/name@rev/path    a file of Hugging Face; hf://datasets/org/name is a dataset
  path                      a file or folder of this machine, in cp and sync
"""
WILDCARDS = """\
wildcards in keys: * ? [a-z] within one level, ** across levels. Put them in quotes.
A key that exists is taken to the letter, whatever is in it.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong as JSON where the output is JSON."""

    _is_json = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's."""
        self._is_json = "--json" in (sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        if not self._is_json:
            super().error(message)
        print_error(message, "InvalidRequest", as_json=True)
        self.exit(WRONG_ARGUMENTS)


def command(
    commands: Commands,
    name: str,
    run: Run,
    summary: str,
    *,
    about: str = "",
    examples: Sequence[tuple[str, str]] = (),
    notes: str = "",
    human: bool = False,
) -> Parser:
    """A command that speaks to the server. With ``human``, -h means sizes for people, as in ls and du."""
    shown = "\n".join(f"  jupyter odhtec {line}\n      {what}" for line, what in examples)
    parts = [f"examples:\n{shown}\n" if examples else "", notes]
    one = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{dedent(about).strip()}".strip(),
        epilog="\n".join(part for part in parts if part),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=not human,
    )
    if human:
        one.add_argument("--help", action="help", help="show this help message and exit")
        one.add_argument("-h", "--human-readable", action="store_true", help="sizes as 1.2 MB, not in bytes")
    one.add_argument("--json", action="store_true", help="one JSON value a line, errors on standard error, too")
    one.add_argument(
        "--url",
        help="the Jupyter server, as its log shows it; its token may be in JUPYTER_TOKEN. Default: the server of this "
        "terminal or machine, or a new one for this command",
    )
    one.set_defaults(run=run)
    return one


def place_argument(one: Parser, name: str, **options: Any) -> None:
    """A positional argument that a shell can complete with buckets and keys."""
    one.add_argument(name, **options).completer = complete_place  # type: ignore[attr-defined]


def moving_arguments(one: Parser, *, conflicts: bool = True) -> None:
    """What applies wherever files are copied."""
    one.add_argument(
        "--include",
        action="append",
        metavar="PATTERN",
        help="only files whose path in the folder fits; may be given again",
    )
    one.add_argument("--exclude", action="append", metavar="PATTERN", help="not those that fit; may be given again")
    if conflicts:
        one.add_argument(
            "--on-conflict",
            choices=POLICIES,
            default="fail",
            help="what happens to a file that exists already (default: %(default)s, before anything is written)",
        )
    dry_run_argument(one, "written")
    one.add_argument("--no-wait", action="store_true", help="print the transfer's id and leave it to the server")


def deleting_arguments(one: Parser) -> None:
    """What applies wherever something is deleted."""
    one.add_argument("-y", "--yes", action="store_true", help="do not ask")
    dry_run_argument(one, "deleted")


def dry_run_argument(one: Parser, done: str) -> None:
    """``--dry-run``, and as ``aws s3`` writes it."""
    one.add_argument("--dry-run", action="store_true", help=f"only tell what would be {done}")
    one.add_argument("--dryrun", dest="dry_run", action="store_true", help=argparse.SUPPRESS)


def patterns(options: argparse.Namespace) -> dict[str, Any]:
    """``--include`` and ``--exclude`` as the client takes them."""
    return {"include": options.include or None, "exclude": options.exclude or None}
