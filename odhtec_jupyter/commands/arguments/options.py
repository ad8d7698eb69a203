"""Arguments that several commands share, and the layout of their help."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NoReturn

from odhtec_jupyter.commands.arguments.completion import complete_location
from odhtec_jupyter.commands.output import print_error
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]

Run = Callable[[argparse.Namespace], int]
POLICIES = ("fail", "skip", "overwrite", "rename")
WRONG_ARGUMENTS = 2  # the exit code
MAX_PORT = 65535
LOCATIONS = """\
locations:
  s3://bucket/key           an object; s3://bucket/folder/ (with a slash) is a folder
  s3://name@bucket/key      the same in the store of another connection
  workspace://path          a file or folder/ below the server's root directory
  hf://org/name@rev/path    a file of Hugging Face; hf://datasets/org/name is a dataset
  path                      a file or folder of this machine, in cp and sync
"""
WILDCARDS = """\
wildcards in keys: * ? [a-z] within one level, ** across levels. Quote them.
A key that contains such characters and exists is not treated as a pattern.
"""


class Parser(argparse.ArgumentParser):
    """Prints errors as JSON if the output is JSON, and refuses arguments that are not valid UTF-8."""

    _is_json = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does."""
        given = sys.argv[1:] if args is None else list(args)
        self._is_json = "--json" in given
        for one in given:
            try:
                one.encode()
            except UnicodeEncodeError:  # the shell passed other bytes, and neither keys nor output can hold them
                self.error(f"argument {visible(one)} is not valid UTF-8")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with code 2."""
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
    """Add a command that uses the server. With ``human``, -h selects human-readable sizes, as in ls and du."""
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
        one.add_argument(
            "-h", "--human-readable", action="store_true", help="print sizes such as 1.2 MB instead of bytes"
        )
    one.add_argument(
        "--json", action="store_true", help="print one JSON value per line; errors are JSON on standard error"
    )
    one.add_argument(
        "--url",
        help="the URL of the Jupyter server, as in its log; the token can be in JUPYTER_TOKEN. Default: the server of "
        "this terminal or machine, or a new one for this command",
    )
    one.add_argument(
        "--connection",
        metavar="NAME",
        default="default",
        help="the connection to S3 of locations that name none; s3://NAME@bucket/key names one",
    )
    one.set_defaults(run=run)
    return one


def location_argument(one: Parser, name: str, **options: Any) -> None:
    """Add a positional argument that the shell completes with buckets and keys."""
    one.add_argument(name, **options).completer = complete_location  # type: ignore[attr-defined]


def moving_arguments(one: Parser, *, conflicts: bool = True) -> None:
    """Add the arguments of the commands that copy files."""
    one.add_argument(
        "--include",
        action="append",
        metavar="PATTERN",
        help="only files whose path in the folder matches; can be repeated",
    )
    one.add_argument(
        "--exclude", action="append", metavar="PATTERN", help="no files whose path matches; can be repeated"
    )
    if conflicts:
        one.add_argument(
            "--on-conflict",
            choices=POLICIES,
            default="fail",
            help="what to do if a file exists (default: %(default)s, before anything is written)",
        )
    dry_run_argument(one, "written")
    one.add_argument(
        "--no-wait", action="store_true", help="print the id of the transfer and exit; the server continues it"
    )


def deleting_arguments(one: Parser) -> None:
    """Add the arguments of the commands that delete."""
    one.add_argument("-y", "--yes", action="store_true", help="delete without asking")
    dry_run_argument(one, "deleted")


def dry_run_argument(one: Parser, done: str) -> None:
    """Add ``--dry-run``, and ``--dryrun`` as ``aws s3`` spells it."""
    one.add_argument("--dry-run", action="store_true", help=f"only print what would be {done}")
    one.add_argument("--dryrun", dest="dry_run", action="store_true", help=argparse.SUPPRESS)


def patterns(options: argparse.Namespace) -> dict[str, Any]:
    """Return ``--include`` and ``--exclude`` as options of the client."""
    return {"include": options.include or None, "exclude": options.exclude or None}


def positive_number(text: str) -> int:
    """Return an argument as a number from 1 on."""
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def port_number(text: str) -> int:
    """Return an argument as a TCP port."""
    port = positive_number(text)
    if port > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {MAX_PORT}")
    return port
