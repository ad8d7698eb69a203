"""``ls``, ``cp``, ``rm``, ``import``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from odhtec_jupyter.client import Client, Entry
from odhtec_jupyter.client.arguments import s3_object
from odhtec_jupyter.client.reader import ObjectReader
from odhtec_jupyter.client.writer import ObjectWriter
from odhtec_jupyter.commands.console import Console, console
from odhtec_jupyter.errors import BadRequest, OdhTecError
from odhtec_jupyter.uris import S3Uri
from odhtec_jupyter.visible import visible

PIPE = "-"
BLOCK = 1024 * 1024


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
    if PIPE in (source, target):
        return _piped(out, options)
    if not target.startswith("s3://") and not source.startswith("s3://"):
        raise BadRequest("One of the two has to be a place in S3: s3://bucket/key; the other one may be a path here.")
    call: Any = out.client.upload if target.startswith("s3://") else out.client.download
    if options.dry_run:
        return out.plan(call(source, target, dry_run=True, **wanted))
    return out.carry(call(source, target, **wanted))


def _piped(out: Console, options: argparse.Namespace) -> int:
    """Standard input to an object, or an object to standard output."""
    uri = options.target if options.source == PIPE else options.source
    if uri == PIPE or not uri.startswith("s3://") or uri.endswith("/"):
        raise BadRequest("- is standard input or output: the other one has to be an object, s3://bucket/key.")
    if options.dry_run or options.include or options.exclude:
        raise BadRequest("--dry-run, --include and --exclude are for files and folders, not for a pipe.")
    place = s3_object(uri)
    if options.target == PIPE:
        with ObjectReader(out.client.api, place.bucket, place.key, whole=True) as reader:
            block = memoryview(bytearray(BLOCK))
            while length := reader.readinto(block):
                sys.stdout.buffer.write(block[:length])
            sys.stdout.buffer.flush()
        return 0
    with ObjectWriter(out.client.api, place.bucket, place.key, on_conflict=options.on_conflict) as writer:
        while chunk := sys.stdin.buffer.read(BLOCK):
            writer.write(chunk)
    if writer.result is None:
        out.say(visible(f"{place} exists: skipped."), {"skipped": str(place)})
    else:
        stored = S3Uri(writer.result.bucket, writer.result.key)
        out.say(visible(f"{stored}: {writer.result.size} bytes."), writer.result)
    return 0


def rm(options: argparse.Namespace) -> int:
    """Exactly these objects; folders with ``-r`` only."""
    if not options.recursive and (folders := [uri for uri in options.uri if uri.endswith("/")]):
        raise BadRequest(f"{folders[0]} is a folder: -r deletes it with everything in it.")
    result = 0
    with console(options) as out:
        for uri in options.uri:
            if why := _why_not(out.client, uri):
                print(visible(why), file=sys.stderr)
                result = 1
                continue
            code = (
                out.plan(out.client.delete(uri, dry_run=True)) if options.dry_run else out.carry(out.client.delete(uri))
            )
            if code:
                return code
    return result


def _why_not(client: Client, uri: str) -> str | None:
    """What is wrong with a URI that names nothing: S3 itself deletes what is not there without a word."""
    if not uri.startswith("s3://"):
        return None
    try:
        if client.exists(uri):
            return None
        if not uri.endswith("/") and client.exists(f"{uri}/"):
            return f"{uri} is a folder: rm -r {uri}/ deletes it with everything in it."
    except OdhTecError as error:
        if error.status != 403:
            raise
        return None  # who may delete need not be allowed to look
    hint = " Wildcards are not expanded here: name each object." if any(one in uri for one in "*?[") else ""
    return f"There is nothing at {uri}.{hint}"


def bring(options: argparse.Namespace) -> int:
    """A model or dataset of Hugging Face to S3."""
    wanted: dict[str, Any] = {**_patterns(options), "on_conflict": options.on_conflict, "revision": options.revision}
    with console(options) as out:
        call = out.client.import_dataset if options.dataset else out.client.import_model
        if options.dry_run:
            return out.plan(call(options.repo, options.target, dry_run=True, **wanted))
        if options.remove_remaining:
            plan = call(options.repo, options.target, dry_run=True, **wanted)
            wanted["remove"] = plan.remaining.objects if plan.remaining else None
        return out.carry(call(options.repo, options.target, **wanted))


def _patterns(options: argparse.Namespace) -> dict[str, Any]:
    return {"include": options.include or None, "exclude": options.exclude or None}
