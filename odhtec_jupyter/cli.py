"""``jupyter odhtec``: the command line. Each command is in a module of ``commands/``, with its arguments.

Exit codes: 0 done, 1 failed (with a message on standard error), 2 invalid arguments, 130 interrupted,
141 the reader of the output has closed it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from odhtec_jupyter.commands import (
    bandwidth,
    buckets,
    copying,
    doctor,
    importing,
    listing,
    presigning,
    removing,
    streams,
    syncing,
    transfers,
)
from odhtec_jupyter.commands.arguments import completion
from odhtec_jupyter.commands.arguments.options import LOCATIONS, WILDCARDS, Parser, port_number
from odhtec_jupyter.commands.output import print_error
from odhtec_jupyter.errors import OdhTecError

INTERRUPTED = 130
OUTPUT_CLOSED = 141  # the exit code that shells report for a program that SIGPIPE ended
START = """\
first steps:
  jupyter odhtec ls                             your buckets
  jupyter odhtec ls -lh s3://bucket/            the contents of a bucket
  jupyter odhtec cp file.csv s3://bucket/       upload a file
  jupyter odhtec cp s3://bucket/folder/ here/   download a folder
  jupyter odhtec import org/model s3://bucket   import a model from Hugging Face
  jupyter odhtec cp --help                      help about a command, with examples
"""
CODES = """\
exit codes: 0 done, 1 failed (message on standard error), 2 invalid arguments, 130 interrupted
"""


def parser() -> Parser:
    """Return the parser of the command line."""
    command = Parser(
        prog="jupyter odhtec",
        description="Object storage through the Jupyter server: the shell needs no S3 keys.",
        epilog="\n".join((START, LOCATIONS, WILDCARDS, CODES)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--version", action="version", version=version("odhtec-jupyter"))
    commands = command.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (listing, copying, syncing, removing, streams, presigning, buckets, importing, transfers, bandwidth):
        group.add(commands)
    doctor.add(commands)
    demo = commands.add_parser(
        "demo",
        help="try it with an object store, a hub and a real model on this machine",
        description="Start an object store (unless AWS_S3_ENDPOINT names one), a hub that serves a real model, and "
        "JupyterLab with the panel open. Everything is removed at the end.",
    )
    demo.add_argument(
        "--once", action="store_true", help="without a browser: import the model, read it back, compare it and exit"
    )
    demo.add_argument("--port", type=port_number, default=8888, help="the first port to try (default: %(default)s)")
    demo.add_argument("--no-browser", action="store_true", help="print the URL without opening it")
    demo.set_defaults(run=_demo)
    completion.add(commands)
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``jupyter-odhtec``, and return the exit code."""
    command = parser()
    completion.answer(command)
    chosen = command.parse_args(arguments)
    try:
        code = _result(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # such as "| head" after its last line
        _discard_output()
        return OUTPUT_CLOSED
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
    # Slow to import, and no other command needs it.
    from odhtec_jupyter.demo.command import run

    return run(once=chosen.once, port=chosen.port, browser=not chosen.no_browser)


def _discard_output() -> None:
    """Discard buffered output: Python would write it at exit and report the error again."""
    with open(os.devnull, "wb") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())
