"""``ls``, ``cp``, ``rm``, ``import``."""

from __future__ import annotations

import argparse
from typing import Any

from odhtec_jupyter.client import Entry
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest
from odhtec_jupyter.visible import visible


def ls(options: argparse.Namespace) -> int:
    """The buckets, or what is in one."""
    with console(options) as out:
        if not options.uri:
            for name in out.client.buckets():
                out.say(visible(f"s3://{name}/"), {"uri": f"s3://{name}/"})
            return 0
        for entry in out.client.ls(options.uri, recursive=options.recursive):
            out.say(_row(entry), vars(entry))
    return 0


def _row(entry: Entry) -> str:
    time = f"{entry.last_modified:%Y-%m-%d %H:%M}" if entry.last_modified else ""
    size = "" if entry.size is None else str(entry.size)
    return f"{time:16}  {size:>14}  {visible(entry.uri)}"


def cp(options: argparse.Namespace) -> int:
    """Any two places; one of them may be a path of this machine."""
    source, target = options.source, options.target
    with console(options) as out:
        if "://" in source and "://" in target:
            wanted = {**_patterns(options), "on_conflict": options.on_conflict}
            if options.dry_run:
                return out.plan(out.client.copy(source, target, dry_run=True, **wanted))
            return out.carry(out.client.copy(source, target, **wanted))
        return _local(out, options)


def _local(out: Console, options: argparse.Namespace) -> int:
    source, target = options.source, options.target
    wanted: dict[str, Any] = {**_patterns(options), "on_conflict": options.on_conflict}
    if not target.startswith("s3://") and not source.startswith("s3://"):
        raise BadRequest("One of the two has to be a place in S3: s3://bucket/key; the other one may be a path here.")
    call: Any = out.client.upload if target.startswith("s3://") else out.client.download
    if options.dry_run:
        return out.plan(call(source, target, dry_run=True, **wanted))
    return out.carry(call(source, target, **wanted))


def rm(options: argparse.Namespace) -> int:
    """Exactly these objects; folders with ``-r`` only."""
    if not options.recursive and (folders := [uri for uri in options.uri if uri.endswith("/")]):
        raise BadRequest(f"{folders[0]} is a folder: -r deletes it with everything in it.")
    with console(options) as out:
        for uri in options.uri:
            code = (
                out.plan(out.client.delete(uri, dry_run=True)) if options.dry_run else out.carry(out.client.delete(uri))
            )
            if code:
                return code
    return 0


def bring(options: argparse.Namespace) -> int:
    """A model or dataset of Hugging Face to S3."""
    wanted: dict[str, Any] = {**_patterns(options), "on_conflict": options.on_conflict, "revision": options.revision}
    with console(options) as out:
        call = out.client.import_dataset if options.dataset else out.client.import_model
        if options.dry_run:
            return out.plan(call(options.repo, options.target, dry_run=True, **wanted))
        return out.carry(call(options.repo, options.target, **wanted))


def _patterns(options: argparse.Namespace) -> dict[str, Any]:
    return {"include": options.include or None, "exclude": options.exclude or None}
