"""``doctor``: test connections step by step."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from odhtec_jupyter.commands.arguments.options import command
from odhtec_jupyter.commands.console import FAILED, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.uris import DEFAULT_CONNECTION

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands


def add(commands: Commands) -> None:
    """Add ``doctor``."""
    one = command(
        commands,
        "doctor",
        doctor,
        "find out why a connection to S3 or Hugging Face does not work",
        about="The server tests the connection step by step: the host's name, the proxy, the certificate, the\n"
        "clock, the credentials, the region, and what they are allowed to do. Each line says what to\n"
        "change. The report contains no secret, so that it can be sent to those who run the store.",
        examples=[
            ("doctor", "test all connections"),
            ("doctor archive --bucket data", "test one, with this bucket"),
            ("doctor --connection default --write", "also store an object, and remove it again"),
            ("doctor --hub --repo org/model", "test Hugging Face, or the mirror in use"),
            ("doctor --json | jq '.checks[] | select(.status == \"failed\")'", "what has failed, for a script"),
        ],
        notes="exit code: 1 if a check has failed or a connection does not exist",
    )
    one.add_argument("names", nargs="*", metavar="NAME", help="the connections to test (default: all)")
    one.add_argument(
        "--write",
        action="store_true",
        help="also test writing: store a small object in the bucket, and remove it again",
    )
    one.add_argument("--bucket", metavar="BUCKET", help="the bucket to test (default: that of the connection)")
    one.add_argument("--hub", action="store_true", help="test Hugging Face instead of the connections")
    one.add_argument("--repo", metavar="REPO", help="with --hub: a model repository whose files are listed and read")


def doctor(options: argparse.Namespace) -> int:
    """Test the connections and print their reports."""
    if options.repo and not options.hub:
        raise BadRequest("--repo is for --hub.")
    with console(options) as out:
        if options.hub:
            hub = out.client.test_hub(options.repo)
            out.print_result(hub.text, hub)
            return FAILED if hub.status == "failed" else 0
        names = options.names
        if not names and options.connection != DEFAULT_CONNECTION:
            names = [options.connection]
        names = names or [one.name for one in out.client.connections()]
        failed = []

        def test(name: str) -> None:
            found = out.client.test_connection(name, write=options.write, bucket=options.bucket)
            out.print_result(found.text, found)
            if found.status == "failed":
                failed.append(name)

        code = out.for_each(dict.fromkeys(names), test)
        return FAILED if failed else code
