"""``import``: models and datasets of Hugging Face to S3."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.commands.console import console
from odhtec_jupyter.commands.options import command, moving_arguments, patterns

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands


def add(commands: Commands) -> None:
    """``import``."""
    one = command(
        commands,
        "import",
        bring,
        "bring a model or dataset of Hugging Face to S3",
        about="The server streams it, without local disk, and compares every file with the hub's\n"
        "checksum. Importing again sends only what has changed. Gated repositories need the\n"
        "server's token (HF_TOKEN).",
        examples=[
            ("import org/name s3://models --dry-run", "see its files and sizes first"),
            ("import org/name s3://models", "to s3://models/org/name/"),
            ("import org/name s3://models/prod/ --include '*.safetensors'", "some files, right there"),
            ("import --dataset org/data s3://data --revision v2", "a dataset at a tag"),
        ],
    )
    one.add_argument("repo", metavar="ORG/NAME")
    one.add_argument("target", metavar="S3-URI", help="a bucket (below the repository's name) or a folder")
    one.add_argument("--dataset", action="store_true", help="it is a dataset")
    one.add_argument("--revision", default="main", help="branch, tag or commit (default: %(default)s)")
    one.add_argument(
        "--remove-remaining",
        action="store_true",
        help="when all files have arrived, remove objects of other revisions that a dry run says remain",
    )
    moving_arguments(one)


def bring(options: argparse.Namespace) -> int:
    """A model or dataset of Hugging Face to S3."""
    wanted: dict[str, Any] = {**patterns(options), "on_conflict": options.on_conflict, "revision": options.revision}
    with console(options) as out:
        call = out.client.import_dataset if options.dataset else out.client.import_model
        if options.dry_run:
            return out.plan([call(options.repo, options.target, dry_run=True, **wanted)])
        if options.remove_remaining:
            plan = call(options.repo, options.target, dry_run=True, **wanted)
            wanted["remove"] = plan.remaining.objects if plan.remaining else None
        return out.carry(call(options.repo, options.target, **wanted))
