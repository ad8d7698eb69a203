"""``import``: models and datasets of Hugging Face to S3."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.display import size
from odhtec_jupyter.commands.console import FAILED, Console, console
from odhtec_jupyter.commands.options import command, moving_arguments, patterns

if TYPE_CHECKING:
    from odhtec_jupyter.commands.options import Commands
    from odhtec_jupyter.models import RemainingObjects

NAMED = 3  # keys in a question


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
            ("import org/name s3://models --remove-remaining", "and no files that only an earlier revision had"),
        ],
    )
    one.add_argument("repo", metavar="ORG/NAME")
    one.add_argument("target", metavar="S3-URI", help="a bucket (below the repository's name) or a folder")
    one.add_argument("--dataset", action="store_true", help="it is a dataset")
    one.add_argument("--revision", default="main", help="branch, tag or commit (default: %(default)s)")
    one.add_argument(
        "--remove-remaining",
        action="store_true",
        help="when all files have arrived, remove objects of other revisions that a dry run says remain; asks first",
    )
    one.add_argument("-y", "--yes", action="store_true", help="do not ask before objects are removed")
    moving_arguments(one)


def bring(options: argparse.Namespace) -> int:
    """A model or dataset of Hugging Face to S3."""
    wanted: dict[str, Any] = {**patterns(options), "on_conflict": options.on_conflict, "revision": options.revision}
    with console(options) as out:
        call = out.client.import_dataset if options.dataset else out.client.import_model
        if options.dry_run:
            return out.plan([call(options.repo, options.target, dry_run=True, **wanted)])
        if options.remove_remaining:
            remaining = call(options.repo, options.target, dry_run=True, **wanted).remaining
            if remaining and not _is_meant(out, remaining):
                return FAILED
            wanted["remove"] = remaining.objects if remaining else None
        return out.carry(call(options.repo, options.target, **wanted))


def _is_meant(out: Console, remaining: RemainingObjects) -> bool:
    """Whether the objects of other revisions may go."""
    objects = remaining.objects
    named = ", ".join(one.key for one in objects[:NAMED])
    named += f" and {len(objects) - NAMED} more" if len(objects) > NAMED else ""
    count = f"{len(objects)} object{'' if len(objects) == 1 else 's'} of other revisions"
    if not out.ask(f"Remove {count} ({size(remaining.bytes_total)}) after the import: {named}?"):
        out.note("Nothing was imported or removed.")
        return False
    if remaining.is_truncated:
        out.note("There may be more objects of other revisions: import again to remove them, too.")
    return True
