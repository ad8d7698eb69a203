"""``import``: models and datasets from Hugging Face to S3."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from odhtec_jupyter.client.display import size
from odhtec_jupyter.commands.arguments.options import command, moving_arguments, patterns
from odhtec_jupyter.commands.console import FAILED, Console, console

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands
    from odhtec_jupyter.models import RemainingObjects

MAX_NAMED_KEYS = 3  # in a question


def add(commands: Commands) -> None:
    """Add ``import``."""
    one = command(
        commands,
        "import",
        import_from_hub,
        "import a model or dataset from Hugging Face to S3",
        about="The server streams the files without using its disk, and compares each one with the\n"
        "hub's checksum. A second import transfers only what has changed. Gated repositories\n"
        "require the server's token (HF_TOKEN).",
        examples=[
            ("import org/name s3://models --dry-run", "see the files and sizes first"),
            ("import org/name s3://models", "import to s3://models/org/name/"),
            (
                "import org/name s3://models/prod/ --include '*.safetensors'",
                "import some files, directly into this folder",
            ),
            ("import --dataset org/data s3://data --revision v2", "import a dataset at a tag"),
            ("import org/name s3://models --remove-remaining", "then delete files that only an earlier revision had"),
        ],
    )
    one.add_argument("repo", metavar="ORG/NAME")
    one.add_argument(
        "target", metavar="S3-URI", help="a bucket (files are stored below the repository's name) or a folder"
    )
    one.add_argument("--dataset", action="store_true", help="import a dataset, not a model")
    one.add_argument("--revision", default="main", help="branch, tag or commit (default: %(default)s)")
    one.add_argument(
        "--remove-remaining",
        action="store_true",
        help="after the import, delete the objects of other revisions that a dry run lists; asks first",
    )
    one.add_argument("-y", "--yes", action="store_true", help="delete without asking")
    moving_arguments(one)


def import_from_hub(options: argparse.Namespace) -> int:
    """Import a model or dataset from Hugging Face to S3."""
    wanted: dict[str, Any] = {**patterns(options), "on_conflict": options.on_conflict, "revision": options.revision}
    with console(options) as out:
        call = out.client.import_dataset if options.dataset else out.client.import_model
        if options.dry_run:
            return out.print_plan([call(options.repo, options.target, dry_run=True, **wanted)])
        if options.remove_remaining:
            remaining = call(options.repo, options.target, dry_run=True, **wanted).remaining
            if remaining and not _is_confirmed(out, remaining):
                return FAILED
            wanted["remove"] = remaining.objects or None if remaining else None
        return out.finish(call(options.repo, options.target, **wanted))


def _is_confirmed(out: Console, remaining: RemainingObjects) -> bool:
    """Ask before objects of other revisions are deleted. Return whether to import."""
    if not remaining.objects:
        out.print_notice(
            "The target has too many objects to compare all of them. No objects of other revisions were found."
        )
        return True
    objects = remaining.objects
    named = ", ".join(one.key for one in objects[:MAX_NAMED_KEYS])
    named += f" and {len(objects) - MAX_NAMED_KEYS} more" if len(objects) > MAX_NAMED_KEYS else ""
    count = f"{len(objects)} object{'' if len(objects) == 1 else 's'} of other revisions"
    if not out.confirm(f"Delete {count} ({size(remaining.bytes_total)}) after the import: {named}?"):
        out.print_notice("Nothing was imported or deleted.")
        return False
    if remaining.is_truncated:
        out.print_notice("There may be more objects of other revisions. Import again to delete them, too.")
    return True
