"""``jupyter odhtec``: commands for the shell, each with its arguments in a module of ``commands/``.

Exit codes: 0 done, 1 failed (with one sentence on standard error), 2 wrong arguments, 130 interrupted,
141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from odhtec_jupyter.commands import (
    buckets,
    completion,
    copying,
    importing,
    listing,
    removing,
    streams,
    syncing,
    transfers,
)
from odhtec_jupyter.commands.options import PLACES, WILDCARDS, Parser
from odhtec_jupyter.commands.output import print_error
from odhtec_jupyter.errors import OdhTecError

INTERRUPTED = 130
READER_GONE = 141  # what a shell says of a program that SIGPIPE ended
START = """\
first steps:
  jupyter odhtec ls                             your buckets
  jupyter odhtec ls -lh s3://bucket/            what is in one
  jupyter odhtec cp file.csv s3://bucket/       a file of this machine into it
  jupyter odhtec cp s3://bucket/folder/ here/   and a folder back
  jupyter odhtec import org/model s3://bucket   a model of Hugging Face
  jupyter odhtec cp --help                      more about a command, with examples
"""
CODES = """\
exit codes: 0 done, 1 failed (one sentence on standard error), 2 wrong arguments, 130 interrupted
"""


def parser() -> Parser:
    """What the command line understands."""
    command = Parser(
        prog="jupyter odhtec",
        description="Object storage inside the notebook: through the Jupyter server, without keys in the shell.",
        epilog="\n".join((START, PLACES, WILDCARDS, CODES)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--version", action="version", version=version("odhtec-jupyter"))
    commands = command.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (listing, copying, syncing, removing, streams, buckets, importing, transfers):
        group.add(commands)
    demo = commands.add_parser(
        "demo",
        help="see it at work, with an object store, a hub and a real model on this machine",
        description="Start an object store (unless AWS_S3_ENDPOINT names one), a hub that serves a real model, and "
        "JupyterLab with the panel open. Nothing is left behind.",
    )
    demo.add_argument(
        "--once", action="store_true", help="without a browser: import the model, read it back, compare, and end"
    )
    demo.add_argument("--port", type=int, default=8888, help="the first port to try (default: %(default)s)")
    demo.add_argument("--no-browser", action="store_true", help="print the address, do not open it")
    demo.set_defaults(run=_demo)
    completion.add(commands)
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point of ``jupyter-odhtec``; the result is the exit code."""
    command = parser()
    completion.answer(command)
    chosen = command.parse_args(arguments)
    try:
        code = _result(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # as with "| head", which has what it wants
        _forget_output()
        return READER_GONE
    return code


def _result(chosen: argparse.Namespace) -> int:
    as_json = getattr(chosen, "json", False)
    try:
        code: int = chosen.run(chosen)
    except BrokenPipeError:
        raise
    except OdhTecError as error:
        print_error(str(error), error.code, as_json=as_json)
        return 1
    except OSError as error:
        print_error(str(error), type(error).__name__, as_json=as_json)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _demo(chosen: argparse.Namespace) -> int:
    # Its parts are slow to import, and no other command needs them.
    from odhtec_jupyter.demo.command import run

    return run(once=chosen.once, port=chosen.port, browser=not chosen.no_browser)


def _forget_output() -> None:
    """What is still in the buffer would be written when Python ends, and complained of."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
