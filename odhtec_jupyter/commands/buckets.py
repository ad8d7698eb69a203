"""``mb`` and ``rb``: create and delete buckets."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from odhtec_jupyter.client.arguments import s3_location
from odhtec_jupyter.commands.arguments.options import command, deleting_arguments, dry_run_argument, location_argument
from odhtec_jupyter.commands.console import FAILED, console
from odhtec_jupyter.commands.removing import contents, delete, is_confirmed, plans
from odhtec_jupyter.errors import BadRequest, StoreError
from odhtec_jupyter.models import PlannedFile, TransferPlan
from odhtec_jupyter.uris import S3Uri, named
from odhtec_jupyter.visible import visible

if TYPE_CHECKING:
    from odhtec_jupyter.commands.arguments.options import Commands


def add(commands: Commands) -> None:
    """Add the commands."""
    example = ("mb s3://my-results", "bucket names are unique in a store")
    one = command(commands, "mb", mb, "create a bucket", examples=[example])
    one.add_argument("uri", metavar="S3-URI")
    dry_run_argument(one, "created")
    one = command(
        commands,
        "rb",
        rb,
        "delete a bucket",
        about="Asks first: anyone can then create a bucket with this name and receive data still\nsent to it.",
        examples=[
            ("rb s3://my-results", "an empty bucket"),
            ("rb --force s3://my-results", "a bucket and everything in it"),
        ],
    )
    location_argument(one, "uri", metavar="S3-URI")
    one.add_argument("--force", action="store_true", help="delete the objects in it first")
    deleting_arguments(one)


def mb(options: argparse.Namespace) -> int:
    """Create a bucket."""
    bucket = _bucket(options)
    with console(options) as out:
        uri = str(bucket)
        if options.dry_run:
            planned = PlannedFile(source="", target=uri, size=None, what="create")
            plan = TransferPlan(counts={"create": 1}, files_total=0, bytes_total=0, files=[planned])
            out.print_result(visible(f"    create  {uri}; nothing was written."), plan)
            return 0
        out.client.api_of(bucket).create_bucket(bucket.bucket)
        out.print_result(visible(f"created  {uri}"), {"created": uri})
    return 0


def rb(options: argparse.Namespace) -> int:
    """Delete a bucket."""
    bucket = _bucket(options)
    uri = str(bucket)
    with console(options) as out:
        entries = contents(out.client, bucket) if options.force else []
        if not options.force and next(iter(out.client.ls(uri)), None) is not None:
            message = f"{bucket.bucket} is not empty. Use --force to delete its objects, too."
            raise StoreError(message, code="BucketNotEmpty")
        if options.dry_run:
            planned = PlannedFile(source=uri, target="", size=None, what="delete")
            itself = TransferPlan(counts={"delete": 1}, files_total=0, bytes_total=0, files=[planned])
            return out.print_plan([*plans(out.client, entries), itself], "deleted")
        if not is_confirmed(out, "Delete", entries, f"the bucket {bucket.bucket}"):
            return FAILED
        if code := delete(out, entries):
            return code
        out.client.api_of(bucket).delete_bucket(bucket.bucket)
        out.print_result(visible(f"deleted  {uri}"), {"deleted": uri})
    return 0


def _bucket(options: argparse.Namespace) -> S3Uri:
    location = s3_location(options.uri, named(options.connection))
    if location.key:
        bucket = str(location.with_path("")).removesuffix("/")
        raise BadRequest(f"{options.uri} is not a bucket. Name the bucket: {bucket}")
    return location
