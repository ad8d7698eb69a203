"""Shell completion of commands, options, files, buckets and keys, with argcomplete (an optional dependency)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client import Client
from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

ARGCOMPLETE_VARIABLE = "_ARGCOMPLETE"  # set by argcomplete's shell functions
EXECUTABLES = ["jupyter", "jupyter-odhtec"]
SHELLS = ("bash", "zsh", "fish")
SCHEMES = ("s3://", "workspace://", "hf://")
MAX_COMPLETIONS = 500
MAX_SECONDS = 5


def add(commands: Commands) -> None:
    """Add ``completion``."""
    one = commands.add_parser(
        "completion",
        help="complete commands, buckets and keys with Tab",
        description="Print the code that lets a shell complete commands, options, buckets and keys with Tab.\n\n"
        "Requires argcomplete: pip install 'odhtec-jupyter[completion]'.",
        epilog="examples:\n"
        '  eval "$(jupyter odhtec completion bash)"\n'
        "      for this shell; put it in ~/.bashrc for every shell\n"
        '  autoload -Uz compinit && compinit && eval "$(jupyter odhtec completion zsh)"\n'
        "      the same in ~/.zshrc\n"
        "  jupyter odhtec completion fish > ~/.config/fish/completions/jupyter.fish",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("shell", choices=SHELLS)
    one.set_defaults(run=completion)


def completion(options: argparse.Namespace) -> int:
    """Print the code for the shell."""
    if find_spec("argcomplete") is None:
        raise BadRequest("Completion requires argcomplete: pip install 'odhtec-jupyter[completion]'.")
    from argcomplete.shell_integration import shellcode

    print(shellcode(EXECUTABLES, shell=options.shell))
    return 0


def answer(command: argparse.ArgumentParser) -> None:
    """Print completions and exit if a shell has started this process for them; otherwise return."""
    if ARGCOMPLETE_VARIABLE not in os.environ:
        return
    if find_spec("argcomplete") is None:
        sys.exit(1)
    from argcomplete import autocomplete

    if hasattr(signal, "alarm"):
        signal.alarm(MAX_SECONDS)  # a store that does not respond must not block the shell
    autocomplete(command, always_complete_options="long")


def complete_location(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the files, buckets and keys that start with ``prefix``."""
    if "://" not in prefix:
        from argcomplete.completers import FilesCompleter

        return [scheme for scheme in SCHEMES if scheme.startswith(prefix)] + list(FilesCompleter()(prefix))
    try:
        # A name with invisible characters cannot be recognized in a list.
        found = (uri for uri in _locations(prefix, parsed_args) if visible(uri) == uri)
        return list(islice(found, MAX_COMPLETIONS))
    except (OdhTecError, OSError):
        return []


def _locations(prefix: str, parsed_args: argparse.Namespace) -> Iterator[str]:
    if not prefix.startswith("s3://"):
        return
    url: str | None = getattr(parsed_args, "url", None)
    token = os.environ.get("JUPYTER_TOKEN") if url else None
    client = Client(url, token, connection=getattr(parsed_args, "connection", "default"))
    bucket, in_bucket, key = prefix.removeprefix("s3://").partition("/")
    if not in_bucket:
        name, at, _ = bucket.rpartition("@")
        api = client.api_of(client.location(f"s3://{name}@bucket")) if at else client.api
        yield from (f"s3://{name}{at}{one.Name}/" for one in api.list_buckets().buckets)
        return
    folder, slash, name = key.rpartition("/")
    where = f"s3://{bucket}/{folder}{slash}"
    entries = client.search(where, name, mode="prefix", recursive=False) if name else client.ls(where)
    yield from (entry.uri for entry in entries)
