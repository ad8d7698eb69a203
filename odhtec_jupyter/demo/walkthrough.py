"""The demonstration without a browser: import the model, show its progress, read it back, compare every byte."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import requests

from odhtec_jupyter.demo.rest import Rest
from odhtec_jupyter.demo.workbench import Workbench

_FINAL = ("completed", "failed", "cancelled")
_BAR = 30
_POLL_SECONDS = 0.2


class WalkthroughError(Exception):
    """A step of the demonstration failed."""


def walk_through(bench: Workbench) -> None:
    """Import and compare the model. Raises :class:`WalkthroughError` for the first difference."""
    rest = Rest(bench.jupyter.url, bench.jupyter.headers)
    try:
        rest.ensure_bucket(bench.bucket)
        print(f"Importing hf://{bench.model.id} to s3://{bench.bucket}/{bench.model.id}/")
        _import(rest, bench)
        _compare(rest, bench)
    finally:
        rest.close()


def _import(rest: Rest, bench: Workbench) -> None:
    for transfer in _progress(rest, rest.import_model(bench.model.id, bench.bucket)):
        _show(transfer)
    if sys.stdout.isatty():
        print()
    if transfer["state"] != "completed":
        error = transfer["error"] or {"code": "Unknown", "message": "no reason was reported"}
        raise WalkthroughError(f"the import is {transfer['state']}: {error['code']}: {error['message']}")
    print(f"{transfer['filesDone']} files, {_size(transfer['bytesDone'])} imported.")


def _progress(rest: Rest, transfer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the states of a transfer: from the event stream or, if the stream ends early, by polling."""
    yield transfer
    try:
        for event, data in rest.events():
            if event == "transfer" and data["id"] == transfer["id"]:
                yield data
                if data["state"] in _FINAL:
                    return
    except requests.RequestException as broken:
        print(f"The event stream was interrupted ({type(broken).__name__}). Polling instead.")
    while True:
        now = rest.transfer(transfer["id"])
        yield now
        if now["state"] in _FINAL:
            return
        time.sleep(_POLL_SECONDS)


def _show(transfer: dict[str, Any]) -> None:
    done, total, rate = transfer["bytesDone"], transfer["bytesTotal"], transfer["rate"]
    share = done / total if total else 0.0
    bar = "#" * int(share * _BAR)
    line = f"  {transfer['state']:9} [{bar:.<{_BAR}}] {share:4.0%}  {_size(done)} of {_size(total or 0)}"
    line += f"  {_size(rate)}/s" if rate else ""
    if sys.stdout.isatty():
        print(f"\r{line:<100}", end="", flush=True)
    else:
        print(line, flush=True)


def _compare(rest: Rest, bench: Workbench) -> None:
    """Compare names, sizes and sha256 of the stored objects with the files of the hub."""
    commit = bench.model.at("main")
    assert commit is not None
    prefix = f"{bench.model.id}/"
    listed = {entry["Key"]: entry["Size"] for entry in rest.list_all(bench.bucket, prefix)}
    expected = {prefix + path: file.content for path, file in commit.files.items()}
    absent, surplus = expected.keys() - listed.keys(), listed.keys() - expected.keys()
    if absent or surplus:
        raise WalkthroughError(f"missing in the bucket: {sorted(absent)}; unexpected: {sorted(surplus)}")
    print(f"Reading s3://{bench.bucket}/{prefix} back:")
    for key, content in sorted(expected.items()):
        digest, size = rest.sha256(bench.bucket, key)
        if (digest, size, listed[key]) != (content.sha256, content.size, content.size):
            raise WalkthroughError(
                f"{key} differs: read {size} bytes with sha256 {digest}, listed {listed[key]} bytes, "
                f"the hub has {content.size} bytes with sha256 {content.sha256}"
            )
        print(f"  same sha256  {_size(size):>9}  {digest[:16]}…  {key}")
    print(f"All {len(expected)} files are in the bucket, each with the sha256 of the hub.")


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
