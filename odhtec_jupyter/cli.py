"""``jupyter odhtec``: commands for the shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    command = argparse.ArgumentParser(prog="jupyter odhtec", description="Object storage inside the notebook.")
    command.add_argument("--version", action="version", version=version("odhtec-jupyter"))
    commands = command.add_subparsers(dest="command", required=True, metavar="COMMAND")
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
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point of ``jupyter-odhtec``; the result is the exit code."""
    chosen = parser().parse_args(arguments)
    # Here, not above: the demonstration's parts are slow to import.
    from odhtec_jupyter.demo.command import run

    return run(once=chosen.once, port=chosen.port, browser=not chosen.no_browser)
