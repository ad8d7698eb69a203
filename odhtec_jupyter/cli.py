"""``jupyter odhtec``: commands for the shell.

Exit codes: 0 done, 1 failed (with one sentence on standard error), 2 wrong arguments, 130 interrupted,
141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

READER_GONE = 141  # what a shell says of a program that SIGPIPE ended
POLICIES = ("fail", "skip", "overwrite", "rename")
VERBS = ("list", "show", "wait", "pause", "resume", "retry", "cancel", "remove")
PLACES = "Places: s3://bucket/key, workspace://path, hf://org/name@revision/path; one that ends in a slash is a folder."


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    command = argparse.ArgumentParser(prog="jupyter odhtec", description="Object storage inside the notebook.")
    command.add_argument("--version", action="version", version=version("odhtec-jupyter"))
    commands = command.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ls(commands)
    _add_cp(commands)
    _add_rm(commands)
    _add_import(commands)
    _add_transfers(commands)
    _add_demo(commands)
    return command


def _storage(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    """A command that speaks to the server."""
    one = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {PLACES}")
    one.add_argument("--json", action="store_true", help="JSON on standard output, one value a line; no progress")
    one.add_argument(
        "--url",
        help="the Jupyter server, with its token in JUPYTER_TOKEN; default: the one that runs here, or a new one",
    )
    return one


def _moving(one: argparse.ArgumentParser) -> None:
    one.add_argument("--include", action="append", metavar="PATTERN", help="only what fits; may be given again")
    one.add_argument("--exclude", action="append", metavar="PATTERN", help="all but what fits; may be given again")
    one.add_argument("--on-conflict", choices=POLICIES, default="fail", help="where it exists (default: %(default)s)")
    one.add_argument("--dry-run", action="store_true", help="only tell what would happen")
    one.add_argument("--no-wait", action="store_true", help="print the transfer's id and leave it to the server")


def _add_ls(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = _storage(commands, "ls", "list the buckets, or one level of one")
    one.add_argument("uri", nargs="?", metavar="URI")
    one.add_argument("-r", "--recursive", action="store_true", help="every object below")


def _add_cp(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = _storage(
        commands, "cp", "copy between two places; one of them may be a path of this machine, or - for a pipe"
    )
    one.add_argument("source", metavar="SOURCE")
    one.add_argument("target", metavar="TARGET")
    _moving(one)


def _add_rm(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = _storage(commands, "rm", "delete exactly these objects, or folders")
    one.add_argument("uri", nargs="+", metavar="URI")
    one.add_argument("-r", "--recursive", action="store_true", help="folders, with everything in them")
    one.add_argument("--dry-run", action="store_true", help="only tell what would go")


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = _storage(commands, "import", "bring a model or dataset of Hugging Face to S3")
    one.add_argument("repo", metavar="ORG/NAME")
    one.add_argument("target", metavar="S3-URI", help="a bucket (below the repository's name) or a folder")
    one.add_argument("--dataset", action="store_true", help="it is a dataset")
    one.add_argument("--revision", default="main", help="branch, tag or commit (default: %(default)s)")
    one.add_argument(
        "--remove-remaining",
        action="store_true",
        help="when all files have arrived, remove objects of other revisions that a dry run says remain",
    )
    _moving(one)


def _add_transfers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = _storage(commands, "transfers", "list what the server moves, or steer one of them")
    one.add_argument("verb", nargs="?", choices=VERBS, default="list", metavar="|".join(VERBS))
    one.add_argument("id", nargs="?", metavar="ID")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point of ``jupyter-odhtec``; the result is the exit code."""
    chosen = parser().parse_args(arguments)
    # Below, not above: the parts are slow to import, and --help needs none.
    if chosen.command == "demo":
        from odhtec_jupyter.demo.command import run

        return run(once=chosen.once, port=chosen.port, browser=not chosen.no_browser)
    return _run(chosen)


def _run(chosen: argparse.Namespace) -> int:
    try:
        code = _result(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # as with "| head", which has what it wants
        _forget_output()
        return READER_GONE
    return code


def _result(chosen: argparse.Namespace) -> int:
    from odhtec_jupyter.commands import storage, transfers
    from odhtec_jupyter.errors import OdhTecError
    from odhtec_jupyter.visible import visible

    commands = {
        "ls": storage.ls,
        "cp": storage.cp,
        "rm": storage.rm,
        "import": storage.bring,
        "transfers": transfers.transfers,
    }
    try:
        return commands[chosen.command](chosen)
    except BrokenPipeError:
        raise
    except OdhTecError as error:
        print(visible(f"{error} ({error.code})"), file=sys.stderr)
        return 1
    except OSError as error:
        print(visible(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _forget_output() -> None:
    """What is still in the buffer would be written when Python ends, and complained of."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
